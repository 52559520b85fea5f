"""What repeats a run: its options as a command, which a report shows, and as a file (``evaluate.yaml``).

Both are made of the arguments of ``indievalue evaluate`` or ``import``, by the names of their parameters.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from indievalue.choices import USUAL
from indievalue.people.findings import SYNTHETIC
from indievalue.redact import without_secrets

if TYPE_CHECKING:
    from indievalue.runs.record import Record

OUT = "again"
"""Directory that the command writes to: a run directory is not replaced."""

NAMES: Mapping[str, str] = {"directory": "out", "saved": "benchmark", "model_argument": "model-arg"}
"""Options whose name differs from that of the parameter."""

NOT_REPEATED = frozenset({"force", "dry_run", "rate", "example", "config", "command", "figures"})
"""Parameters that change neither the results nor where they are computed; ``rate`` is for ``dry_run`` alone."""

PATHS = frozenset(
    {"data", "further", "benchmark", "people-file", "survey", "template", "file", "learn-from", "learn-survey"}
)
"""Options that are or may be paths; those of ``--predictor`` are in its names (see :func:`path_within`)."""

_MODELS = ("local", "reasoner", "vllm")
"""Kinds of predictors whose names may hold a path."""

_FOLDER = re.compile(r"^(?:[A-Za-z]:)?[\\/~].*[\\/](?=[^\\/])")


def option_name(parameter: str) -> str:
    """Return the name of a parameter's option, without dashes before it."""
    return NAMES.get(parameter, parameter.replace("_", "-"))


def repeated(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return the options that repeat a run, by name: those that were given, are not usual, and are repeated.

    >>> repeated({"data": "a.csv", "form": "polar", "people": None, "saved": "b", "force": True, "retries": 0})
    {'data': 'a.csv', 'benchmark': 'b', 'retries': 0}
    """
    usual = asdict(USUAL)

    def is_given(name: str, value: object) -> bool:
        return not (value is None or value is False or value in ([], ()) or value == usual.get(name))

    return {
        option_name(name): value
        for name, value in arguments.items()
        if name not in NOT_REPEATED and is_given(name, value)
    }


def path_within(option: str, text: str) -> tuple[str, str, str]:
    """Return what comes before the path in an option's value, the path, or nothing, and what comes after it.

    >>> path_within("predictor", "local:models/tiny:score=label"), path_within("people", "20")
    (('local:', 'models/tiny', ':score=label'), ('', '', ''))
    """
    kind, colon, rest = text.partition(":")
    if option == "predictor" and colon and kind in _MODELS:
        path, second, options = rest.partition(":")
        return f"{kind}:", path, second + options
    path, colon, number = text.rpartition(":")
    if (
        option == "data" and path not in ("", SYNTHETIC) and number.isdecimal()
    ):  # a twin, and how many people are drawn from it
        return "", path, colon + number
    return "", text if option in (*PATHS, "out") else "", ""


def command_of(record: "Record") -> str | None:
    """Return the command that repeats a run, or None if the run was made in Python.

    Files are given by name, without the folder they were in, and values of keys and tokens are left out.
    """
    arguments = dict(record.arguments)
    kind = arguments.get("command", "evaluate")
    if kind == "demo":
        drawn_from = [str(arguments["data"])] if "data" in arguments else []
        return _line(["indievalue", "demo", *drawn_from, "--seed", str(record.seed), "--out", OUT])
    if "data" not in arguments or kind not in ("evaluate", "import"):
        return None
    first = [str(arguments.pop(name)) for name in ("file", "data") if name in arguments]
    further = arguments.pop("further", None)
    first += map(str, further) if isinstance(further, list | tuple) else []
    arguments["directory"] = OUT
    if kind == "import":
        arguments["name"] = next(iter(record.seconds), "imported")
    else:
        arguments.setdefault("seed", record.seed)
    words = ["indievalue", str(kind), *map(without_folder, first)]
    for name, value in repeated(arguments).items():
        words += _option(name, value)
    return _line(words)


def without_folder(text: str) -> str:
    """Return a path, or the name of a predictor that holds one, without an absolute folder.

    >>> without_folder("/home/me/wvs7.csv"), without_folder("local:/home/me/tiny:score=label")
    ('wvs7.csv', 'local:tiny:score=label')
    >>> without_folder("local:HuggingFaceTB/SmolLM2-135M"), without_folder("openai/gpt-4o")
    ('local:HuggingFaceTB/SmolLM2-135M', 'openai/gpt-4o')
    """
    kind, separator, rest = text.partition(":")
    if separator and len(kind) > 1 and _FOLDER.match(rest):
        path, colon, options = rest.partition(":")
        return f"{kind}:{_FOLDER.sub('', path)}{colon}{options}"
    return _FOLDER.sub("", text)


def _option(name: str, value: object) -> Iterator[str]:
    """Yield the words of an option."""
    if value is True:
        yield f"--{name}"
        return
    for one in value if isinstance(value, list | tuple) else [value]:
        yield f"--{name}"
        yield without_folder(str(one)) if name in (*PATHS, "predictor") else str(without_secrets(str(one)))


def _line(words: list[str]) -> str:
    """Return the command with one option on each line, to be read and copied."""
    lines = [shlex.join(words[:1])]
    for word in words[1:]:
        if word.startswith("--"):
            lines.append(word)
        else:
            lines[-1] += f" {shlex.quote(word)}"
    return " \\\n  ".join(lines)
