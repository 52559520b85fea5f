"""Synthetic people as a survey file that the survey's own reader reads back."""

from pathlib import Path

import polars as pl
import pyreadstat

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.survey.codes import FIRST_TEXT_CODE, TAGS, code_text
from indievalue.survey.survey import Survey

WRITTEN = (".csv", ".parquet", ".sav")
"""Endings of the files that are written."""

_LABEL = 120
"""Bytes of a value label in an SPSS file."""
_WORDING = 250
"""Bytes of a variable label in an SPSS file."""

Labels = dict[str, dict[int, str]]


def check_ending(path: Path) -> None:
    """Raise IndievalueError unless ``path`` ends in a format that is written."""
    if path.suffix.lower() not in WRITTEN:
        raise IndievalueError(f"{path}: the file to write ends in {', '.join(WRITTEN[:-1])} or {WRITTEN[-1]}")


def write_survey_file(table: pl.DataFrame, survey: Survey, path: Path) -> None:
    """Write the raw columns of people as a data file of ``survey``: CSV, Parquet, or SPSS with labels.

    In CSV and Parquet, Stata's missing values are written as ``.a`` to ``.z``. Raises IndievalueError for another
    ending, or where the file cannot be written.
    """
    check_ending(path)
    kind = path.suffix.lower()
    cells = table if kind == ".sav" else table.with_columns(_with_tags(table[name]) for name in table.columns)
    with new_file(path) as beside:
        if kind == ".csv":
            cells.write_csv(beside)
        elif kind == ".parquet":
            cells.write_parquet(beside)
        else:
            _write_spss(cells, survey, beside)


def _with_tags(column: pl.Series) -> pl.Series:
    """The column with Stata's missing values as ``.a`` to ``.z``; as it is where it has none."""
    if not column.dtype.is_integer():
        return column
    tags = {str(code): code_text(code) for code in column.unique().to_list() if code in TAGS.values()}
    return column.cast(pl.String).replace(tags) if tags else column


def _write_spss(table: pl.DataFrame, survey: Survey, path: Path) -> None:
    wordings: dict[str, str] = {}
    labels: Labels = {}
    for demographic in reversed(survey.demographics):
        for column in demographic.columns:
            wordings[column] = demographic.asks
            of_group = {code: group.label for group in demographic.groups for code in group.codes.get(column, ())}
            missing = {**survey.missing, **(demographic.left_out or {}), **(demographic.missing or {})}
            labels[column] = missing | of_group
    for question in survey.questions:
        of_option = {code: option.statement for option in question.refined for code in option.codes}
        missing = {**survey.missing, **(question.left_out or {}), **(question.missing or {})}
        for column in {*question.data_columns, *(question.rounds or {}).values()}:
            wordings[column], labels[column] = question.asks, missing | of_option
    numeric = [name for name in table.columns if table[name].dtype.is_integer()]
    met = {name: set(table[name].unique().to_list()) for name in numeric}
    try:
        pyreadstat.write_sav(
            table.with_columns(pl.col(numeric).cast(pl.Float64)),
            str(path.absolute()),
            file_label=survey.title[:60],
            column_labels={name: _cut(wordings[name], _WORDING) for name in table.columns if name in wordings},
            variable_value_labels={
                name: {
                    float(code): _cut(label, _LABEL)
                    for code, label in labels[name].items()
                    if label and (code in met[name] or abs(code) < FIRST_TEXT_CODE)
                }
                for name in numeric
                if labels.get(name)
            },
        )
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
        raise IndievalueError(f"cannot write an SPSS file of survey {survey.name}: {error}; write .csv") from None


def _cut(text: str, most: int) -> str:
    """The text, or as much of it as ``most`` bytes hold."""
    return text.encode()[:most].decode(errors="ignore")
