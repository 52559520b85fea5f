"""Load people from a path, from ``synthetic``, or from a twin of one's own."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from indievalue.errors import IndievalueError, did_you_mean
from indievalue.people.findings import SYNTHETIC
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.read import read_people
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

SYNTHETIC_PEOPLE = 10_000


def people_from(
    data: str | Sequence[str], survey: str | None = None, seed: int = 0, options: ReadOptions | None = None
) -> People:
    """Load people from ``data``: the path of a survey file or several, ``synthetic``, or ``synthetic:N`` for N people.

    A file or folder that ``indievalue twin`` wrote, also followed by ``:N``, gives people who are drawn from it.
    ``survey`` and ``options`` as in :func:`indievalue.people.read.read_people`; ``seed`` applies to synthetic
    people only. Raises IndievalueError if the file cannot be read or N is not a number of people.
    """
    if not isinstance(data, str):
        if len(data) > 1:
            return _people_of(data, survey, options)
        data = data[0]
    if own := twin_named(data):
        from indievalue.synthetic.generate import people_of_twin

        path, count = own
        return people_of_twin(path, count, seed, survey)
    kind = data.partition(":")[0]
    if kind != SYNTHETIC:
        if not Path(data).exists() and (close := did_you_mean(kind, [SYNTHETIC])):
            raise IndievalueError(f"there is no file {data}{close}")
        return read_people(data, survey, options)
    if options is not None and options.rows:
        raise IndievalueError(f"{data} people have no columns to choose rows by: leave out --rows, or give a file")
    number = _number_in(data)
    from indievalue.synthetic.generate import synthetic_people  # scipy takes a while

    return synthetic_people(number, seed, survey)


def twin_named(data: str) -> tuple[Path, int] | None:
    """The path of a twin, a file that ends in .npz or a folder that holds one, and how many people; else None."""
    path, _, number = data.rpartition(":")
    if not path or not number.isdecimal() or Path(data).exists():
        path, number = data, ""
    if path.endswith(".npz") or (Path(path) / "twin.npz").is_file():
        return Path(path), int(number) if number else SYNTHETIC_PEOPLE
    return None


def is_drawn(data: str) -> bool:
    """Whether ``data`` stands for people who are drawn: ``synthetic``, or a twin."""
    return twin_named(data) is not None or (data.partition(":")[0] == SYNTHETIC and not Path(data).exists())


def drawn_table(data: str, survey: str | None = None, seed: int = 0) -> tuple[pl.DataFrame, Survey]:
    """The raw columns of synthetic people, and their survey: ``synthetic`` or a twin, each also followed by ``:N``.

    Raises IndievalueError where ``data`` is neither.
    """
    from indievalue.synthetic.generate import checked, draw, load_twin, surveys_with_twin, twin_in

    if own := twin_named(data):
        twin, _, spec = twin_in(own[0], survey)
        return draw(twin, spec, *checked(own[1], seed)), spec
    if data.partition(":")[0] != SYNTHETIC or Path(data).exists():
        raise IndievalueError(
            f"{data} is nothing to draw people from: give {SYNTHETIC}, or what `indievalue twin` wrote, such as "
            f"twin.npz, also followed by a number, as in {SYNTHETIC}:500"
        )
    spec = load_survey(survey or surveys_with_twin()[0])
    return draw(load_twin(survey)[0], spec, *checked(_number_in(data), seed)), spec


def _number_in(data: str) -> int:
    """The number of people in ``synthetic:N``. Raises IndievalueError where it is none."""
    _, _, number = data.partition(":")
    if number and not number.isdecimal():
        raise IndievalueError(f"{data}: how many people? A whole number, as in {SYNTHETIC}:{SYNTHETIC_PEOPLE}")
    return int(number) if number else SYNTHETIC_PEOPLE


def _people_of(files: Sequence[str], survey: str | None, options: ReadOptions | None) -> People:
    made_up = [file for file in files if is_drawn(file)]
    if made_up:
        raise IndievalueError(
            f"{made_up[0]} people are not read together with others: give {made_up[0]} alone, or files"
        )
    return read_people(files, survey, options)
