"""The undamaged table of a small survey file, and damage to its cells, rows, and header."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey
from indievalue.synthetic.generate import draw, load_twin

Cell = int | float | str | None

COLUMNS = (
    *("D_INTERVIEW", "W_WEIGHT", "B_COUNTRY", "Q260", "X003R", "Q262", "Q288R", "Q288", "Q289"),
    *("Q1", "Q2", "Q7", "Q27", "Q57", "Q106", "Q111", "Q152", "Q164", "Q199", "Q254"),
)

ODD = (
    *("65537", "1e23", "1.5", "32001", "-32769", "99", "very important", "Yes", "nan", "inf", "-inf", "1,5", "1.234,5"),
    *("0x1", "1e0", "١", "1 ", "+1", "--1", "NaN", ".a", ".", "NA", "#NULL!", "'1", "\u00a01", "1\0", "True", "1/2"),
    *("2024-01-01", "1_0", " ", "-0", "01", "1.0", "9223372036854775808", "99999999999999999999", "é", "", "1e-400"),
    *("infinity", "1d0", "0.1e1", "-1", "-4", "1e400", "2.0000000000000001", "male", "Germany", "null", "None", "-"),
    *("3,0", "1;2", "1\t2", 'a"b', "line\nline", "\ufeff1", "\u200b1", "1'000", "1 000", "(1)", "1%", "=1", "0b1"),
)
"""What a cell may hold instead of a code, weight or id."""


@dataclass
class Grid:
    """Cells as they will be written."""

    header: list[str]
    rows: list[list[Cell]]

    def copy(self) -> "Grid":
        """Return a copy that can be damaged."""
        return Grid(list(self.header), [list(row) for row in self.rows])


def undamaged(people: int = 24, seed: int = 5) -> tuple[Grid, Survey]:
    """Raw codes of synthetic people, a few of them missing, and the survey they answered."""
    survey = load_survey("wvs7")
    twin, _ = load_twin("wvs7")
    table = draw(twin, survey, people, seed)
    rng = random.Random(seed)
    rows: list[list[Cell]] = []
    for at in range(people):
        row: list[Cell] = [table[name][at] if name in table.columns else None for name in COLUMNS]
        row[0], row[1] = 554070000 + 7 * at, round(rng.uniform(0.4, 2.5), 3)
        row[COLUMNS.index("Q262")] = rng.randint(18, 80)
        for place in range(4, len(row)):
            if rng.random() < 0.04:
                row[place] = rng.choice([None, -1, -2])
        rows.append(row)
    return Grid(list(COLUMNS), rows), survey


Damage = Callable[[Grid, random.Random], None]


def _place(grid: Grid, rng: random.Random) -> tuple[int, int]:
    row = rng.randrange(len(grid.rows))
    return row, rng.randrange(max(len(grid.rows[row]), 1))


def odd_cell(grid: Grid, rng: random.Random) -> None:
    """A cell that holds something else."""
    for _ in range(rng.choice([1, 1, 3])):
        row, column = _place(grid, rng)
        grid.rows[row][column : column + 1] = [rng.choice(ODD)]


def odd_column(grid: Grid, rng: random.Random) -> None:
    """A column whose cells all hold the same odd thing."""
    column, value = rng.randrange(len(grid.header)), rng.choice(ODD)
    for row in grid.rows:
        row[column : column + 1] = [value]


def any_number(grid: Grid, rng: random.Random) -> None:
    """A cell with a random number."""
    row, column = _place(grid, rng)
    grid.rows[row][column : column + 1] = [
        rng.choice([rng.randint(-10, 12), rng.randint(-(10**6), 10**6), rng.randint(0, 10**18), rng.gauss(0, 100)])
    ]


def swapped_cells(grid: Grid, rng: random.Random) -> None:
    """Two cells of a row in each other's place."""
    row = grid.rows[rng.randrange(len(grid.rows))]
    if len(row) > 1:
        one, two = rng.sample(range(len(row)), 2)
        row[one], row[two] = row[two], row[one]


def shifted_row(grid: Grid, rng: random.Random) -> None:
    """A row whose cells have moved one place from somewhere on, the last lost or the first empty."""
    row, column = _place(grid, rng)
    cells = grid.rows[row]
    grid.rows[row] = (
        [*cells[:column], None, *cells[column:-1]] if rng.random() < 0.5 else [*cells[:column], *cells[column + 1 :], 1]
    )


def blanks(grid: Grid, rng: random.Random) -> None:
    """Empty cells: a row, or part of a column."""
    row, column = _place(grid, rng)
    if rng.random() < 0.4:
        grid.rows[row] = [None] * len(grid.rows[row])
        return
    for cells in grid.rows[row : row + rng.randint(1, 6)]:
        cells[column : column + 1] = [None]


def repeated_rows(grid: Grid, rng: random.Random) -> None:
    """Rows that occur again, the same or with one cell changed."""
    for _ in range(rng.choice([1, 1, 2, 7])):
        again = list(rng.choice(grid.rows))
        if rng.random() < 0.5:
            again[rng.randrange(len(again))] = rng.choice([1, 2, 3])
        grid.rows.insert(rng.randrange(len(grid.rows) + 1), again)


