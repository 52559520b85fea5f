"""The catalog: everybody's answers as value-expressing statements, in files that polars and `datasets` load."""

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from indievalue.choices import FORMS, FormName
from indievalue.files import new_directory
from indievalue.people.blocks import PeopleBlocks
from indievalue.people.card import dataset_card
from indievalue.people.people import People
from indievalue.progress import progress
from indievalue.survey.codes import TAGS, code_text, format_codes
from indievalue.survey.survey import Survey

TextForm = Literal["polar", "refined", "both"]
"""Forms in which the catalog's texts are written."""


@dataclass(frozen=True)
class TextOptions:
    """How everybody's statements are written: in which form, and whether compressed with gzip."""

    form: TextForm = "refined"
    gzip: bool = False

    @property
    def forms(self) -> tuple[FormName, ...]:
        """The forms written."""
        return FORMS if self.form == "both" else (self.form,)

    @property
    def file(self) -> str:
        """Name of the file."""
        return "statements.jsonl.gz" if self.gzip else "statements.jsonl"


def write_catalog(
    people: People, directory: str | Path, *, text: bool | TextOptions = False, force: bool = False
) -> None:
    """Write the catalog of ``people`` to ``directory``.

    Files: ``people.parquet`` (person, weight, demographics as labels), ``answers_polar.parquet`` and
    ``answers_refined.parquet`` (person, one int8 column a question, -1 missing), ``statements.parquet`` (question,
    form, option, codes, statement, category), ``README.md`` (dataset card), and with ``text`` ``statements.jsonl``,
    one line a person, in refined form unless the options say otherwise. Raises IndievalueError where the directory is
    not empty (unless ``force``) or cannot be written.
    """
    with new_directory(Path(directory), force=force) as folder:
        people_table(people).write_parquet(folder / "people.parquet")
        for form in FORMS:
            answers_table(people, form).write_parquet(folder / f"answers_{form}.parquet")
        statements_table(people.survey).write_parquet(folder / "statements.parquet")
        options = _text_options(text)
        if options is not None:
            _write_texts(people, folder / options.file, options)
        _write_card(people, folder, options)


def write_catalog_in_blocks(
    blocks: PeopleBlocks, directory: str | Path, *, text: bool | TextOptions = False, force: bool = False
) -> None:
    """Write the catalog of people who do not fit memory, one block after the other.

    It is that of :func:`write_catalog`, but for ``people``, ``answers_polar`` and ``answers_refined``: these are
    folders, with a file for each block (``part-00000.parquet`` …).
    """
    options = _text_options(text)
    with new_directory(Path(directory), force=force) as folder, ExitStack() as stack:
        out = None if options is None else stack.enter_context(_opened(folder / options.file, options))
        tables = ["people", *(f"answers_{form}" for form in FORMS)]
        for name in tables:
            (folder / name).mkdir()
        shown = stack.enter_context(progress("catalog", len(blocks), "people"))
        for number, people in enumerate(blocks):
            found = [people_table(people), *(answers_table(people, form) for form in FORMS)]
            for name, table in zip(tables, found, strict=True):
                table.write_parquet(folder / name / f"part-{number:05d}.parquet")
            if out is not None and options is not None:
                out.writelines(_lines(people, options.forms))
            shown.advance(len(people))
        statements_table(blocks.survey).write_parquet(folder / "statements.parquet")
        _write_card(blocks, folder, options)


def _text_options(text: bool | TextOptions) -> TextOptions | None:
    return text if isinstance(text, TextOptions) else TextOptions() if text else None


def _write_card(people: People | PeopleBlocks, folder: Path, options: TextOptions | None) -> None:
    card = dataset_card(people, text=options.file if options else None)
    (folder / "README.md").write_text(card, encoding="utf-8")


