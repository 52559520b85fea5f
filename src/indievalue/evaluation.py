"""From people to a scored, readable run directory: benchmark, predictors, scores, report."""

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.storage import task_texts, write_tables
from indievalue.errors import IndievalueError
from indievalue.files import new_directory
from indievalue.people.catalog import people_table
from indievalue.people.people import People
from indievalue.predictors.asking import AskingOptions
from indievalue.predictors.predictions import predict
from indievalue.predictors.protocol import Predictor
from indievalue.predictors.registry import adopt, make_predictors
from indievalue.report.exports import write_figures
from indievalue.report.page import write_report
from indievalue.report.tables import write_run_tables
from indievalue.runs.run import load_run
from indievalue.scoring.accuracy import summarise

EXAMPLES = 1
"""People whose statements, probes and guesses the report shows."""

_VERSIONS = ("indievalue", "numpy", "polars", "scipy", "scikit-learn", "torch", "transformers", "lightgbm")
"""Packages whose version a run notes, where they are installed."""


def evaluate(
    people: People,
    benchmark: Benchmark,
    predictors: Sequence[str] | Mapping[str, Predictor],
    out: str | Path,
    *,
    arguments: dict[str, Any] | None = None,
    survey: str | None = None,
    force: bool = False,
    asking: AskingOptions | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> dict[str, dict[str, Any]]:
    """Ask each predictor the benchmark, and write a run directory; returns what ``summary.json`` holds.

    ``predictors`` are names (see :func:`indievalue.predictors.registry.make_predictor`; ``openai/gpt-4o`` is a chat
    model, asked as ``asking`` says; ``local:MODEL`` is one on this machine, whose prompts are written as ``style``
    says), or predictors of one's own by the name that the tables shall give them. They learn from
    those of ``people`` who are not tested. The directory holds ``predictions.parquet``, ``people.parquet``,
    ``summary.json``, ``run.json``, ``report.html``, ``figures/``, ``tables/``, ``example.json``, ``benchmark/`` and, of
    chat models, ``inspect/``; it appears under its name only when it is complete. Raises IndievalueError where a
    predictor is unknown, nobody is left to learn from, or ``out`` is not empty (unless ``force``) or cannot be written.
    """
    made = (
        {name: adopt(predictor) for name, predictor in predictors.items()}
        if isinstance(predictors, Mapping)
        else make_predictors(predictors, asking)
    )
    settings = benchmark.settings
    training = people.take(~np.isin(people.ids, benchmark.people.ids))
    if not len(training) and any(predictor.learns for predictor in made.values()):
        raise IndievalueError("everybody in the data is tested, and nobody is left for the predictors to learn from")
    with new_directory(Path(out), force=force) as folder:
        seconds: dict[str, float] = {}
        tables = []
        effort: dict[str, dict[str, Any]] = {}
        for name, predictor in made.items():
            say(f"{name} …")
            start = time.perf_counter()
            fitted = predictor.fit(training, settings.form, settings.shown_form)
            tables.append(predict(name, fitted, benchmark))
            if report := fitted.effort():
                effort[name] = report.as_dict()
                for line in report.lines():
                    say(line)
            fitted.write_log(benchmark, folder)
            seconds[name] = round(time.perf_counter() - start, 3)
        predictions = pl.concat(tables)
        predictions.write_parquet(folder / "predictions.parquet")
        summary = summarise(predictions, settings.seed, people.survey)
        _write_json(folder / "summary.json", summary)
        about = {
            "arguments": arguments or {},
            "survey": survey or people.survey.name,
            **asdict(settings),
            "demonstrations_as": settings.shown_form,
            "people": len(benchmark.people),
            "training_people": len(training),
            "data": people.findings.as_dict(),
            "eligibility": asdict(benchmark.eligibility),
            "versions": {"python": platform.python_version(), **_installed()},
            "seconds": seconds,
            **({"effort": effort} if effort else {}),
        }
        _write_json(folder / "run.json", about)
        _write_json(folder / "example.json", list(islice(task_texts(benchmark), EXAMPLES)))
        people_table(benchmark.people).write_parquet(folder / "people.parquet")
        write_tables(benchmark, folder / "benchmark")
        say("report …")
        run = load_run(folder)
        write_figures([run], folder / "figures")
        write_run_tables([run], folder / "tables")
        write_report([run], folder / "report.html")
    return summary


def _installed() -> dict[str, str]:
    """Versions of the packages that a result may depend on."""
    versions = {}
    for name in _VERSIONS:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
