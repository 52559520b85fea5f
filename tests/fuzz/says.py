"""What a table of plain cells says, worked out cell by cell and apart from the package's own reading."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field

from fuzz.grid import Cell, Grid
from indievalue.people.people import People
from indievalue.survey.codes import TAGS
from indievalue.survey.gazetteer import look_up
from indievalue.survey.survey import Survey

EMPTY = {"", ".", "NA", "#NULL!", "NULL", "#N/A", "N/A"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
LARGEST, BEYOND = 32_000, 32_001


class MustRefuseError(Exception):
    """Raised for a table that no reading does justice to."""


@dataclass
class Said:
    """The people of a table: what they are called, raw codes, groups, weights; and what is to be reported of them."""

    ids: list[str] = field(default_factory=list)
    codes: list[list[int]] = field(default_factory=list)
    groups: list[dict[str, str | None]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    report: dict[str, object] = field(default_factory=dict)


def said_by(grid: Grid, survey: Survey, as_written: bool = False) -> Said:
    """What the table says. Raises MustRefuseError where a cell or its place has no meaning.

    A text such as NA is no id, unless ids are ``as_written``: in formats that have a missing value of their own.
    """
    at = _columns(grid.header, survey)
    if not any(question.id in at for question in survey.questions):
        raise MustRefuseError("no question")
    if not grid.rows:
        raise MustRefuseError("no people")
    said, unknown, seen = Said(), Counter[tuple[str, int]](), set[str]()
    reported: Counter[str] = Counter()
    repeated: Counter[str] = Counter()
    filled: Counter[tuple[str, str]] = Counter()
    commas = {name: any("," in str(row[place]) for row in grid.rows) for name, place in at.items()}
    points = {name: any("." in str(row[place]).strip(". ") for row in grid.rows) for name, place in at.items()}
    anybody = any(_id(row[at[survey.person[0]]], as_written) for row in grid.rows) if survey.person[0] in at else False
    for number, row in enumerate(grid.rows, 1):
        cells = {name: row[place] for name, place in at.items()}
        if all(_empty(cell) for cell in cells.values()):
            reported["empty_rows"] += 1
            continue
        person = _id(cells.get(survey.person[0]), as_written)
        name = person or (f"row {number}" if anybody else str(number))
        again = name in seen
        _numbers_of(cells, commas, points, survey)  # what is dropped must be of numbers, too
        if again:
            repeated[name] += 1
            continue
        seen.add(name)
        _add(said, name, cells, survey, unknown, reported, filled)
        reported["row_numbers"] += person is None
    if not said.ids:
        raise MustRefuseError("all rows are empty")
    said.report = {
        **{name: reported[name] for name in ("blank", "row_numbers", "unweighted")},
        "unknown": sorted((column, code, people) for (column, code), people in unknown.items()),
        "repeated": sorted(repeated.items()),
        "absent_questions": sorted(question.id for question in survey.questions if question.id not in at),
        "filled": sorted((demographic, column, people) for (demographic, column), people in filled.items() if people),
        "ungrouped": sorted(
            (demographic.name, without)
            for demographic in survey.demographics
            if set(demographic.columns) & at.keys()
            and (without := sum(groups[demographic.name] is None for groups in said.groups))
        ),
    }
    return said


def said_of(people: People) -> Said:
    """The same of people who were read."""
    found = people.findings
    counts = {(count.column, count.code): count.people for count in (*found.unknown, *found.left_out)}
    said = Said(people.ids.tolist(), people.codes.tolist(), people.demographics.to_dicts(), people.weights.tolist())
    said.report = {
        **{name: getattr(found, name) for name in ("blank", "row_numbers", "unweighted")},
        "unknown": sorted((column, code, people) for (column, code), people in counts.items()),
        "repeated": sorted(found.repeated),
        "absent_questions": sorted(found.absent_questions),
        "filled": sorted(found.filled),
        "ungrouped": sorted(found.ungrouped),
    }
    return said


def difference(got: Said, want: Said) -> str:
    """The first cell, or line of the report, in which two differ; empty where they do not."""
    if got.ids != want.ids:
        place = next((i for i, (one, two) in enumerate(zip(got.ids, want.ids, strict=False)) if one != two), -1)
        return f"ids: {len(got.ids)} people, not {len(want.ids)}; {got.ids[place]!r}, not {want.ids[place]!r}"
    for row, name in enumerate(got.ids):
        for kind in ("codes", "groups"):
            one, two = getattr(got, kind)[row], getattr(want, kind)[row]
            if one != two:
                pairs = zip(one, two, strict=True) if kind == "codes" else ((one[k], two[k]) for k in one)
                return f"{kind} of {name!r}: {next((a, b) for a, b in pairs if a != b)}"
        if not math.isclose(got.weights[row], want.weights[row], rel_tol=1e-6):
            return f"weight of {name!r}: {got.weights[row]}, not {want.weights[row]}"
    for key, value in want.report.items():
        if got.report[key] != value:
            return f"report of {key}: {str(got.report[key])[:150]}, not {str(value)[:150]}"
    return ""


def _columns(header: list[str], survey: Survey) -> dict[str, int]:
    """Where the survey's columns are. Raises MustRefuseError where two stand for one."""
    needed = {question.id for question in survey.questions}
    needed |= {column for demographic in survey.demographics for column in demographic.columns}
    needed |= {*survey.person, str(survey.weight)}
    named = [name for name in header if name]
    if len(set(named)) < len(named):
        raise MustRefuseError("a column occurs twice")
    at: dict[str, int] = {name: place for place, name in enumerate(header) if name in needed}
    lower = {name.casefold(): name for name in needed}
    for strip in (lambda name: name, lambda name: re.split(r"\s*[:;(\[]\s*|\s+[-–—]\s+", name, maxsplit=1)[0]):
        found: dict[str, list[int]] = {}
        for place, column in enumerate(header):
            bare = strip(column.strip().strip("\ufeff\"'").strip().casefold())
            if column not in needed and lower.get(bare, column) not in at and bare in lower:
                found.setdefault(lower[bare], []).append(place)
        for name, places in found.items():
            if len(places) > 1:
                raise MustRefuseError(f"several columns may be {name}")
            at[name] = places[0]
    return at