def appended_rows(grid: Grid, rng: random.Random) -> None:
    """Further rows at the end: other people, the header again, a note, a total."""
    kind = rng.randrange(4)
    if kind == 0:
        grid.rows.append([999, 1, *rng.choice(grid.rows)[2:]])
    elif kind == 1:
        grid.rows.append(list(grid.header))
    elif kind == 2:
        grid.rows.append(["Source: a survey", *[None] * (len(grid.header) - 1)])
    else:
        grid.rows.append([None, 24.0, *[None] * (len(grid.header) - 2)])


def dropped_rows(grid: Grid, rng: random.Random) -> None:
    """Rows that are gone."""
    for _ in range(rng.randint(1, 3)):
        if len(grid.rows) > 2:
            grid.rows.pop(rng.randrange(len(grid.rows)))


def shuffled_rows(grid: Grid, rng: random.Random) -> None:
    """Rows in another order."""
    rng.shuffle(grid.rows)


def odd_ids(grid: Grid, rng: random.Random) -> None:
    """Ids that are repeated, shortened by a spreadsheet, empty, padded, or texts."""
    kind = rng.randrange(7)
    some = rng.sample(range(len(grid.rows)), min(len(grid.rows), rng.choice([1, 2, 30])))
    for at in some:
        given = grid.rows[at][0] if grid.rows[at] else None
        number = int(given) if isinstance(given, int | float) else 5540700
        grid.rows[at][0:1] = [
            (
                grid.rows[some[0]][0] if grid.rows[some[0]] else 1,
                f"{number:.2E}",
                None,
                f" {number}.0",
                f"00{number}",
                f"p/{number}",
                float(number) + rng.choice([0, 0.5, 1e16]),
            )[kind]
        ]


def odd_weights(grid: Grid, rng: random.Random) -> None:
    """Weights that are 0, negative, absent, texts, or with a comma."""
    value = rng.choice(["0", "1,234", "-1", "", "1e400", "abc", "1.2.3", "inf", "nan", ".", "NA", "1,234,567", "0,5"])
    for at in rng.sample(range(len(grid.rows)), rng.choice([1, 2, len(grid.rows)])):
        grid.rows[at][1:2] = [value]


def decimal_commas(grid: Grid, rng: random.Random) -> None:
    """Weights, or all numbers, written with a comma."""
    for row in grid.rows:
        for at, cell in enumerate(row[:2]):
            if isinstance(cell, float):
                row[at] = f"{cell:.3f}".replace(".", ",")


def fractions(grid: Grid, rng: random.Random) -> None:
    """Codes written as 1.0."""
    for row in grid.rows:
        for at, cell in enumerate(row):
            if isinstance(cell, int):
                row[at] = f"{cell}.0" if rng.random() < 0.9 else f"{cell}."


def other_header(grid: Grid, rng: random.Random) -> None:
    """A column under another name: of other letters, labelled, padded, cut, another's, or none."""
    at = rng.randrange(len(grid.header))
    name = grid.header[at]
    grid.header[at] = rng.choice(
        [
            *(name.lower(), f"{name}: a label", f" {name} ", name[:-1], f"{name}x", "", rng.choice(grid.header)),
            *(
                f"\ufeff{name}",
                f"{name}.1",
                f"{name}\0",
                f"{name} - label",
                f"V{at}",
                name.replace("Q", "О"),
                f'"{name}"',
            ),
            *(f"{name}(x)", f"{name}_1", "D_INTERVIEW", "1"),
        ]
    )


def swapped_header(grid: Grid, rng: random.Random) -> None:
    """Two columns under each other's name."""
    one, two = rng.sample(range(len(grid.header)), 2)
    grid.header[one], grid.header[two] = grid.header[two], grid.header[one]


def other_columns(grid: Grid, rng: random.Random) -> None:
    """A column that is dropped, added, or occurs again."""
    at, kind = rng.randrange(len(grid.header)), rng.randrange(3)
    if kind == 0:
        for cells in (grid.header, *grid.rows):
            cells[at : at + 1] = []
        return
    name = f"note{rng.randrange(99)}" if kind == 1 else grid.header[at] + rng.choice(["", " ", "_2"])
    grid.header.insert(at, name)
    for row in grid.rows:
        row.insert(at, rng.choice([1, 2, "x"]))


def no_header(grid: Grid, rng: random.Random) -> None:
    """A file whose first row is a person."""
    grid.header = [str(cell) for cell in grid.rows.pop(0)]


DAMAGES: tuple[Damage, ...] = (
    *(odd_cell, odd_column, any_number, swapped_cells, shifted_row, blanks, repeated_rows, appended_rows),
    *(dropped_rows, shuffled_rows, odd_ids, odd_weights, decimal_commas, fractions, other_header, swapped_header),
    *(other_columns, no_header, odd_cell, odd_ids, odd_weights),
)
"""Damage that any format can hold."""


def ragged(grid: Grid, rng: random.Random) -> None:
    """Rows with more or fewer cells than the header."""
    for _ in range(rng.choice([1, 1, 4, 30])):
        row, column = _place(grid, rng)
        if rng.random() < 0.5:
            grid.rows[row].insert(column, rng.choice([1, None, "x"]))
        else:
            grid.rows[row][column : column + 1] = []
