"""Read what is kept beside a reasoner's weights."""

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json_as

_Content = TypeVar("_Content")


def read_beside(file: Path, content: TypeAdapter[_Content], damaged: str, again: str = "it") -> _Content | None:
    """Return the content of a file beside a reasoner; None where there is none, as beside other models.

    Raises IndievalueError if it cannot be read, or is no such ``content``: then it says how it is ``damaged``, and what
    to copy ``again``.
    """
    try:
        return parse_json_as(content, file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IndievalueError(f"cannot read {file}: {error.strerror or error}") from None
    except ValueError as error:
        raise IndievalueError(f"{file} {damaged}: {error}; copy {again} again") from None
