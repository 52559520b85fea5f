"""Load people from a path or from ``synthetic``."""

from pathlib import Path

from indievalue.errors import IndievalueError, did_you_mean
from indievalue.people.findings import SYNTHETIC
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.read import read_people

SYNTHETIC_PEOPLE = 10_000


def people_from(data: str, survey: str | None = None, seed: int = 0, options: ReadOptions | None = None) -> People:
    """Load people from ``data``: the path of a survey file, ``synthetic``, or ``synthetic:N`` for N people.

    ``survey`` and ``options`` as in :func:`indievalue.people.read.read_people`; ``seed`` applies to synthetic
    people only. Raises IndievalueError if the file cannot be read or N is not a number of people.
    """
    kind, _, number = data.partition(":")
    if kind != SYNTHETIC:
        if not Path(data).exists() and (close := did_you_mean(kind, [SYNTHETIC])):
            raise IndievalueError(f"there is no file {data}{close}")
        return read_people(data, survey, options)
    if number and not number.isdecimal():
        raise IndievalueError(f"{data}: how many people? A whole number, as in {SYNTHETIC}:{SYNTHETIC_PEOPLE}")
    from indievalue.synthetic.generate import synthetic_people  # scipy takes a while

    return synthetic_people(int(number) if number else SYNTHETIC_PEOPLE, seed, survey or "wvs7")
