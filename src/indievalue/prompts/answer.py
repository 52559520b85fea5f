"""Parse a model's reply into the options it chose; text that names no option is invalid, never guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from indievalue.prompts.final_text import FinalText, final_text
from indievalue.prompts.labels import Label, UnclearError, answer_label
from indievalue.prompts.prompt import AskedProbe
from indievalue.prompts.statements import stated_options
from indievalue.prompts.structured import ANSWER_KEYS, Pair, enclosed, pairs_in

_NESTED = 3
"""How deep answers may be wrapped, as in ``<answer>\\boxed{B}</answer>``."""


@dataclass(frozen=True)
class Choice:
    """The survey's option that an answer names, and the place of its label in the output; None if it has no label."""

    option: int
    place: int | None = None


def chosen_option(text: str, probe: AskedProbe, *, cut: bool = False) -> int | None:
    r"""Return the survey's option that ``text`` names by its label or its statement; None if none, or several.

    Accepted are a label alone or at the start (``B``, ``(b)``, ``**B.**``, ``B. I trust …``), after words such as
    ``the answer is``, or on the last line; ``\boxed{B}``, ``<answer>B</answer>`` and ``{"answer": "B"}``; and exactly
    one of the statements, unless it is denied or doubted. A letter somewhere in a sentence is not, nor is anything
    within a model's thoughts. Of an answer that was ``cut`` off, only a label that it begins with counts.

    Args:
        text: what the model wrote. probe: what it was asked. cut: whether it was stopped before it had finished.
    """
    choice = find_choice(text, probe, cut=cut)
    return choice.option if choice else None


def chosen_options(text: str, probes: Sequence[AskedProbe], *, cut: bool = False) -> dict[str, int | None]:
    """Return question → the survey's option, None if there is none, from JSON keyed by question or ``Q1: B`` lines.

    Of several JSON objects the last one counts that names a question. Their order does not matter, and questions that
    were not asked are passed over. Of text that breaks off or is no JSON, the pairs that are whole count; a question
    that is named twice with different answers has none.
    """
    final = final_text(text)
    if final is None or (cut and not _is_answer_only(final)):
        return {probe.question: None for probe in probes}
    given = pairs_in(final.text, frozenset(probe.question.lower() for probe in probes), last=True)
    return {probe.question: _agreed(given.get(probe.question.lower(), ()), probe) for probe in probes}


def find_choice(text: str, probe: AskedProbe, *, cut: bool = False) -> Choice | None:
    """Return the option that :func:`chosen_option` returns, with the place of its label."""
    final = final_text(text)
    if final is None:
        return None
    if cut:
        return _of_cut(final, probe)
    found = _choice(final.text, probe)
    return Choice(found.option, None if found.place is None else found.place + final.start) if found else None


def _agreed(pairs: Sequence[Pair], probe: AskedProbe) -> int | None:
    found = {choice.option if choice else None for choice in (_choice(pair.value, probe) for pair in pairs)}
    return found.pop() if len(found) == 1 else None


def _is_answer_only(final: FinalText) -> bool:
    """Whether a text that was cut off cannot be a thought whose opening tag is in the prompt."""
    return final.after_thought or final.text.lstrip().removeprefix("```json").lstrip("` \n")[:1] in ("{", "[")


def _of_cut(final: FinalText, probe: AskedProbe) -> Choice | None:
    """Return the label at the start, if nothing follows it but the beginning of its statement."""
    found = re.match(rf"[\s*_`\"'(\[]{{0,20}}([{probe.labels}])(?!\w)", final.text, re.I)
    if found is None:
        return None
    option = _option(found[1], probe)
    rest = _bare(final.text[found.end() :])
    return Choice(option, found.start(1) + final.start) if _bare(probe.statements[option]).startswith(rest) else None


def _choice(text: str, probe: AskedProbe, depth: int = 0) -> Choice | None:
    """Return what a text without thoughts chooses: in a structure, by a label, or by a statement."""
    if depth < _NESTED and (pairs := _structures(text, probe)):
        return _of_structures(text, pairs, probe, depth)
    try:
        label = answer_label(text, probe.labels, probe.question)
    except UnclearError:
        return None
    stated = stated_options(text, probe)
    if label is None:
        return Choice(next(iter(stated.sure))) if len(stated.named) == len(stated.sure) == 1 else None
    option = _option(label.letter, probe)
    return Choice(option, label.place) if not stated.named or option in stated.named else None


def _structures(text: str, probe: AskedProbe) -> list[Pair]:
    if pairs := enclosed(text):
        return pairs
    if "{" not in text and "[" not in text:
        return []
    found = pairs_in(text, ANSWER_KEYS | {probe.question.lower()}, last=False)
    quoted = "{[\"'"  # the first character of JSON, or the one before a key of what is nearly JSON
    return [p for pairs in found.values() for p in pairs if text[p.start] in quoted or text[p.start - 1] in quoted]


def _of_structures(text: str, pairs: Sequence[Pair], probe: AskedProbe, depth: int) -> Choice | None:
    """Return the option that all structures hold, unless the text around them announces another one."""
    options = {
        choice.option if choice else None for choice in (_choice(pair.value, probe, depth + 1) for pair in pairs)
    }
    (option,) = options if len(options) == 1 else (None,)
    if option is None:
        return None
    around = text
    for pair in pairs:
        around = around[: pair.start] + " " * (pair.end - pair.start) + around[pair.end :]
    try:
        beside = answer_label(around, probe.labels, "")
    except UnclearError:
        beside = None
    if beside and _option(beside.letter, probe) != option and not _only_begins(beside, around, pairs[-1]):
        return None
    return Choice(option, _place_in(text, pairs[-1], probe.labels[probe.order.index(option)]))


def _only_begins(label: Label, around: str, pair: Pair) -> bool:
    """Whether a label only begins the text, as where a model goes through the options before it answers in ``pair``."""
    return label.place < pair.start and not re.search(r"\w", around[: label.place])


def _place_in(text: str, pair: Pair, letter: str) -> int | None:
    held = text[pair.start : pair.end]
    inner = held.find(pair.value) if pair.name != "answer" or held[:1] not in "{[" else held.rfind(pair.value)
    found = re.compile(rf"(?<!\w){letter}(?!\w)", re.I).search(text, pair.start + max(inner, 0), pair.end)
    return found.start() if found else None


def _option(letter: str, probe: AskedProbe) -> int:
    return probe.order[probe.labels.index(letter.upper())]


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()
