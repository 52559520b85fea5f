"""Lists of questions to ask, short forms of the questionnaire, as CSV files."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.people.people import People
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.ranking import best_list
from indievalue.survey.survey import Survey

COLUMNS = ("country", "place", "question", "asks")
"""Columns of the file: the country is empty in a list for everybody, and the place is 1 for the first question."""

Lists = Mapping[str | None, Sequence[str]]
"""Ids of questions in the order in which they are asked, by country; None is everybody."""


def short_forms(
    gaussian: Gaussian, people: People, countries: Sequence[str | None], questions: int
) -> dict[str | None, list[str]]:
    """Return for each country, or everybody (None), the ids of the questions that tell most about all the others.

    ``people`` are those that ``gaussian`` was fitted on: a question that none of a country were asked is not on its
    list. Raises IndievalueError if fewer questions were asked, or a country has no model.
    """
    survey = people.survey
    found = {}
    for country in countries:
        asked = _among(people, country).asked
        if questions > asked.sum():
            where = "in the data" if country is None else f"in {country}"
            raise IndievalueError(
                f"{int(asked.sum())} questions of {survey.name} were asked {where}, and not {questions}"
            )
        chosen = best_list(gaussian, asked.astype(np.float64), asked, questions, country)
        found[country] = [survey.questions[at].id for at in chosen]
    return found


def write_lists(lists: Lists, survey: Survey, path: Path) -> None:
    """Write ``lists`` to a CSV file with :data:`COLUMNS`. Raises IndievalueError where it cannot be written."""
    with new_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for country, questions in lists.items():
            for place, name in enumerate(questions, 1):
                writer.writerow([country or "", place, name, survey.question(name).asks])


def read_lists(path: Path, survey: Survey) -> dict[str | None, list[str]]:
    """Return the lists in a file, their questions in the order of the rows.

    Of the file's columns, ``question`` is needed; without ``country``, the list is for everybody. Raises
    IndievalueError, naming the file and the row, for what is no list of questions of the survey.
    """
    lists: dict[str | None, list[str]] = {}
    for number, row in _rows(path):
        name, whose = (row.get("question") or "").strip(), (row.get("country") or "").strip() or None
        try:
            survey.question(name)
        except IndievalueError as error:
            raise IndievalueError(f"{path}, row {number}: {error}") from None
        if name in lists.setdefault(whose, []):
            raise IndievalueError(f"{path}, row {number}: {name} is on the list already; delete one of the two")
        lists[whose].append(name)
    if not lists:
        raise IndievalueError(f"{path} has no question; `indievalue short-form` writes such a file")
    return lists


def list_for(country: str | None, lists: Lists, path: Path) -> list[str]:
    """Return the list for people of ``country``, or else the one for everybody.

    Raises IndievalueError, naming the file ``path``, if ``lists`` has neither.
    """
    own = country if country in lists else None
    if own not in lists:
        known = ", ".join(sorted(filter(None, lists)))
        asked = "give the country as --country" if country is None else f"it has none for {country}"
        raise IndievalueError(f"{path} has lists for {known}, and none for everybody; {asked}")
    return list(lists[own])


def _among(people: People, country: str | None) -> People:
    """Return the people of a country; everybody for None."""
    if country is None:
        return people
    return people.take((people.demographics[str(people.survey.country)] == country).fill_null(False).to_numpy())


def _rows(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    """Return the rows of a CSV file with a column ``question``, each with its number in the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if "question" not in (reader.fieldnames or ()):
                raise IndievalueError(
                    f"{path} is no list of questions: it has no column 'question'; `indievalue short-form` writes one"
                )
            return [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise IndievalueError(f"cannot read the list of questions {path}: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise IndievalueError(f"{path} is no list of questions: it is not CSV in UTF-8 ({error})") from None
