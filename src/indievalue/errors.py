"""The exception shown to users, and conversions of other libraries' exceptions to it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class IndievalueError(Exception):
    """Raised for a problem the user can fix; the message says what is wrong, where, and what to do.

    The command line prints it on one line of stderr and exits with 1. Anything else that is raised is a defect of ours.
    """


class NobodyError(IndievalueError):
    """Raised where no row of a table is a person; of a part of a file, that is no problem."""


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the one of ``names`` that is most like ``word``; "" if none is.

    >>> did_you_mean("gausian", ["majority", "gaussian"])
    "; did you mean 'gaussian'?"
    """
    known = {_letters(name): name for name in names}
    close = get_close_matches(_letters(word), list(known), 1, 0.6)
    return f"; did you mean {known[close[0]]!r}?" if close else ""


def _letters(word: str) -> str:
    return "".join(filter(str.isalnum, word.lower()))


def problems_of(error: "ValidationError") -> list[str]:
    """Describe what is wrong with a file's content, each problem with the dotted path of its key."""
    found = []
    for one in error.errors():
        place, said = ".".join(map(str, one["loc"])), str(one["msg"]).removeprefix("Value error, ")
        if one["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            found.append(f"unknown key {place!r}")
        elif one["type"] == "missing":
            found.append(f"{place!r} is missing")
        else:
            found.append(f"{place}: {said}" if place else said)
    return found


def how_to_install(extra: str) -> str:
    """Return how to get the packages of an extra."""
    return f"install indievalue with its extra {extra}, in a clone by pip install '.[{extra}]'"


def check_installed(what_needs: str, extra: str, *packages: str) -> None:
    """Raise the IndievalueError of :func:`importing` if one of the ``packages`` is not installed; none is imported."""
    with importing(what_needs, extra):
        for package in packages:
            if find_spec(package) is None:
                raise ModuleNotFoundError(name=package)


@contextmanager
def importing(what_needs: str, extra: str) -> Iterator[None]:
    """A package that cannot be imported because it is not installed is an IndievalueError: ``what_needs``, such as
    "training needs", then its name, and the ``extra`` that brings it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("indievalue"):
            raise
        raise IndievalueError(f"{what_needs} {error.name}, which is not installed: {how_to_install(extra)}") from None
