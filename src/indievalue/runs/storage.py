"""Save and load run directories."""

import json
import shlex
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import polars as pl
from pydantic import TypeAdapter

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.storage import write_tables
from indievalue.errors import IndievalueError
from indievalue.files import new_directory, refuse_rows
from indievalue.parsing import parse_json_as
from indievalue.predictors.predictions import check_predictions, read_predictions
from indievalue.runs.ceilings import read_ceilings, write_ceilings
from indievalue.runs.record import FORMAT, Example, Record
from indievalue.runs.run import Run
from indievalue.runs.tables import read_table
from indievalue.scoring.accuracy import PredictorScore
from indievalue.survey.load import load_survey
from indievalue.survey.survey import Survey

T = TypeVar("T")

_RECORD = TypeAdapter(Record)
_SCORES = TypeAdapter(dict[str, PredictorScore])
_EXAMPLES = TypeAdapter(tuple[Example, ...])

MOST_ROWS = 30_000_000
"""Most predictions that are loaded into memory, about 10 GB."""

_SURVEY = "survey"
"""Folder of a run directory that holds the survey, unless it is a shipped one."""


def save_run(run: Run, directory: Path, *, figures: bool = False, force: bool = False) -> None:
    """Write a run directory (see :meth:`indievalue.runs.run.Run.save`)."""
    write_run(run, directory, force=force)
    if failure := draw_run(run, directory, figures=figures):
        raise IndievalueError(failure)


def write_run(run: Run, directory: Path, *, force: bool = False, config: str | None = None) -> None:
    """Write a run directory without what is drawn: it is complete, and loads, whatever becomes of its report.

    ``config`` is the content of ``evaluate.yaml``, if there is one.
    """
    with new_directory(directory, force=force) as folder:
        _write_run(run, folder)
        if config is not None:
            (folder / "evaluate.yaml").write_text(config, encoding="utf-8")


def draw_run(run: Run, directory: Path, *, figures: bool = False, example: str | None = None) -> str | None:
    """Write the report of a run into its directory, with a person as ``example``, and ``figures`` and tables as files.

    Whatever fails is said in what is returned, with the command that repeats it; None if nothing fails.
    """

    def draw() -> None:
        run.report(directory / "report.html", example=example)
        if figures:
            _write_figure_files(run, directory)

    again: list[object] = ["--figures", directory / "figures", "--tables", directory / "tables"] if figures else []
    if example is not None:
        again += ["--example", example]
    return drawing_failure(draw, directory, [directory], again)


def drawing_failure(
    draw: Callable[[], None], directory: Path, runs: Sequence[Path], options: Sequence[object] = ()
) -> str | None:
    """Draw the report of runs that are saved in ``directory``; return what fails as :func:`draw_run` does."""
    try:
        draw()
    except Exception as error:  # a defect of a drawing must not cost what was predicted
        said = str(error) if isinstance(error, IndievalueError) else f"{type(error).__name__}: {error}"
        command = ["indievalue", "report", *runs, "--out", directory / "report.html", *options, "--force"]
        return (
            f"the run is saved in {directory}, but its report could not be written ({_first_line(said)}); "
            f"to repeat that alone: {shlex.join(map(str, command))}"
        )
    return None


def _write_run(run: Run, folder: Path) -> None:
    """Write everything but the report into ``folder``."""
    run.predictions.write_parquet(folder / "predictions.parquet")
    run.people.write_parquet(folder / "people.parquet")
    if run.ceilings is not None:
        write_ceilings(run.ceilings, folder)
    write_json(folder / "summary.json", {name: score.as_nested_dict() for name, score in run.scores.items()})
    write_json(folder / "run.json", run.record.as_dict())
    write_json(folder / "example.json", [asdict(example) for example in run.examples])
    if isinstance(run.benchmark, Benchmark):
        write_tables(run.benchmark, folder / "benchmark")
    elif run.benchmark is not None and (run.benchmark / "benchmark").is_dir():
        shutil.copytree(run.benchmark / "benchmark", folder / "benchmark")
    if run.survey.folder is not None:
        for file in sorted(Path(run.survey.folder).glob("*.yaml")):
            (folder / _SURVEY).mkdir(exist_ok=True)
            shutil.copyfile(file, folder / _SURVEY / file.name)
    for write in run.logs:
        write(folder)


def _write_figure_files(run: Run, folder: Path) -> None:
    """Write all figures and tables of ``run`` into ``folder``, as ``figures/`` and ``tables/``, each whole or not."""
    from indievalue.report.figures.files import write_figures
    from indievalue.report.tables.of_runs import write_run_tables

    with new_directory(folder / "figures", force=True) as made:
        write_figures([run], made)
    with new_directory(folder / "tables", force=True) as made:
        write_run_tables([run], made)


