"""From a data file, whatever its format, to people."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from indievalue.people.columns import other_names, recognise, renamed
from indievalue.people.decode import decode, needed_columns
from indievalue.people.options import ReadOptions
from indievalue.people.people import People
from indievalue.people.tables import fingerprint, format_of, read_columns
from indievalue.people.wanted import Wanted
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.survey import Survey


def read_people(file: str | Path, survey: str | Survey | None = None, options: ReadOptions | None = None) -> People:
    """The people of a survey file (.csv, .csv.gz, .sav, .dta, .xlsx, .parquet).

    ``survey`` is a survey, the name of a shipped one, or the folder of one of your own; where it is None the file's
    columns tell. ``People.findings`` says what was absent, unknown or dropped. Raises IndievalueError for a file that
    cannot be read or is of no known survey.
    """
    path, options = Path(file), options or ReadOptions()
    format_of(path)
    chosen: list[Survey] = []
    names: dict[str, str] = {}

    def choose(columns: list[str]) -> Wanted:
        if survey is None:
            chosen.append(recognise(columns, [load_survey(name) for name in shipped_surveys()], str(path)))
        else:
            chosen.append(load_survey(survey) if isinstance(survey, str) else survey)
        identified_by = options.person_columns or chosen[0].person
        names.update(renamed(columns, needed_columns(chosen[0]) | set(identified_by), path.name))
        # A file with none of the questions is read for its first column, so that decode can say what is wrong.
        return Wanted(list(names) or columns[:1], [column for column, name in names.items() if name in identified_by])

    with ThreadPoolExecutor(1) as side:
        digest = side.submit(fingerprint, path)
        table = read_columns(path, choose, options)
        people = decode(table.rename(names), chosen[0], path.name, digest.result(), options.person_columns)
    return replace(people, findings=replace(people.findings, renamed=other_names(names)))
