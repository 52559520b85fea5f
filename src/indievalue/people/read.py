"""Read people from a survey file of any supported format."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from indievalue.people.decode import decode, needed_columns, recognise
from indievalue.people.people import People
from indievalue.people.tables import Wanted, fingerprint, format_of, read_columns
from indievalue.survey.load import load_survey, shipped_surveys
from indievalue.survey.survey import Survey


def read_people(file: str | Path, survey: str | Survey | None = None) -> People:
    """Read the people of a survey file (.csv, .csv.gz, .sav, .dta, .xlsx, .parquet).

    ``survey`` is a survey, the name of a shipped survey, or the path of your own survey's folder; if None, the survey
    is recognised by the file's columns. ``People.findings`` reports what was missing, unknown or dropped. Raises
    IndievalueError if the file cannot be read or belongs to no known survey.

    >>> from tempfile import TemporaryDirectory
    >>> from indievalue.synthetic.generate import draw, load_twin
    >>> twin, _ = load_twin("wvs7")
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "answers.csv"
    ...     draw(twin, load_survey("wvs7"), 50, 0).write_csv(file)
    ...     people = read_people(file, "wvs7")
    >>> len(people.ids)
    50
    """
    path = Path(file)
    format_of(path)
    chosen: list[Survey] = []

    def choose(columns: list[str]) -> Wanted:
        if survey is None:
            chosen.append(recognise(columns, [load_survey(name) for name in shipped_surveys()], str(path)))
        else:
            chosen.append(load_survey(survey) if isinstance(survey, str) else survey)
        needed = needed_columns(chosen[0])
        # A file with none of the questions is read for its first column, so that decode can say what is wrong.
        wanted = [column for column in columns if column in needed] or columns[:1]
        return Wanted(wanted, [column for column in wanted if column == chosen[0].person])

    with ThreadPoolExecutor(1) as side:
        digest = side.submit(fingerprint, path)
        table = read_columns(path, choose)
        return decode(table, chosen[0], path.name, digest.result())
