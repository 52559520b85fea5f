"""Find answers in JSON, in what is nearly JSON, in lines such as ``Q1: B``, in ``\\boxed{B}`` and in tags."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ANSWER_KEYS = frozenset(
    ("answer", "choice", "option", "label", "letter", "response", "selected", "selection", "final_answer")
)
_QUESTION_KEYS = frozenset(("question", "question_id", "id", "probe", "key", "name"))
_ENCLOSED = (
    re.compile(r"\\boxed\s{0,5}\{\s{0,5}(?:\\(?:text|textbf|mathrm|mathbf)\s{0,5}\{)?([^{}\\]{1,400})\}{1,2}"),
    re.compile(
        r"<(?:answer|final_answer|choice)>([^<]{0,400}|<b>[^<]{0,400}</b>)</(?:answer|final_answer|choice)>", re.I
    ),
)
_ATTEMPTS = 2000
"""Brackets that begin no JSON, after which no more are tried."""


@dataclass(frozen=True)
class Pair:
    """An answer to the question, or under the key, ``name``; ``start`` and ``end`` are the places of what held it."""

    name: str
    value: str
    start: int
    end: int


def enclosed(text: str) -> list[Pair]:
    r"""Return what ``\boxed{…}`` and ``<answer>…</answer>`` hold."""
    return [
        Pair("answer", found[1], found.start(), found.end())
        for pattern in _ENCLOSED
        for found in pattern.finditer(text)
    ]


def pairs_in(text: str, names: frozenset[str], *, last: bool) -> dict[str, list[Pair]]:
    """Return the answers given under each of ``names`` (in lower case), which agree or contradict each other.

    JSON counts before lines and pairs outside it. If ``last``, of objects with other text between them only the last
    one counts.
    """
    found: dict[str, list[Pair]] = {}
    rest, group_end = text, 0
    latest: dict[str, int] = {}
    group = 1
    for value, start, end in _documents(text):
        pairs = [Pair(name, held, start, end) for name, held in _named(value, names)]
        if not pairs:
            continue
        if last and text[group_end:start].strip(" \t\r\n,;`"):
            group += 1
        group_end = end
        rest = rest[:start] + " " * (end - start) + rest[end:]
        for pair in pairs:
            if latest.get(pair.name) != group:
                found[pair.name] = []
            latest[pair.name] = group
            found[pair.name].append(pair)
    for pair in _loose(rest, names - set(found)):
        found.setdefault(pair.name, []).append(pair)
    return found


def _loose(text: str, names: frozenset[str]) -> list[Pair]:
    """Return pairs such as ``Q1: B``, ``**Q1** = B``, ``'Q1': 'B'`` or ``| Q1 | B |``, each up to the next one."""
    if not names:
        return []
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    mark = re.compile(
        rf"(?<![\w\\])({either})(?!\w)[\"'\])*_`]{{0,6}}\s{{0,5}}(?:[:=|)]|->?\s|→|\.\s)[*_\s]{{0,9}}", re.I
    )
    marks = list(mark.finditer(text))
    ends = [*(found.start() for found in marks[1:]), *([len(text)] if marks else [])]
    return [
        Pair(found[1].lower(), _value(text[found.end() : min(end, found.end() + 1000)]), found.start(), end)
        for found, end in zip(marks, ends, strict=True)
    ]


_OWN_ANSWER = re.compile(rf"\{{\s{{0,9}}[\"'](?:{'|'.join(ANSWER_KEYS)})[\"']\s{{0,5}}:\s{{0,5}}", re.I)


def _value(text: str) -> str:
    text = text.partition("\n")[0].strip()
    if inner := _OWN_ANSWER.match(text):
        text = text[inner.end() :]
    if text[:1] in ('"', "'"):
        value, closed, _ = text[1:].partition(text[0])
        return value if closed else ""
    return text.rstrip(" \t\"'[{(,;|}-*_#>0123456789").strip()


def _documents(text: str) -> Iterator[tuple[object, int, int]]:
    """Yield every JSON object and list in ``text``, and its place."""
    decoder = json.JSONDecoder(object_pairs_hook=_Object, strict=False)
    opening = re.compile(r"[{\[]")
    attempts, bracket = 0, opening.search(text)
    while bracket and attempts < _ATTEMPTS:
        end = bracket.end()
        try:
            value, end = decoder.raw_decode(text, bracket.start())
        except ValueError:
            attempts += 1
        except RecursionError:
            return
        else:
            yield value, bracket.start(), end
        bracket = opening.search(text, end)


class _Object(list[tuple[str, object]]):
    """A JSON object: its keys in order, and as often as they occur."""


def _named(document: object, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of ``names`` anywhere in ``document``, but not within the value of another one."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, _Object):
            about = _about(value, names)
            if about:
                yield about
                continue
            for key, held in value:
                if bare_key(key) in names:
                    yield bare_key(key), _text(held)
                else:
                    waiting.append(held)
        elif isinstance(value, list):
            waiting += value


def _about(record: _Object, names: frozenset[str]) -> tuple[str, str] | None:
    """Return question and answer of ``{"question": "Q1", "answer": "B"}``; None for another object."""
    texts = ((bare_key(key), held) for key, held in record)
    questions = {bare_key(str(held)) for key, held in texts if key in _QUESTION_KEYS} & names
    answers = _answers(record)
    if len(questions) != 1 or not answers:
        return None
    return questions.pop(), _text(answers[0]) if len(answers) == 1 else ""


def _answers(record: Iterable[tuple[str, object]]) -> list[object]:
    return [held for key, held in record if bare_key(key) in ANSWER_KEYS]


def _text(value: object) -> str:
    """Return the text of ``B``, ``["B"]`` or ``{"answer": "B"}``; nothing for any other value."""
    for _ in range(3):
        held = _answers(value) if isinstance(value, _Object) else value
        if not isinstance(held, list) or len(held) != 1:
            break
        value = held[0]
    return value if isinstance(value, str) else ""


def bare_key(key: str) -> str:
    """Return ``key`` without brackets and emphasis, in lower case."""
    return key.strip(" []()*_`").lower().replace("final answer", "final_answer")
