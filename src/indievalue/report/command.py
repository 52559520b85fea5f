"""The command that repeats a run, from the arguments recorded in ``run.json``."""

import re
import shlex
from collections.abc import Iterator, Mapping

from indievalue.redact import without_secrets
from indievalue.runs.record import Record

OUT = "again"
"""Directory that the command writes to: a run directory is not replaced."""

_FLAGS = {"directory": "--out", "saved": "--benchmark", "model_argument": "--model-arg"}
"""Options whose name differs from that of the argument."""

_NOT_REPEATED = {"force", "dry_run", "example", "config", "command", "figures"}
"""Arguments that do not change the results."""

_DEFAULTS: Mapping[str, object] = {
    "form": "polar",
    "setup": "all",
    "demonstrations": "200",
    "demonstrations_as": "same",
    "context": "statements",
    "protocol": "strict",
    "demonstrations_from": "others",
    "template": "single",
    "voice": "first",
    "option_order": "fixed",
    "retries": 3,
    "weights": "none",
}
"""Values that need not be written; whatever is not here is written unless it is empty."""

_PATHS = {"data", "saved", "benchmark", "people_file", "survey", "template", "file", "predictor"}
"""Arguments that can be, or hold, a path, of which the name is enough where the file is."""

_FOLDER = re.compile(r"^(?:[A-Za-z]:)?[\\/~].*[\\/](?=[^\\/])")


def command_of(record: Record) -> str | None:
    """Return the command that repeats a run, or None if the run was made in Python.

    Files are given by name, without the folder they were in, and values of keys and tokens are left out.
    """
    arguments = dict(record.arguments)
    kind = arguments.get("command", "evaluate")
    if kind == "demo":
        return _line(["indievalue", "demo", "--seed", str(record.seed), "--out", OUT])
    if "data" not in arguments or kind not in ("evaluate", "import"):
        return None
    first = [str(arguments.pop(name)) for name in ("file", "data") if name in arguments]
    arguments["directory"] = OUT
    if kind == "import":
        arguments["name"] = next(iter(record.seconds), "imported")
    else:
        arguments.setdefault("seed", record.seed)
    words = ["indievalue", str(kind), *map(without_folder, first)]
    for name, value in arguments.items():
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
    """Yield the words of an option; none if it changes nothing."""
    if name in _NOT_REPEATED or value is None or value is False or value == _DEFAULTS.get(name):
        return
    flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
    if value is True:
        yield flag
        return
    for one in value if isinstance(value, list | tuple) else [value]:
        yield flag
        yield without_folder(str(one)) if name in _PATHS else str(without_secrets(str(one)))


def _line(words: list[str]) -> str:
    """Return the command with one option on each line, to be read and copied."""
    lines = [shlex.join(words[:1])]
    for word in words[1:]:
        if word.startswith("--"):
            lines.append(word)
        else:
            lines[-1] += f" {shlex.quote(word)}"
    return " \\\n  ".join(lines)
