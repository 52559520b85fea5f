"""Prompts and raw answers of chat models, from the logs in a run directory."""

import json
import zipfile
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl
from pydantic import TypeAdapter
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from indievalue.app.explore.source import Source
from indievalue.app.explore.view import RunView
from indievalue.prompts.answer import find_choice
from indievalue.prompts.final_text import final_text
from indievalue.prompts.prompt import AskedProbe
from indievalue.prompts.statements import stated_options

_CUT = ("max_tokens", "model_length")
"""Stop reasons of an answer that was cut off."""

_LISTED = 100
"""People whose invalid answers are listed."""

_TEXTS = TypeAdapter(list[str])


@dataclass(frozen=True)
class ReadProbe:
    """A probe in a prompt: the statement that was read in the answer, the true one, and why none was read."""

    question: str
    asks: str
    chosen: str | None
    answer: str | None
    why: str


@dataclass(frozen=True)
class Call:
    """One call of a model: its prompt, what it wrote at each attempt, and what was read in that."""

    model: str
    prompt: str
    outputs: tuple[str, ...]
    stop: str
    probes: tuple[ReadProbe, ...]


@dataclass(frozen=True)
class InvalidAnswer:
    """An answer that names no option, and why, if a log says so."""

    predictor: str
    person: str
    question: str
    why: str


class Log:
    """A log of Inspect: a zip file with a JSON document for every call."""

    def __init__(self, file: Path) -> None:
        with suppress(ModuleNotFoundError):  # reads Zstandard, as Inspect writes it, before Python 3.14
            __import__("zipfile_zstd")
        self._zip, self._lock = zipfile.ZipFile(file), Lock()
        self._names = sorted(name for name in self._zip.namelist() if name.startswith("samples/"))

    def samples(self, person: str, *within: object) -> Iterator[Mapping[str, Any]]:
        """Yield the calls about a person, or those of a setup, and of a question, ``within``."""
        start = "/".join(["samples", person, *map(str, within), ""])
        for name in self._names[bisect_left(self._names, start) :]:
            if not name.startswith(start):
                break
            with self._lock:
                sample = json.loads(self._zip.read(name))
            if sample.get("metadata", {}).get("person") == person:
                yield sample


def has_outputs(view: RunView) -> bool:
    """Whether the run directory has logs of chat models."""
    return bool(_files(view))


def _files(view: RunView) -> list[Path]:
    return [] if view.folder is None else sorted((view.folder / "inspect").glob("*.eval"))


def open_logs(view: RunView) -> list[Log]:
    """Open the logs of a run; one that cannot be read is left out."""
    return view.source.once("logs", lambda: list(_opened(view)))


def _opened(view: RunView) -> Iterator[Log]:
    for file in _files(view):
        with suppress(OSError, zipfile.BadZipFile):
            yield Log(file)


def outputs_page(source: Source, view: RunView | None, query: QueryParams) -> Mapping[str, object]:
    """Return what the page of a person's prompts shows or, without a person, that of all invalid answers."""
    assert view is not None
    person = query.get("id", "")
    if not person:
        return {"person": None, **_invalid(view)}
    if person not in source.rows:
        raise HTTPException(404, f"There is no person {person!r} here.")
    calls = [call for log in open_logs(view) for call in _calls(log, person)]
    wanted = query.get("question", "")
    if wanted:
        calls = [call for call in calls if any(probe.question == wanted for probe in call.probes)]
    if query.get("only") == "invalid":
        calls = [call for call in calls if any(probe.why for probe in call.probes)]
    return {"person": person, "calls": calls, "question": wanted, "only": query.get("only", "")}


def _calls(log: Log, person: str, *within: object) -> Iterator[Call]:
    for sample in log.samples(person, *within):
        with suppress(KeyError, TypeError, ValueError):  # a log of another kind
            yield call_of(sample)


def _invalid(view: RunView) -> dict[str, object]:
    rows = view.rows.filter(pl.col("choice") < 0)
    return {
        "counts": sorted(rows.group_by("predictor").len().rows()),
        "has_logs": has_outputs(view),
        "more": max(0, len(rows) - _LISTED),
        "rows": view.source.once("invalid", lambda: _listed(view, rows.head(_LISTED))),
    }


def _listed(view: RunView, rows: pl.DataFrame) -> list[InvalidAnswer]:
    found = []
    for predictor, at, setup, question in rows.select("predictor", "at", "setup", "question").iter_rows():
        person = view.source.ids[at]
        found.append(InvalidAnswer(predictor, person, question, _why(view, person, setup, question)))
    return found


def _why(view: RunView, person: str, setup: int, question: str) -> str:
    """Return why an answer is invalid, from the first log that has it; empty if none has."""
    for log in open_logs(view):
        # A call asks for one question, or for all of a setup.
        for within in ((setup, question), (setup,)):
            for call in _calls(log, person, *within):
                why = next((probe.why for probe in call.probes if probe.question == question), "")
                if why:
                    return why
    return ""


def call_of(sample: Mapping[str, Any]) -> Call:
    """Return a call from a sample of Inspect's log, with why an answer names no option."""
    about = sample["metadata"]
    output = sample.get("output") or {}
    choices = output.get("choices") or [{}]
    stop = str(choices[0].get("stop_reason") or "")
    texts = _TEXTS.validate_python(about.get("outputs", []))
    probes = tuple(_probe(about, asked, texts, stop) for asked in about["probes"])
    return Call(str(output.get("model") or ""), _prompt(sample), tuple(texts), stop, probes)


def _prompt(sample: Mapping[str, Any]) -> str:
    given = sample["input"]
    text = given if isinstance(given, str) else "\n\n".join(str(message.get("content", "")) for message in given)
    if text.startswith("attachment://"):
        text = str((sample.get("attachments") or {}).get(text.removeprefix("attachment://"), text))
    return text


def _probe(about: Mapping[str, Any], asked: Mapping[str, Any], texts: Sequence[str], stop: str) -> ReadProbe:
    statements = [str(one) for one in asked["statements"]]
    probe = AskedProbe(str(asked["question"]), str(asked["asks"]), tuple(statements), tuple(asked["order"]))
    given = (about.get("answered") or {}).get(probe.question) or {}
    choice, answer = given.get("choice"), asked.get("answer")
    return ReadProbe(
        question=probe.question,
        asks=probe.asks,
        chosen=None if choice is None else statements[choice],
        answer=None if answer is None or answer < 0 else statements[answer],
        why="" if choice is not None else why_invalid(texts[-1] if texts else None, stop, probe),
    )


def why_invalid(text: str | None, stop: str, probe: AskedProbe) -> str:
    """Say why an answer names no option: nothing came, it was cut off, or it names none or several."""
    if text is None:
        return "the model gave no answer"
    if stop == "content_filter":
        return "a content filter cut the answer off"
    if stop in _CUT:
        return "the answer was cut off at the limit of tokens"
    if not text.strip():
        return "the answer is empty"
    final = final_text(text)
    if final is None:
        return "the answer ends within a thought"
    named = stated_options(final.text, probe).named
    if len(named) > 1:
        return "the answer names several options"
    if find_choice(text, probe) is not None:
        return "the answer names an option, but not in the form that was asked for"
    return "the answer names no option"
