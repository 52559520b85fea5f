"""The exception shown to users, and conversions of other libraries' exceptions to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class IndievalueError(Exception):
    """Raised for a problem the user can fix; the message says what is wrong, where, and what to do.

    The command line prints it on one line of stderr and exits with 1. Anything else that is raised is a defect of ours.
    """


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
        raise IndievalueError(
            f"{what_needs} {error.name}, which is not installed: pip install 'indievalue[{extra}]'"
        ) from None