def text_size(people: People, options: TextOptions) -> int:
    """Estimate the bytes of everybody's statements from those of 200 people."""
    rows = np.unique(np.linspace(0, len(people) - 1, _SAMPLE).astype(np.int64))
    lines = "".join(_lines(people.take(rows), options.forms)).encode()
    return round(len(gzip.compress(lines) if options.gzip else lines) * len(people) / len(rows))


_SAMPLE = 200


def _write_texts(people: People, path: Path, options: TextOptions) -> None:
    with _opened(path, options) as out, progress("catalog", len(people), "people") as shown:
        for line in _lines(people, options.forms):
            out.write(line)
            shown.advance()


def _opened(path: Path, options: TextOptions) -> TextIO:
    """Open the file of statements for writing."""
    # It is a text file, which the type of gzip.open does not say.
    return cast(TextIO, gzip.open(path, "wt", encoding="utf-8")) if options.gzip else path.open("w", encoding="utf-8")


def _lines(people: People, forms: Sequence[FormName]) -> Iterator[str]:
    return (json.dumps(person, ensure_ascii=False) + "\n" for person in texts(people, forms))


def people_table(people: People) -> pl.DataFrame:
    """person, weight, then every demographic, the country first where the survey has one."""
    country = people.survey.country
    names = sorted(people.demographics.columns, key=lambda name: name != country)
    return pl.DataFrame({"person": people.ids.tolist(), "weight": people.weights}).hstack(
        people.demographics.select(names)
    )


def answers_table(people: People, form: FormName) -> pl.DataFrame:
    """person, then each question's option index (int8, -1 missing)."""
    options = people.options(form)
    columns = {question.id: options[:, at] for at, question in enumerate(people.survey.questions)}
    return pl.DataFrame({"person": people.ids.tolist(), **columns})


def statements_table(survey: Survey) -> pl.DataFrame:
    """One row per question, form and option."""
    return pl.DataFrame(
        [
            {
                "question": question.id,
                "form": form,
                "option": index,
                "codes": list(option.codes),
                "statement": option.statement,
                "category": question.category,
                "asks": question.asks,
            }
            for question in survey.questions
            for form in FORMS
            for index, option in enumerate(question.options(form))
        ],
        schema_overrides={"option": pl.Int8, "codes": pl.List(pl.Int16)},
    )


def texts(people: People, forms: Sequence[FormName] = FORMS) -> Iterator[dict[str, object]]:
    """One dict a person: person, demographics, each of the forms (question, statement), missing (question, reason)."""
    encoded = {form: people.options(form) for form in dict.fromkeys([*forms, "refined"])}
    for row, person in enumerate(people.ids.tolist()):
        yield {
            "person": person,
            "demographics": demographic_statements(people, row),
            **{form: _statements(people.survey, form, encoded[form][row]) for form in forms},
            "missing": [
                {"question": question.id, "reason": why_missing(people, row, at)}
                for at, question in enumerate(people.survey.questions)
                if encoded["refined"][row, at] < 0
            ],
        }


def demographic_statements(people: People, row: int) -> list[str]:
    """What the person says of themselves, in the order of the survey's demographics; missing ones are left out."""
    labels = people.demographics.row(row, named=True)
    return [
        demographic.statement(labels[demographic.name])
        for demographic in people.survey.demographics
        if labels[demographic.name] is not None
    ]


def why_missing(people: People, row: int, question: int) -> str:
    """Why the person has no option for the question (a column of ``codes``): the meaning of the code they have."""
    survey = people.survey
    code = int(people.codes[row, question])
    missing = {**survey.missing, **(survey.questions[question].missing or {})}
    left_out = survey.questions[question].left_out or {}
    if code in TAGS.values():
        return missing.get(code) or f"tagged {code_text(code)}"
    return missing.get(code) or left_out.get(code) or f"unknown code {format_codes([code])}"


def _statements(survey: Survey, form: FormName, options: NDArray[np.int8]) -> list[dict[str, str]]:
    return [
        {"question": question.id, "statement": question.options(form)[option].statement}
        for question, option in zip(survey.questions, options.tolist(), strict=True)
        if option >= 0
    ]
