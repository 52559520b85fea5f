"""One damaged survey file: made, read, and judged."""

import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fuzz import formats
from fuzz.grid import COLUMNS, DAMAGES, Grid, ragged, undamaged
from fuzz.says import MustRefuseError, Said, difference, said_by, said_of
from indievalue.errors import IndievalueError
from indievalue.people.read import read_people
from indievalue.survey.survey import Survey

EQUAL, REPORTED, SAYS, REFUSED, UNKNOWN, FINDING = (
    "equal",
    "reported",
    "as it says",
    "refused",
    "cannot tell",
    "FINDING",
)
OUTCOMES = (EQUAL, REPORTED, SAYS, REFUSED, UNKNOWN, FINDING)
"""equal: the undamaged people. reported: others, as the file says, and the findings tell so. as it says: others, as the
file says with codes and names that are as good as any. cannot tell: others, and no second reader knows the format."""


OWN_MISSING = (".parquet", ".rds", ".rda", ".rdata", ".sav", ".zsav", ".por", ".dta")
"""Endings of formats with a missing value of their own."""


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    kind: str
    outcome: str
    what: str = ""


@lru_cache(2)
def _truth(short: bool) -> tuple[Grid, Survey, Said]:
    """The undamaged cells, their survey, and what they say; without columns of more than 8 letters where ``short``."""
    grid, survey = undamaged()
    if short:
        kept = [at for at, name in enumerate(grid.header) if len(name) <= 8]
        grid = Grid([grid.header[at] for at in kept], [[row[at] for at in kept] for row in grid.rows])
    return grid, survey, said_by(grid, survey)


def make(seed: int, number: int, folder: Path) -> tuple[Path, str, Grid | None]:
    """Write a damaged file: (path, separator, the cells as they were written, None where bytes were changed after)."""
    rng = random.Random(f"{seed} {number}")
    name = formats.NAMES[number % len(formats.NAMES)]
    path = folder / name
    whole, _, _ = _truth(path.suffix == ".por")
    kind = rng.random()
    for _ in range(20):
        grid = whole.copy()
        if kind < 0.65:
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                rng.choice(DAMAGES)(grid, rng)
        ending = formats.ending_of(name)
        separator = formats.SEPARATORS.get(ending, ",")
        if ending in formats.SEPARATORS and rng.random() < 0.7:
            if rng.random() < 0.15:
                ragged(grid, rng)
            content, separator = formats.damaged_text(grid, name, rng)
            if rng.random() < 0.4:
                content = formats.damaged_bytes(content, rng)
            formats.write_text(path, content)
            return path, separator, None
        try:
            formats.write_grid(grid, path)
        except formats.UnwritableError:
            continue
        if kind < 0.6:
            return path, separator, grid
        path.write_bytes(formats.damaged_bytes(path.read_bytes(), rng))
        return path, separator, None
    formats.write_grid(whole, path)
    return path, ",", whole


def judge(path: Path, separator: str, written: Grid | None) -> Outcome:
    """Read the file, and compare the people with what the file says and what it said before it was damaged."""
    _, survey, truth = _truth(path.suffix == ".por")
    kind = formats.ending_of(path.name) if not path.name.endswith(".zip") else path.name
    try:
        got = said_of(read_people(path, survey))
    except IndievalueError as error:
        return Outcome(kind, REFUSED, str(error)) if str(error).strip() else Outcome(kind, FINDING, "an empty message")
    same = not difference(got, truth)
    try:
        grid = written or formats.plain(path, separator, list(COLUMNS))
        if grid is None:
            return Outcome(kind, EQUAL if same else UNKNOWN)
        said = said_by(grid, survey, as_written=path.suffix in OWN_MISSING or path.name == "sav.zip")
    except (MustRefuseError, formats.UnreadableError) as error:
        return Outcome(kind, EQUAL) if same else Outcome(kind, FINDING, f"read in spite of: {error}")
    if found := difference(got, said):
        return Outcome(kind, FINDING, found)
    if same:
        return Outcome(kind, EQUAL)
    return Outcome(kind, SAYS if got.report == truth.report else REPORTED)


def check(seed: int, number: int, folder: Path) -> Outcome:
    """Make a file and judge it."""
    try:
        return judge(*make(seed, number, folder))
    except formats.NotInstalledError as error:
        return Outcome(formats.NAMES[number % len(formats.NAMES)], UNKNOWN, str(error))
