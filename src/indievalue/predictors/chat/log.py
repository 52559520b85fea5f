"""Read predictions and usage from Inspect's logs, and write scored logs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from inspect_ai import score
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, EvalSample, read_eval_log, write_eval_log
from inspect_ai.model import GenerateConfig

from indievalue.benchmark.model import Benchmark, Task
from indievalue.predictors.chat.answers import tokens_read
from indievalue.predictors.chat.metrics import GROUPED, metrics_of, prediction_scorer
from indievalue.predictors.protocol import INVALID, UNANSWERED, Effort, Guesses
from indievalue.prompts.prompt import LABELS
from indievalue.redact import HIDDEN, is_secret, without_secrets
from indievalue.seeded import key_table

EXAMPLES = 5
"""Number of invalid outputs kept as examples."""

Given = dict[tuple[str, int, str], list[tuple[int | None, list[float] | None]]]
"""Person, setup, question → (choice, probabilities) of each time it was asked, in order."""


def answers_in(samples: Iterable[EvalSample]) -> tuple[Given, Effort]:
    """Return the answers, and the effort; ``invalid`` is not counted yet."""
    given: Given = defaultdict(list)
    effort = Effort()
    for sample in sorted(samples, key=lambda sample: str(sample.id)):
        about = sample.metadata
        for question, answer in about["answered"].items():
            given[about["person"], about["setup"], question].append((answer["choice"], answer["probabilities"]))
        _add(effort, sample)
    pairs = [answers for answers in given.values() if len(answers) > 1]
    if pairs:
        effort.consistent = sum(one == other is not None for (one, _), (other, _) in pairs) / len(pairs)
    return given, effort


def guesses_of(task: Task, given: Given) -> Guesses:
    """Return the predictions for a task. Probes asked in two orders of options are averaged.

    Probabilities are averaged. Without probabilities, if the two orders disagree, one of the choices is drawn with the
    seed; if one answer is invalid, the other one is used.
    """
    questions = [task.survey.questions[probe].id for probe in task.probes]
    second = key_table(task.seed, f"orders {task.setup}", task.people.tolist(), questions) % 2 == 1
    choice = np.full(task.asked.shape, INVALID, np.int8)
    probabilities = np.full((*choice.shape, int(task.counts.max(initial=1))), np.nan, np.float32)
    for row, person in enumerate(task.people.tolist()):
        for place, question in enumerate(questions):
            answers = given.get((person, task.setup, question), [])
            if task.asked[row, place] and not answers:
                choice[row, place] = UNANSWERED
                continue
            choice[row, place], likely = _merged(answers, second=bool(second[row, place]))
            if likely is not None:
                probabilities[row, place] = 0
                probabilities[row, place, : len(likely)] = likely
    return Guesses(choice, None if np.isnan(probabilities).all() else probabilities)


def write_scored_log(raw: Path, benchmark: Benchmark, folder: Path) -> None:
    """Write the log ``raw`` to ``folder`` with the true answers and scores, which it lacks, for ``inspect view``."""
    log = read_eval_log(str(raw))
    hide_secrets(log)
    add_truth(log.samples or (), benchmark)
    grouped = [name for name in GROUPED if name in benchmark.people.demographics.columns]
    scored = score(log, prediction_scorer(), metrics_of(grouped), action="overwrite", display="none", copy=False)
    folder.mkdir(parents=True, exist_ok=True)
    write_eval_log(scored, str(folder / raw.name))


def hide_secrets(log: EvalLog) -> None:
    """Hide what may be a secret in a log's settings and requests: headers, keys, and passwords in addresses."""
    log.eval.model_base_url = _plain_or_none(log.eval.model_base_url)
    log.eval.model_args = {name: without_secrets(value, name) for name, value in log.eval.model_args.items()}
    for config in (log.eval.model_generate_config, log.plan.config):
        _hide_in(config)
    for sample in log.samples or ():
        for event in sample.events:
            if event.event == "model":
                _hide_in(event.config)
                if event.call is not None:
                    request = event.call.request
                    event.call.request = {name: HIDDEN if is_secret(name) else one for name, one in request.items()}


def _hide_in(config: GenerateConfig) -> None:
    if config.extra_headers:
        config.extra_headers = dict.fromkeys(config.extra_headers, HIDDEN)
    if config.extra_body:
        config.extra_body = {name: without_secrets(one, name) for name, one in config.extra_body.items()}


def _plain_or_none(text: str | None) -> str | None:
    return None if text is None else str(without_secrets(text))


def add_truth(samples: Iterable[EvalSample | Sample], benchmark: Benchmark) -> None:
    """Add the true options, categories and the person's groups to the metadata of ``samples``."""
    survey, rows, demographics = benchmark.survey, benchmark.people.rows, benchmark.people.demographics
    truth = {
        (person, setup.number, survey.questions[probe].id): int(answer)
        for setup in benchmark.setups
        for person, answers in zip(benchmark.people.ids.tolist(), benchmark.answers(setup), strict=True)
        for probe, answer in zip(setup.probes, answers, strict=True)
    }
    for sample in samples:
        about = sample.metadata or {}
        about["groups"] = demographics.row(rows[about["person"]], named=True) if demographics.width else {}
        for probe in about["probes"]:
            probe["category"] = survey.question(probe["question"]).category
            probe["answer"] = truth[about["person"], about["setup"], probe["question"]]
        sample.target = _targets_of(about["probes"])


def _targets_of(probes: Sequence[dict[str, object]]) -> list[str]:
    """Return the correct label of each probe, for readers of the log."""
    labels = [LABELS[list(probe["order"]).index(probe["answer"])] for probe in probes]  # type: ignore[call-overload]
    if len(labels) == 1:
        return labels
    return [f"{probe['question']}: {label}" for probe, label in zip(probes, labels, strict=True)]


def _merged(
    answers: Sequence[tuple[int | None, list[float] | None]], *, second: bool
) -> tuple[int, list[float] | None]:
    valid = [(choice, likely) for choice, likely in answers if choice is not None]
    if not valid:
        return INVALID, None
    given = [likely for _, likely in valid if likely is not None]
    if len(given) == len(valid):
        mean = np.mean(given, axis=0)
        return (int(mean.argmax()) if len(valid) > 1 else valid[0][0]), mean.tolist()
    return valid[second and len(valid) > 1][0], None


def _add(effort: Effort, sample: EvalSample) -> None:
    sent = [event for event in sample.events if event.event == "model"]
    models = [event for event in sent if not event.error]
    outputs = sample.metadata["outputs"]
    effort.calls += len(outputs)
    effort.kept += sample.metadata["stored"]
    effort.asked_again += max(0, len(outputs) - 1)
    # A failed request is counted in the event of the successful one, or has an event of its own.
    effort.retries += max(sum(event.retries or 0 for event in models), len(sent) - len(models))
    effort.retries += len(sample.error_retries or ())
    for usage in sample.model_usage.values():
        effort.input_tokens += tokens_read(usage)
        effort.output_tokens += usage.output_tokens
    failed = any(answer["choice"] is None for answer in sample.metadata["answered"].values())
    if failed and len(effort.examples) < EXAMPLES:
        effort.examples.append(f"{sample.id}: {outputs[-1][:300]!r}")
