"""Codebooks: a CSV or JSON-lines file that says what the columns of a data file are, and what their codes mean."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json

_NAME = ("name", "variable", "column", "item", "variable name", "nombre", "nom")
_LABEL = (
    "wording",
    "label",
    "question",
    "text",
    "variable label",
    "description",
    "etiqueta",
    "pregunta",
    "libelle",
    "libellé",
)
_ANSWERS = ("answers", "values", "value labels", "labels", "codes", "respuestas", "valores", "modalites", "modalités")
_MISSING = ("missing", "missing values", "missing codes", "perdidos", "manquants")
_VALUE = ("value", "code", "valor", "valeur")
_VALUE_LABEL = ("value label", "answer", "value_label", "etiqueta de valor", "respuesta", "réponse", "reponse")

_PAIR = re.compile(r"\s*(-?\d+)(?:\.0+)?\s*[=:.)]\s*")


_TEXT_PAIR = re.compile(r"\s*([^\W\d]\w{0,9})\s*=\s*(\S.*?)\s*")


@dataclass(frozen=True)
class Entry:
    """What a codebook says of a column: its label, and what its codes mean, or ``texts`` in place of codes."""

    label: str = ""
    answers: Mapping[int, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[int, str] = field(default_factory=dict)


def read_codebook(path: Path) -> dict[str, Entry]:
    """Read a codebook: name of the column, in lower case → what is said of it.

    A row has the ``name`` of a column, its ``label`` (or ``wording``), its ``answers`` and ``missing`` codes, as
    ``1 = Yes; 2 = No`` or as a JSON object; or a row is one code, with ``value`` and ``value label``. Raises
    IndievalueError where the file is neither CSV nor JSON lines, or names no column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise IndievalueError(f"cannot read the codebook {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        text = path.read_text(encoding="cp1252", errors="replace")
    rows = _json_lines(text, path) if path.suffix.lower() in (".jsonl", ".ndjson", ".json") else _csv_rows(text)
    entries: dict[str, Entry] = {}
    for row in rows:
        keys = {str(key).strip().casefold().replace("_", " "): value for key, value in row.items()}
        name = str(_first(keys, _NAME) or "").strip()
        if not name:
            continue
        before = entries.get(name.casefold(), Entry())
        answers = {**before.answers, **_pairs(_first(keys, _ANSWERS))}
        texts = {**before.texts, **_text_pairs(_first(keys, _ANSWERS))}
        value, meaning = _first(keys, _VALUE), _first(keys, _VALUE_LABEL)
        if value is not None and meaning:
            code = _code(value)
            if code is None:
                texts[str(value).strip()] = str(meaning).strip()
            else:
                answers[code] = str(meaning).strip()
        label = before.label or str(_first(keys, _LABEL) or "").strip()
        missing = {**before.missing, **_pairs(_first(keys, _MISSING))}
        entries[name.casefold()] = Entry(label, answers, texts, missing)
    if not entries:
        raise IndievalueError(f"the codebook {path} names no column: it needs the columns name, label and answers")
    return entries


def _json_lines(text: str, path: Path) -> Iterable[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    try:
        whole = parse_json(text) if text.lstrip().startswith("[") else None
        lines = whole if isinstance(whole, list) else [parse_json(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise IndievalueError(f"the codebook {path} is not JSON lines: {error}") from None
    rows.extend(line for line in lines if isinstance(line, dict))
    return rows


def _csv_rows(text: str) -> Iterable[dict[str, Any]]:
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    return csv.DictReader(io.StringIO(text), delimiter=separator, restkey="more")


def _first(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _pairs(said: Any) -> dict[int, str]:
    """Codes and what they mean: of a JSON object, of a list of codes, or of a text ``1 = Yes; 2 = No``."""
    if isinstance(said, dict):
        return {code: str(label).strip() for key, label in said.items() if (code := _code(key)) is not None}
    if isinstance(said, list):
        return {code: "missing" for one in said if (code := _code(one)) is not None}
    text = str(said or "").strip()
    if text.startswith("{"):
        try:
            return _pairs(parse_json(text))
        except ValueError:
            return {}
    starts = list(re.finditer(r"(?:^|[;|\n,]|\s\s)" + _PAIR.pattern, text))
    found = {}
    for start, end in zip(starts, [*(after.start() for after in starts[1:]), len(text)], strict=False):
        label = text[start.end() : end].strip(" ;|,\n")
        found[int(start[1])] = label
    if not found and text:
        found = {int(code): "missing" for code in re.findall(r"-?\d+", text)}
    return found


def _text_pairs(said: Any) -> dict[str, str]:
    """Texts that stand for answers and what they mean: of a JSON object, or of a text ``EE = Estonia; LV = Latvia``."""
    if isinstance(said, dict):
        return {str(key).strip(): str(label).strip() for key, label in said.items() if _code(key) is None}
    text = str(said or "").strip()
    if text.startswith("{"):
        try:
            return _text_pairs(parse_json(text))
        except ValueError:
            return {}
    found = (_TEXT_PAIR.fullmatch(part) for part in re.split(r"[;|\n]", text))
    return {match[1]: match[2] for match in found if match}


def _code(value: Any) -> int | None:
    match = re.fullmatch(r"\s*(-?\d{1,9})(?:\.0+)?\s*", str(value))
    return int(match[1]) if match else None
