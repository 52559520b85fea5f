"""Columns of a data file under other names than the survey's: padded, in other letters, with their label attached."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from indievalue.errors import IndievalueError
from indievalue.survey.model import Question
from indievalue.survey.survey import Survey

_LABEL = re.compile(r"\s*[:;(\[]\s*|\s+[-\u2013\u2014]\s+")
"""What stands between a column's name and its label."""

_OTHER_FILES = {
    ("Q1P", "Q2P"): "the WVS-7 file with inverted scales: download the one without `inverted` in its name",
    ("S020", "A001"): "the time series of WVS or EVS: download the file of WVS wave 7 alone",
    ("S003", "A001"): "the time series of WVS or EVS: download the file of WVS wave 7 alone",
    ("V2", "V4", "V10"): "wave 6 or an earlier one of the WVS: download the file of wave 7",
    ("id_cocas", "v1", "v7"): "the European Values Study: describe it as a survey of your own",
}
"""Columns that tell a file that is often taken for one of a shipped survey, and what to do."""


def recognise(columns: Sequence[str], surveys: Sequence[Survey], source: str) -> Survey:
    """The survey that a file with these columns is of: all its telltale columns are there, and most of its questions.

    Raises IndievalueError where none fits.
    """
    held = {_before_label(column) for column in columns}
    fits = [(sum(_holds(held, q) for q in survey.questions), survey) for survey in surveys]
    fits = [(n, survey) for n, survey in fits if n and held.issuperset(map(str.casefold, survey.recognised_by))]
    if not fits:
        other = next((what for names, what in _OTHER_FILES.items() if held.issuperset(map(str.casefold, names))), None)
        known = ", ".join(
            f"{survey.name} ({', '.join([*survey.recognised_by, survey.questions[0].id])} …)" for survey in surveys
        )
        shown = ", ".join(list(columns)[:6])
        raise IndievalueError(
            f"{source} is not a file of a survey indievalue knows, which are {known}; its columns are {shown} …; "
            + (f"it looks like {other}" if other else "give --survey FOLDER for a survey of your own")
        )
    return max(fits, key=lambda fit: fit[0])[1]


def _holds(held: set[str], question: Question) -> bool:
    return any(column.casefold() in held for column in question.data_columns)


def renamed(columns: Sequence[str], needed: Iterable[str], source: str) -> dict[str, str]:
    """Which of a file's ``columns`` stand for which of the survey's ``needed`` ones: the file's name → the survey's.

    A column of exactly the needed name goes first. Else one that differs in letter case or blanks around it stands for
    it, or one that begins with the name and goes on with a label (``Q1: Important in life``). Raises IndievalueError
    where several do.
    """
    exact = set(columns)
    absent = {name.casefold(): name for name in needed if name not in exact}
    found: defaultdict[str, list[str]] = defaultdict(list)
    taken = exact & set(needed)
    for read in (_bare, _before_label):
        for column in columns:
            name = absent.get(read(column))
            if name is not None and column not in taken:
                found[name].append(column)
        for name in found:
            absent.pop(name.casefold(), None)
    for name, several in found.items():
        if len(several) > 1:
            raise IndievalueError(
                f"{source} has no column {name}, and {' and '.join(map(repr, several[:3]))} may both be it: rename one"
            )
    return {name: name for name in columns if name in taken} | {several[0]: name for name, several in found.items()}


def _bare(column: str) -> str:
    return column.strip().strip("\ufeff\"'").strip().casefold()


def _before_label(column: str) -> str:
    return _LABEL.split(_bare(column), maxsplit=1)[0]


def other_names(names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The columns of :func:`renamed` that have another name in the file: (in the file, in the survey)."""
    return tuple((found, name) for found, name in names.items() if found != name)