def load_run(directory: str | Path) -> Run:
    """Load the run in ``directory``, which an earlier version may have written.

    Raises IndievalueError, naming the file, if one is missing or damaged, or was written by a later version.
    """
    folder = Path(directory)
    record = read_record(folder)
    _refuse_too_many(folder)
    scores = _read(folder / "summary.json", _SCORES)
    for name, score in scores.items():
        if not (0 <= score.accuracy <= 100 and score.people >= 0 and score.probes >= score.invalid >= 0):
            raise IndievalueError(
                f"{folder / 'summary.json'}: {name} has an accuracy or a number of probes that cannot be"
            )
    examples = _read(folder / "example.json", _EXAMPLES)
    predictions = read_predictions(folder / "predictions.parquet")
    people = read_people(folder / "people.parquet", predictions)
    named = set(predictions["predictor"].unique())
    if named != set(scores) or not named:
        raise IndievalueError(
            f"{folder}: summary.json has {_listed(scores)} but predictions.parquet has {_listed(named)}; "
            "they are not from the same run"
        )
    forms = set(predictions["form"].unique())
    if forms != {record.form}:
        raise IndievalueError(f"{folder}: run.json has form {record.form} but predictions.parquet has {_listed(forms)}")
    survey = survey_of(folder, record)
    check_predictions(folder / "predictions.parquet", predictions, survey)
    ceilings = read_ceilings(folder, predictions["question"].unique())
    return Run(record, survey, predictions, people, scores, examples, folder, ceilings=ceilings)


def read_record(folder: Path) -> Record:
    """Read the record of the run in ``folder``. Raises IndievalueError as :func:`load_run` does."""
    if not folder.is_dir():
        raise IndievalueError(f"{folder} is not a run directory; `indievalue evaluate … --out {folder}` writes one")
    record = _read(folder / "run.json", _RECORD)
    if record.format > FORMAT:
        raise IndievalueError(
            f"{folder} was written by a later version of indievalue (format {record.format}; this one reads {FORMAT}): "
            "update indievalue"
        )
    return record


def survey_of(folder: Path, record: Record) -> Survey:
    """Return the survey of the run in ``folder``: its own, or a shipped one."""
    own = folder / _SURVEY
    return load_survey(str(own.resolve()), linked=False) if own.is_dir() else load_survey(record.survey)


def _refuse_too_many(folder: Path) -> None:
    """Raise IndievalueError, with what to do, if there are more predictions than are held in memory."""
    file, parts = folder / "predictions.parquet", folder / "predictions"
    rows = 0
    if file.is_file():
        with suppress(OSError, pl.exceptions.PolarsError):  # a damaged file is reported when it is read
            rows = int(pl.scan_parquet(file, glob=False).select(pl.len()).collect().item())
    if rows > MOST_ROWS or (parts.is_dir() and not file.exists()):
        many = f"{rows:,} predictions, more than {MOST_ROWS:,}" if rows else "predictions in parts"
        raise IndievalueError(
            f"{folder} has {many}, and is not loaded as a whole: `indievalue score {folder}` scores it in a stream, in "
            "Python indievalue.score_run"
        )


def _read(file: Path, kind: TypeAdapter[T]) -> T:
    try:
        return parse_json_as(kind, file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise IndievalueError(f"{file.parent} is not a complete run directory: {file.name} is missing") from None
    except OSError as error:
        raise IndievalueError(f"cannot read {file}: {error.strerror or error}") from None
    except ValueError as error:
        later = "; a later version of indievalue may have written it" if "unknown key" in str(error) else ""
        raise IndievalueError(f"{file} is not a valid run file: {error}{later}") from None


def read_people(file: Path, predictions: pl.DataFrame | None = None) -> pl.DataFrame:
    """Read the people of a run. Raises IndievalueError if somebody in ``predictions`` is not among them."""
    people = read_table(file, file.parent)
    if people.columns[:2] != ["person", "weight"] or people["person"].n_unique() < len(people):
        raise IndievalueError(
            f"{file} is not a valid run file: its first columns must be person (without duplicates) and weight"
        )
    if people.schema["person"] != pl.String or not people.schema["weight"].is_numeric():
        raise IndievalueError(f"{file} is not a valid run file: person must be text, and weight a number")
    refuse_rows(file, people, pl.col("person").is_null(), "person is missing")
    unusable = pl.col("weight").is_null() | (pl.col("weight") < 0) | ~pl.col("weight").is_finite()
    refuse_rows(file, people, unusable, "weight is {weight}, not a number from 0 on")
    labels = [name for name, kind in people.schema.items() if kind not in (pl.String, pl.Null)]
    if labels[1:] or labels[:1] != ["weight"]:
        raise IndievalueError(f"{file} is not a valid run file: the groups of {labels[-1]} must be text")
    absent = set() if predictions is None else set(predictions["person"]) - set(people["person"])
    if absent:
        raise IndievalueError(
            f"{file} lacks {len(absent):,} of the people in predictions.parquet, such as {min(absent)}; "
            "they are not from the same run"
        )
    return people


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(map(str, names))) or "nothing"


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as JSON, for people and programs to read."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