def _empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell)) or str(cell).strip() in EMPTY


def _id(cell: Cell, as_written: bool) -> str | None:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, float) and abs(cell) >= 2**53:
        raise MustRefuseError(f"the id {cell}")
    text = str(cell).strip()
    if re.fullmatch(r"\d+([.,]\d+)?[eE]\+?\d+", text) or "\0" in text or "\ufffd" in text:
        raise MustRefuseError(f"the id {text!r}")
    text = re.sub(r"^(-?\d+)\.0+$", r"\1", text)
    return None if text in (EMPTY - {"."}, {""})[as_written] else text


def _number(cell: Cell) -> float | None:
    """The number in a cell, None where it is empty. Raises MustRefuseError for anything else."""
    if _empty(cell):
        return None
    if isinstance(cell, int | float):
        return float(cell)
    text = str(cell).strip().replace(",", ".", 1)
    if text.lower() == "nan":
        return None
    if not NUMBER.fullmatch(text):
        raise MustRefuseError(f"the cell {cell!r}")
    return float(text)


def _code(cell: Cell, labels: dict[str, int]) -> int | None:
    text = str(cell).strip().lower()
    if text in labels and not isinstance(cell, int | float):
        return labels[text]
    if re.fullmatch(r"\.[a-z]", text):
        return TAGS[text[1]]
    if isinstance(cell, int) or re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        if abs(int(cell)) >= 2**63:
            raise MustRefuseError(f"the code {cell!r}")
        return int(cell)
    number = _number(cell)
    if number is None:
        return None
    if not math.isfinite(number) or number != int(number) or abs(number) > 2**53:
        raise MustRefuseError(f"the code {cell!r}")
    return int(number)


def _numbers_of(cells: dict[str, Cell], commas: dict[str, bool], points: dict[str, bool], survey: Survey) -> None:
    """Replace cells by codes and weights. Raises MustRefuseError where one is neither, or may be two numbers."""
    labels: dict[str, dict[str, int]] = {}
    for demographic in survey.demographics:
        for column in demographic.columns:
            of = {
                group.label.casefold(): group.codes[column][0]
                for group in demographic.groups
                if group.codes.get(column)
            }
            labels[column] = labels.get(column, {}) | of
    for name, cell in cells.items():
        if name in survey.person:
            continue
        if commas[name] and points[name] and "," in str(cell):
            raise MustRefuseError(f"the column {name} has points and commas")
        if name == survey.weight:
            weight = _number(cell)
            if weight is not None and (weight < 0 or math.isinf(weight)):
                raise MustRefuseError(f"the weight {cell!r}")
            cells[name] = weight
        else:
            cells[name] = _code(cell, labels.get(name, {}))


def _add(
    said: Said,
    name: str,
    cells: dict[str, Cell],
    survey: Survey,
    unknown: Counter[tuple[str, int]],
    reported: Counter[str],
    filled: Counter[tuple[str, str]],
) -> None:
    tags = set(TAGS.values())
    codes = []
    for question in survey.questions:
        if question.id not in cells:
            codes.append(survey.not_asked)
            continue
        code = cells[question.id]
        reported["blank"] += code is None
        code = survey.blank if code is None else int(code)
        options = {code for form in ("polar", "refined") for option in question.options(form) for code in option.codes}
        if code not in options and code not in survey.missing and code not in tags:
            unknown[question.id, code] += 1
        codes.append(code if abs(code) <= LARGEST or code in tags else BEYOND)
    groups: dict[str, str | None] = {}
    strange: set[tuple[str, int]] = set()
    for demographic in survey.demographics:
        groups[demographic.name] = None
        for column in demographic.columns:
            code = cells.get(column)
            if code is None:
                continue
            label = next((group.label for group in demographic.groups if code in group.codes.get(column, ())), None)
            if label is None and demographic.otherwise:
                label = look_up(int(code), demographic.otherwise)
            if label is None and code not in survey.missing and code not in tags:
                strange.add((column, int(code)))
            if groups[demographic.name] is None and label is not None:
                groups[demographic.name] = label
                filled[demographic.name, column] += column != demographic.columns[0]
    unknown.update(strange)
    weight = cells.get(str(survey.weight))
    reported["unweighted"] += weight is None
    said.ids.append(name)
    said.codes.append(codes)
    said.groups.append(groups)
    said.weights.append(1.0 if weight is None else float(weight))
