"""Parse a model's reply to a prompt of any template: the option chosen, and probabilities where it gives them."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from indievalue.prompts.answer import Choice, chosen_options, find_choice
from indievalue.prompts.final_text import final_text
from indievalue.prompts.prompt import AskedProbe
from indievalue.prompts.structured import pairs_in
from indievalue.prompts.templates import Reading

TOLERANCE = 0.02
"""How far probabilities that a model writes may be from a sum of 1; within it they are divided by their sum."""

_MARKED = re.compile(r"<answer>([^<]{0,400})</answer>", re.I)
_GROUP_CHOICE = re.compile(r"\s*[\"'(\[]?\s*(?:G(\d{1,3})\s*[_.-]\s*)?(\d{1,3})(?!\d)", re.I)


@dataclass(frozen=True)
class Reply:
    """The survey's option that a reply names, or None, and the probability of each option if the reply gives them."""

    choice: int | None
    probabilities: tuple[float, ...] | None = None


def read_reply(text: str, probes: Sequence[AskedProbe], reading: Reading, *, cut: bool = False) -> dict[str, Reply]:
    """Return the reply to each question in ``probes``.

    Args:
        text: what the model wrote. probes: what it was asked. reading: how the prompt's template is answered.
        cut: whether the model was stopped before it had finished.
    """
    if reading == "json":
        return {question: Reply(option) for question, option in chosen_options(text, probes, cut=cut).items()}
    if reading == "groups":
        return {question: Reply(option) for question, option in chosen_statements(text, probes).items()}
    (probe,) = probes
    if reading == "distribution":
        likely = written_probabilities(text, probe)
        return {probe.question: Reply(None if likely is None else likely.index(max(likely)), likely)}
    choice = label_in_reply(text, probe, reading, cut=cut)
    return {probe.question: Reply(choice.option if choice else None)}


def label_in_reply(text: str, probe: AskedProbe, reading: Reading, *, cut: bool = False) -> Choice | None:
    """Return the option that a reply names by a label, and the label's place.

    A reply that was asked for with tags counts what stands between the last pair of them that names an option; without
    any tag it is read like another reply, unless it was cut off.
    """
    if reading != "marked":
        return find_choice(text, probe, cut=cut)
    final = final_text(text)
    if final is None:
        return None
    marks = list(_MARKED.finditer(final.text))
    for mark in reversed(marks):
        if found := find_choice(mark[1], probe):
            return Choice(found.option, None if found.place is None else final.start + mark.start(1) + found.place)
    return None if marks or cut else find_choice(text, probe)


def chosen_statements(text: str, probes: Sequence[AskedProbe]) -> dict[str, int | None]:
    """Return question → the option whose statement is named in a group, None if there is none.

    Groups are numbered in the order of ``probes``, and statements in the order shown: ``{"G1": {"choice": "G1_2"}}``
    or ``{"G1": "G1_2"}``. A statement of another group is no choice, nor are two of them.
    """
    final = final_text(text)
    if final is None:
        return {probe.question: None for probe in probes}
    names = frozenset(f"g{number}" for number in range(1, len(probes) + 1))
    given = pairs_in(final.text, names, last=True)
    return {
        probe.question: _statement([pair.value for pair in given.get(f"g{number}", ())], number, probe)
        for number, probe in enumerate(probes, 1)
    }


def written_probabilities(text: str, probe: AskedProbe) -> tuple[float, ...] | None:
    """Return the probability of each of the survey's options that a reply gives as JSON; None if it is invalid.

    The last object counts that has a label of an option as a key. It must have a number from 0 on for every option,
    and for nothing else, and their sum must be within :data:`TOLERANCE` of 1; they are then divided by it.

    >>> asked = AskedProbe("Q1", "Dogs?", ("I like dogs.", "I do not."), (1, 0))
    >>> written_probabilities('{"A": 0.25, "B": 0.75}', asked)
    (0.75, 0.25)
    >>> written_probabilities('{"A": 0.25, "B": 0.5}', asked) is None
    True
    """
    final = final_text(text)
    if final is None:
        return None
    found = [pairs for pairs in _objects(final.text) if any(key.strip().upper() in probe.labels for key, _ in pairs)]
    if not found:
        return None
    values = {key.strip().upper(): _number(value) for key, value in found[-1]}
    numbers = [values.get(label) for label in probe.labels]
    given = [number for number in numbers if number is not None]
    if len(found[-1]) != len(numbers) or len(given) != len(numbers):
        return None
    total = sum(given)
    if not abs(total - 1) <= TOLERANCE + 1e-9:  # 1.02 is within it, however it is rounded
        return None
    likely = [0.0] * len(probe.order)
    for option, number in zip(probe.order, given, strict=True):
        likely[option] = number / total
    return tuple(likely)


def _statement(values: Sequence[str], number: int, probe: AskedProbe) -> int | None:
    chosen = set()
    for value in values:
        found = _GROUP_CHOICE.match(value)
        place = int(found[2]) if found and found[1] in (None, str(number)) else 0
        chosen.add(probe.order[place - 1] if 1 <= place <= len(probe.order) else None)
    return chosen.pop() if len(chosen) == 1 else None


def _number(value: object) -> float | None:
    """Return a probability; None for what is no number, not finite or negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 2 and math.isfinite(value) else None


def _objects(text: str) -> list[list[tuple[str, object]]]:
    """Return the keys and values of every JSON object in ``text`` that is within no other one."""
    decoder = json.JSONDecoder(object_pairs_hook=list, strict=False)
    found: list[list[tuple[str, object]]] = []
    place = text.find("{")
    for _ in range(200):
        if place < 0:
            break
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            found.append(value)
        place = text.find("{", end)
    return found
