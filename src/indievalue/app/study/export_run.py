"""Write a study as a run directory, with its answers and results beside the predictions."""

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from indievalue.app.study.answers import csv_text, read_answers, read_raters, truth_of
from indievalue.app.study.assignment import progress
from indievalue.app.study.database import Database
from indievalue.app.study.export import humans_of, predictors_of
from indievalue.app.study.results import measure, results_page
from indievalue.app.study.settings import BENCHMARK, Folder
from indievalue.benchmark.storage import load_benchmark
from indievalue.evaluation import Call, evaluate, named_predictors
from indievalue.people.people import People
from indievalue.runs.run import Run
from indievalue.runs.storage import load_run


@dataclass(frozen=True)
class Exported:
    """What to export: ``predictors`` are asked, ``runs`` are read; see ``indievalue study export``."""

    predictors: tuple[str, ...] = ()
    runs: tuple[Path, ...] = ()
    attention_failures: int | None = None
    survey: str | None = None


def export_study(
    folder: Path, database: Database, people: People, out: Path, wanted: Exported, *, force: bool = False
) -> Run:
    """Write a run directory, with a folder ``study``, and return the run.

    Raises IndievalueError if nobody has answered everything about a person, ``people`` are not those that the study was
    made from, or the directory cannot be written.
    """
    opened = Folder(folder)
    study, content = opened.study(), opened.content()
    benchmark = load_benchmark(folder / BENCHMARK, people)
    with database.reading() as session:
        answers = read_answers(session, study, content, truth_of(content, benchmark))
        raters, so_far = read_raters(session, study), progress(session, study, time.time())
    humans = humans_of(study, content, answers, wanted.attention_failures)
    others = named_predictors(wanted.predictors) if wanted.predictors else {}
    runs = [load_run(path) for path in wanted.runs]
    arguments = {"command": "study export", "study": study.name, "real_people": study.real_people}
    with tempfile.TemporaryDirectory() as beside:
        predictors = predictors_of(humans, benchmark, Path(beside), others, runs)
        call = Call(arguments=arguments, survey=wanted.survey)
        run = evaluate(people, benchmark, predictors, out, force=force, call=call)
    written = out / "study"
    written.mkdir(mode=0o700)
    humans.write(written / "predictions")
    results = measure(answers, humans.excluded)
    about = {"study": study.name, "excluded": humans.excluded, **results.as_dict(), "progress": so_far.lines()}
    (written / "answers.csv").write_text(csv_text(answers), encoding="utf-8")
    (written / "raters.csv").write_text(csv_text(raters), encoding="utf-8")
    (written / "results.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    results_page(study, results, run, humans.majority, so_far).write(written / "results.html")
    return run
