"""Load people from a path or from ``synthetic``."""

from collections.abc import Sequence
from pathlib import Path

from indievalue.errors import IndievalueError, did_you_mean
from indievalue.people.findings import SYNTHETIC
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.read import read_people

SYNTHETIC_PEOPLE = 10_000


def people_from(
    data: str | Sequence[str], survey: str | None = None, seed: int = 0, options: ReadOptions | None = None
) -> People:
    """Load people from ``data``: the path of a survey file or several, ``synthetic``, or ``synthetic:N`` for N people.

    ``survey`` and ``options`` as in :func:`indievalue.people.read.read_people`; ``seed`` applies to synthetic
    people only. Raises IndievalueError if the file cannot be read or N is not a number of people.
    """
    if not isinstance(data, str):
        if len(data) > 1:
            return _people_of(data, survey, options)
        data = data[0]
    kind, _, number = data.partition(":")
    if kind != SYNTHETIC:
        if not Path(data).exists() and (close := did_you_mean(kind, [SYNTHETIC])):
            raise IndievalueError(f"there is no file {data}{close}")
        return read_people(data, survey, options)
    if options is not None and options.rows:
        raise IndievalueError(f"{data} people have no columns to choose rows by: leave out --rows, or give a file")
    if number and not number.isdecimal():
        raise IndievalueError(f"{data}: how many people? A whole number, as in {SYNTHETIC}:{SYNTHETIC_PEOPLE}")
    from indievalue.synthetic.generate import synthetic_people  # scipy takes a while

    return synthetic_people(int(number) if number else SYNTHETIC_PEOPLE, seed, survey or "wvs7")


def _people_of(files: Sequence[str], survey: str | None, options: ReadOptions | None) -> People:
    made_up = [file for file in files if file.partition(":")[0] == SYNTHETIC and not Path(file).exists()]
    if made_up:
        raise IndievalueError(
            f"{made_up[0]} people are not read together with others: give {made_up[0]} alone, or files"
        )
    return read_people(files, survey, options)
