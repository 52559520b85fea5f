"""Start a reasoner from the base rates of the answers.

The logit of an option is then the logarithm of the share of training people who chose it, plus the model's own logit,
minus the mean of what the untuned model's logit is for that question. Before the first step, the reasoner predicts the
base rates, and what it learns is how a person differs from them. Questions that the training part does not ask have no
offset.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from indievalue.benchmark.model import NOBODY
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json_as
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.predictors.local.prior_offset import PriorOffset
from indievalue.reasoner.conversations import Conversation
from indievalue.reasoner.draw import DrawnExamples
from indievalue.reasoner.recipe import Recipe

BASE_RATES = "base-rates.json"
"""File of a training set with the base rate of each option."""

PROMPTS = 8
"""Prompts of each question whose mean is that of the untuned model."""

Rates = dict[FormName, dict[str, list[float]]]
"""Form → question → share of the training people who chose each option."""

_RATES = TypeAdapter(Rates)
_DECIMALS = 6


def write_base_rates(folder: Path, people: People, recipe: Recipe, drawn: DrawnExamples) -> None:
    """Write the base rates of the questions that a part asks, among the people who could be drawn for it."""
    rates: Rates = {}
    asked = np.unique(drawn.probes[drawn.probes != NOBODY]).tolist()
    for name in recipe.forms:
        form = people.survey.form(name)
        shares = base_rates(people.options(name)[drawn.pool], form)
        rates[name] = {
            people.survey.questions[column].id: np.round(shares[column, : form.counts[column]], _DECIMALS).tolist()
            for column in asked
        }
    (folder / BASE_RATES).write_text(json.dumps(rates, indent=1), encoding="utf-8")


def read_base_rates(folder: Path) -> Rates:
    """Return the base rates of a training set. Raises IndievalueError if it has none."""
    file = folder / BASE_RATES
    try:
        return parse_json_as(_RATES, file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndievalueError(f"{file} does not hold base rates: {error}; write the training set again") from None


def some_of_each(examples: Iterable[Conversation]) -> Iterator[Conversation]:
    """Yield the first examples in which each question is asked, until each was asked :data:`PROMPTS` times."""
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for example in examples:
        asked = [(example["form"], question) for question in example["questions"]]
        if any(seen[one] < PROMPTS for one in asked):
            for one in asked:
                seen[one] += 1
            yield example


def prior_offset_of(
    rates: Rates,
    examples: Iterable[Conversation],
    space: str,
    scores: Callable[[list[Conversation]], list[list[list[float]]]],
) -> PriorOffset:
    """Return the offset of each option: its log base rate minus the mean log probability of the untuned model.

    ``scores`` returns the model's log probability of each label, after ``space``, for each turn of each of some
    examples.
    """
    chosen = list(some_of_each(examples))
    logs: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for example, turns in zip(chosen, scores(chosen), strict=True):
        for question, found in zip(example["questions"], turns, strict=True):
            logs[example["form"], question].append(found)
    offsets = {
        form: {
            question: (np.log(shares) - np.mean(logs[form, question], axis=0)).tolist()
            for question, shares in of_form.items()
            if (form, question) in logs
        }
        for form, of_form in rates.items()
    }
    return PriorOffset(space, offsets)
