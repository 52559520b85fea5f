"""YAML and JSON from files that anybody may have written: nothing they hold can crash or flood the process."""

import json
import re
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from indievalue.errors import IndievalueError, problems_of

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from pydantic import TypeAdapter

T = TypeVar("T")

_DEEPEST = 100
"""Levels that lists and mappings may be nested in each other."""

_LARGEST = 10_000_000
"""Values that a document may expand to."""

_INDENTED = re.compile(rf"^(?: {{{_DEEPEST}}}|(?:[-?:] +){{{_DEEPEST // 2}}})", re.MULTILINE)
"""A line that is indented so far, or begins with so many dashes, that it may be nested too deeply."""

_ALIAS = re.compile(r"(?:^|[\s\[{,:-])\*\w", re.MULTILINE)

_C_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is built


class _Loader(_C_LOADER):  # type: ignore[misc, valid-type]
    """A safe loader that refuses a mapping with the same key twice, of which the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen: set[object] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} occurs twice", key.start_mark
                    )
                seen.add((key.tag, key.value))
        made: dict[Hashable, object] = super().construct_mapping(node, deep=deep)
        return made


def parse_yaml(text: str) -> Any:
    """Return what a YAML document holds.

    Raises ValueError if it is not YAML, a mapping has a key twice, it is nested more than 100 levels deep, or its
    aliases expand to millions of values. The text of the error continues a sentence that begins with the file's name.
    """
    if _may_be_deep(text):
        _check_depth(text)
    try:
        content = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"is not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ValueError("refers to itself, or is nested too deeply") from None
    if _ALIAS.search(text) and _expanded(content, {}) > _LARGEST:
        raise ValueError(f"has aliases that expand to more than {_LARGEST:,} values")
    return content


def read_yaml(file: "Path | Traversable", kind: str) -> Any:
    """Return what a YAML file holds, which is to be of a ``kind``, such as "a survey".

    Raises IndievalueError, naming the file, if it cannot be read or for what :func:`parse_yaml` refuses.
    """
    return _content(_text(file, kind), file)


def read_mapping(file: "Path | Traversable", kind: str, keys: str) -> dict[str, Any]:
    """Return what a YAML file holds, as :func:`mapping_of` does. Raises IndievalueError also if it cannot be read."""
    return mapping_of(_text(file, kind), file, kind, keys)


def mapping_of(text: str, where: object, kind: str, keys: str) -> dict[str, Any]:
    """Return the mapping in a YAML document, which is to be of a ``kind``, such as "an experiment".

    Raises IndievalueError, naming ``where`` it is from, for what :func:`parse_yaml` refuses, and for anything but a
    mapping, with some ``keys`` that it needs.
    """
    content = _content(text, where)
    if not isinstance(content, dict):
        raise IndievalueError(f"{where} is not {kind}: it needs keys such as {keys}")
    return content


def _text(file: "Path | Traversable", kind: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    raise IndievalueError(f"cannot read the {kind.removeprefix('an ').removeprefix('a ')} {file}: {reason}")


def _content(text: str, where: object) -> Any:
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise IndievalueError(f"{where} {error}") from None


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON document holds.

    Raises ValueError where it is no JSON, an object has a key twice, or it is nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_json_as(kind: "TypeAdapter[T]", text: str) -> T:
    """Return what a JSON document holds as a ``kind``, to the letter: the text "12" is no number.

    Raises ValueError, with the first problem in one line, where it is no JSON or no ``kind``.
    """
    parse_json(text)
    return read_as(kind, text)


def read_as(kind: "TypeAdapter[T]", text: str) -> T:
    """Return the same of a document that :func:`parse_json` has accepted already."""
    from pydantic import ValidationError

    try:
        return kind.validate_json(text, strict=True)
    except ValidationError as error:
        raise ValueError(" ".join(problems_of(error)[0].split())) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; of a key that occurs twice the second value would silently win."""
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} occurs twice")
    return made


def _may_be_deep(text: str) -> bool:
    """Whether the document can be nested too deeply, going by its brackets, dashes and indentation."""
    opened = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        opened = max(opened + (1 if bracket in "[{" else -1), 0)
        deepest = max(deepest, opened)
    return deepest > _DEEPEST or _INDENTED.search(text) is not None


def _check_depth(text: str) -> None:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_C_LOADER):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _DEEPEST:
                raise ValueError(f"is nested more than {_DEEPEST} levels deep")
    except yaml.YAMLError as error:
        raise ValueError(f"is not valid YAML: {' '.join(str(error).split())}") from None


def _expanded(value: object, sizes: dict[int, int]) -> int:
    """How many values ``value`` is, each alias counted as often as it stands. A cycle is endless."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = _LARGEST + 1  # until it is known: what holds itself is endless
        parts = value.values() if isinstance(value, dict) else value
        sizes[id(value)] = 1 + sum(_expanded(part, sizes) for part in parts)
    return sizes[id(value)]
