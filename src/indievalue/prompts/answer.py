"""Parse a model's reply into the options it chose; text that names no option is invalid, never guessed."""

import json
import re
from collections.abc import Iterator, Sequence

from indievalue.prompts.prompt import AskedProbe

_LEAD = r"(?:(?:the |my |best |correct |final )*(?:answer|option|choice)(?: is)?\s*[:=]?\s*)?"
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*")')


def chosen_option(text: str, probe: AskedProbe) -> int | None:
    """The survey's option that ``text`` names by its label or its statement; None where it names none, or several.

    Taken are a label alone or at the start (``B``, ``(b)``, ``**B.**``, ``Answer: B``, ``B. I trust …``), and exactly
    one of the statements. A letter somewhere in a sentence is not.
    """
    text = _THINKING.sub("", text).strip()
    label = re.match(rf"[\s*_`\"'(\[]*{_LEAD}[\s*_`\"'(\[]*([{probe.labels}])(?:[)\].:,\"'*_`\n]|\s*$)", text, re.I)
    labelled = probe.order[probe.labels.index(label[1].upper())] if label else None
    named = _named(text, probe)
    if labelled is None:
        return named.pop() if len(named) == 1 else None
    return labelled if not named or labelled in named else None


def chosen_options(text: str, probes: Sequence[AskedProbe]) -> dict[str, int | None]:
    """Question → the survey's option, None where there is none, from a JSON object keyed by question.

    Of several objects the last one counts that names a question. Their order does not matter, and questions that were
    not asked are passed over. Of text that breaks off or is no JSON, the pairs that are whole count; a question that
    is named twice with different answers has none.
    """
    said: dict[str, set[int | None]] = {}
    asked = {probe.question.lower(): probe for probe in probes}
    for key, value in _last_object(_THINKING.sub("", text), set(asked)):
        probe = asked.get(key)
        if probe is not None:
            said.setdefault(probe.question, set()).add(chosen_option(value, probe))
    return {
        probe.question: next(iter(said[probe.question])) if len(said.get(probe.question, ())) == 1 else None
        for probe in probes
    }


def _named(text: str, probe: AskedProbe) -> set[int]:
    """Options whose statement is in ``text``, but for those that are only part of a longer one that is, too."""
    said = _bare(text)
    found = {option: _bare(probe.statements[option]) for option in probe.order}
    found = {option: words for option, words in found.items() if words in said}
    return {
        one for one, words in found.items() if not any(words != other and words in other for other in found.values())
    }


def _last_object(text: str, asked: set[str]) -> list[tuple[str, str]]:
    """Pairs of the last whole JSON object that has one of the keys ``asked``; without one, all pairs in the text."""
    objects = [pairs for pairs in _objects(text) if asked & {key for key, _ in pairs}]
    return (
        objects[-1] if objects else [(_key(key), json.loads(value, strict=False)) for key, value in _PAIR.findall(text)]
    )


def _objects(text: str) -> Iterator[list[tuple[str, str]]]:
    decoder = json.JSONDecoder(object_pairs_hook=_texts, strict=False)
    start = text.find("{")
    while start >= 0:
        try:
            pairs, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield pairs
        start = text.find("{", end)


def _texts(pairs: list[tuple[str, object]]) -> list[tuple[str, str]]:
    return [(_key(key), value if isinstance(value, str) else "") for key, value in pairs]


def _key(key: str) -> str:
    return key.strip(" []").lower()


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()
