"""Run directories made up for tests of the report, and a survey of three questions."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from indievalue.predictors.predictions import SCHEMA
from indievalue.scoring.accuracy import summarise
from indievalue.survey.load import load_survey

PREDICTORS = ("random", "majority", "resemble:k=35", "openai/gpt-4o")
HOSTILE = "<script>alert('x')</script> & \"quotes\""

SURVEY = """
name: small
title: A small survey
licence: Tell nobody.
missing: {-1: unknown, -4: not asked}
not_asked: -4
blank: -1
categories: [Home & Work, Trust <b>]
"""

QUESTIONS = """
- battery: importance
  category: Home & Work
  type: mc_2
  asks: Is {topic} important to you?
  polar: {1: "{topic} is important to me.", 2: "{topic} is not important to me."}
  refined: same as polar
  questions:
    A1: {topic: family}
    A2: {topic: work}
- question: B1
  category: Trust <b>
  type: mc_3
  asks: How far do you trust people?
  polar: {1-2: "I trust people.", 3: "I do not trust people."}
  refined: {1: "I trust people a lot.", 2: "I trust people a little.", 3: "I do not trust people."}
"""


def some_people(number: int = 12, **labels: Any) -> pl.DataFrame:
    """What people.parquet holds of people p0, p1, …; ``labels`` are by demographic, repeated as often as it takes."""
    columns = {name: [of[person % len(of)] for person in range(number)] for name, of in labels.items()}
    names = [f"p{person}" for person in range(number)]
    return pl.DataFrame({"person": names, "weight": [1.0] * number, **columns}, strict=False)


def make_run(
    folder: Path,
    survey: str,
    *,
    people: pl.DataFrame | None = None,
    predictors: Sequence[str] = PREDICTORS,
    silent: Sequence[str] = (),
    valid: bool = True,
    skill: Mapping[str, float] | None = None,
    shown: int = 2,
    **changes: Any,
) -> Path:
    """A run directory with 3 probes of every one of ``people``; ``changes`` go into run.json.

    Predictors that are ``silent`` give no probabilities; unless ``valid`` nobody names an option. ``skill`` is how
    often a predictor is right beyond chance, 0-1.
    """
    form = changes.get("form", "polar")
    people = some_people(place=[HOSTILE, "Elsewhere", None]) if people is None else people
    spec = load_survey(survey)
    questions = spec.questions[:3]
    random = np.random.default_rng(1)
    rows = []
    for person in range(len(people)):
        for question in questions:
            options = len(question.options(form))
            answer = int(random.integers(options))
            for predictor in predictors:
                choice = answer if random.random() < (skill or {}).get(predictor, 0) else int(random.integers(options))
                probabilities = np.full(options, 0.2 / (options - 1))
                probabilities[choice] = 0.8
                invalid = not valid or (predictor == "openai/gpt-4o" and person == 0)
                given = None if predictor in silent else probabilities.tolist()
                rows.append(
                    (predictor, form, "strict", "statements", form, 0, f"p{person}", question.id, shown, answer)
                    + ((-1, None) if invalid else (choice, given))
                )
    predictions = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    first = {row["question"]: row["answer"] for row in predictions.filter(person="p0").iter_rows(named=True)}
    example = {
        "person": "p0",
        "setup": 0,
        "form": form,
        "demographics": [HOSTILE],
        "demonstrations": [{"question": "C1", "statement": f"{HOSTILE} {number}."} for number in range(7)],
        "probes": [
            {
                "question": question.id,
                "asks": question.asks,
                "options": [option.statement for option in question.options(form)],
                "answer": first[question.id],
            }
            for question in questions
        ],
    }
    data = {"source": f"{HOSTILE}.csv", "survey": spec.name, "fingerprint": "abc", "rows": 40, "people": 40}
    about = {
        "arguments": {"data": HOSTILE, "predictor": list(predictors)},
        "survey": survey,
        "form": form,
        "protocol": "strict",
        "context": "statements",
        "demonstrations": 200,
        "demonstrations_as": form,
        "seed": 7,
        "people": len(people),
        "training_people": 28,
        "data": data,
        "eligibility": {"people": 40, "excluded": {"left early": 9}, "eligible": 31, "available": 31},
        "versions": {"python": "3.11"},
        "seconds": {"random": 0.1},
        **changes,
    }
    folder.mkdir(parents=True)
    predictions.write_parquet(folder / "predictions.parquet")
    people.write_parquet(folder / "people.parquet")
    (folder / "summary.json").write_text(
        json.dumps({name: score.as_nested_dict() for name, score in summarise(predictions).items()})
    )
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "example.json").write_text(json.dumps([example]))
    return folder
