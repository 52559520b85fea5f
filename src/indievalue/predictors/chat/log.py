"""From an Inspect log to predictions, and what it took to get them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl
from inspect_ai.log import EvalSample

from indievalue.benchmark.model import NOBODY, Benchmark
from indievalue.predictors.predictions import SCHEMA
from indievalue.predictors.protocol import INVALID
from indievalue.seeded import key_table

EXAMPLES = 5
"""Invalid outputs that are kept to be looked at."""


@dataclass
class Effort:
    """What asking took.

    Attributes:
        calls: answers used, of which ``kept`` had been got before. asked_again: of them after an invalid answer.
        retries: requests that a provider turned down and that were sent again.
        input_tokens, output_tokens, cost: of calls made now; cost in dollars, None where no price is given.
        invalid: probes without a valid answer. examples: some of what was said instead.
        consistent: share of probes that were answered alike in both orders of options; None where asked in one.
    """

    calls: int = 0
    kept: int = 0
    asked_again: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    invalid: int = 0
    consistent: float | None = None
    examples: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def predictions_of(name: str, benchmark: Benchmark, samples: Iterable[EvalSample]) -> tuple[pl.DataFrame, Effort]:
    """Predictions in the order of the benchmark, and the effort. Probes asked in two orders are averaged.

    Of probabilities the mean is taken. Where a provider gives none and the two orders disagree, one of the two choices
    is drawn by the seed; an invalid answer leaves the choice to the other order.
    """
    given: dict[tuple[str, int, str], list[dict[str, Any]]] = defaultdict(list)
    effort = Effort()
    for sample in sorted(samples, key=lambda sample: str(sample.id)):
        about = sample.metadata
        for question, answer in about["answered"].items():
            given[about["person"], about["setup"], question].append(answer)
        _add(effort, sample)
    rows = []
    pairs = [answers for answers in given.values() if len(answers) > 1]
    if pairs:
        effort.consistent = sum(one["choice"] == other["choice"] is not None for one, other in pairs) / len(pairs)
    for setup, task in benchmark.tasks():
        questions = [benchmark.survey.questions[probe].id for probe in setup.probes]
        truth = benchmark.answers(setup)
        shown = (task.order != NOBODY).sum(axis=1)
        second = key_table(benchmark.settings.seed, f"orders {setup.number}", task.people.tolist(), questions) % 2 == 1
        for row, person in enumerate(task.people.tolist()):
            for place, question in enumerate(questions):
                if truth[row, place] >= 0:
                    choice, probabilities = _merged(given[person, setup.number, question], bool(second[row, place]))
                    effort.invalid += choice == INVALID
                    rows.append(
                        (setup.number, person, question, int(shown[row]), int(truth[row, place]), choice, probabilities)
                    )
    settings = benchmark.settings
    told = ("setup", "person", "question", "demonstrations", "answer", "choice", "probabilities")
    table = pl.DataFrame(rows, schema={column: SCHEMA[column] for column in told}, orient="row").with_columns(
        predictor=pl.lit(name),
        form=pl.lit(settings.form),
        protocol=pl.lit(settings.protocol),
        context=pl.lit(settings.context),
        demonstrations_as=pl.lit(settings.shown_form),
    )
    return table.select(pl.col(column).cast(kind) for column, kind in SCHEMA.items()), effort


def _merged(answers: list[dict[str, Any]], second: bool) -> tuple[int, list[float] | None]:
    valid = [answer for answer in answers if answer["choice"] is not None]
    if not valid:
        return INVALID, None
    likely = [answer["probabilities"] for answer in valid if answer["probabilities"] is not None]
    if len(likely) == len(valid):
        mean = np.mean(likely, axis=0)
        return (int(mean.argmax()) if len(valid) > 1 else valid[0]["choice"]), mean.tolist()
    return valid[second and len(valid) > 1]["choice"], None


def _add(effort: Effort, sample: EvalSample) -> None:
    sent = [event for event in sample.events if event.event == "model"]
    models = [event for event in sent if not event.error]
    effort.calls += len(models)
    effort.kept += sum(event.cache == "read" for event in models)
    effort.asked_again += max(0, len(sample.metadata["said"]) - 1)
    # A request that failed is told by the event of the one that succeeded, or has an event of its own.
    effort.retries += max(sum(event.retries or 0 for event in models), len(sent) - len(models))
    effort.retries += len(sample.error_retries or ())
    for usage in sample.model_usage.values():
        effort.input_tokens += (
            usage.input_tokens + (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
        )
        effort.output_tokens += usage.output_tokens
    failed = [question for question, answer in sample.metadata["answered"].items() if answer["choice"] is None]
    if failed and len(effort.examples) < EXAMPLES:
        said = sample.metadata["said"][-1]
        effort.examples.append(f"{sample.id}: {said[:300]!r}")
