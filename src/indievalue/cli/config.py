"""Options in a YAML file: ``--config FILE``, and the file in every run directory that repeats the run."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import yaml

from indievalue.errors import IndievalueError, did_you_mean
from indievalue.parsing import read_mapping
from indievalue.redact import holds_secret
from indievalue.runs.repeat import path_within, repeated

REPEATED = "evaluate.yaml"
"""Name of the file in a run directory."""

_NOT_WRITTEN = ("out", "limit-cost")
"""Options that the file has a value of its own for, or does not need: all answers are stored when it is used."""


def _use(context: typer.Context, file: Path | None) -> Path | None:
    """Make the file's values the defaults of the command's other options."""
    if file is not None:
        context.default_map = {**(context.default_map or {}), **_defaults(context, file)}
    return file


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        is_eager=True,
        callback=_use,
        help="YAML file with values of these options, such as `people: 300`; options given here take precedence.",
    ),
]


@contextmanager
def values_of(context: typer.Context, *options: str) -> Iterator[None]:
    """Errors raised in the block name the file of ``--config`` and those of ``options`` that it gave, if any."""
    try:
        yield
    except typer.BadParameter as error:
        raise typer.BadParameter(_where(context, options, error.message) + error.message) from None
    except IndievalueError as error:
        raise IndievalueError(_where(context, options, str(error)) + str(error)) from None


def _where(context: typer.Context, options: tuple[str, ...], message: str) -> str:
    """Return the file and the keys that an error is about, those that it mentions or else all, to begin it with."""
    known = _options(context)
    given = {}
    for option in options:
        parameter, _ = known[option]
        if (source := context.get_parameter_source(parameter)) is not None and source.name == "DEFAULT_MAP":
            given[option] = context.params[parameter]
    meant = [option for option, value in given.items() if _is_about(message, option, value)] or list(given)
    return f"{context.params['config']}, {' and '.join(meant)}: " if meant else ""


def _is_about(message: str, option: str, value: object) -> bool:
    words = [f"--{option}", *map(str, value if isinstance(value, list | tuple) else [value])]
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", message) for word in words)


def _defaults(context: typer.Context, file: Path) -> dict[str, object]:
    """Return values by parameter. Raises IndievalueError for a file that is not a table of known options."""
    content = read_mapping(file, "a configuration", "data, predictor and people")
    options = _options(context)
    found = {}
    for key, value in content.items():
        name = str(key).replace("_", "-")
        if name not in options or name == "config":
            raise IndievalueError(
                f"{file}: `{context.info_name}` has no option {key!r}{did_you_mean(name, options)}; see --help"
            )
        parameter, multiple = options[name]
        found[parameter] = _value(name, value, file, multiple=multiple)
        _check(context, parameter, found[parameter], f"{file}, {name}")
    return found


def _check(context: typer.Context, name: str, value: object, where: str) -> None:
    """Raise BadParameter, naming ``where``, for a value that the parameter ``name`` cannot have."""
    for parameter in context.command.params:
        if parameter.name == name:
            try:
                parameter.process_value(context, value)
            except typer.BadParameter as error:
                error.message = f"{where}: {error.message}"
                raise


def _options(context: typer.Context) -> dict[str, tuple[str, bool]]:
    """Return the parameter behind each option or argument, by its name without dashes, and whether it is repeatable."""
    found = {}
    for parameter in context.command.params:
        longest = max(parameter.opts, key=len)
        found[longest.lstrip("-")] = str(parameter.name), _is_repeatable(parameter)
    return found


def _is_repeatable(parameter: object) -> bool:
    return bool(getattr(parameter, "multiple", False)) or getattr(parameter, "nargs", 1) == -1


def _value(name: str, value: object, file: Path, *, multiple: bool) -> object:
    if isinstance(value, Mapping) and multiple:
        value = [f"{key}={one}" for key, one in value.items()]
    values = value if isinstance(value, list) else [value]
    if not values or any(one is None or isinstance(one, list | Mapping) for one in values):
        raise IndievalueError(f"{file}: {name} needs a value, or a list of values; leave the line out for the default")
    if values == [True] or values == [False]:
        return values[0]
    texts = [_found(name, str(one), file.parent) for one in values]
    return texts if multiple else ",".join(texts)


def _found(name: str, text: str, folder: Path) -> str:
    """Return a path as seen from here, if the value is one; ``folder`` is that of the file."""
    before, path, after = path_within(name, text)
    there = folder / path
    return f"{before}{os.path.normpath(there)}{after}" if name == "out" or (path and there.exists()) else text


def configuration(context: typer.Context, directory: Path) -> str:
    """Return the options given for a command as YAML that repeats it from ``directory``.

    Paths are relative to the directory; values that hold a secret, such as a key or a password, are left out.
    """
    given = {parameter: context.params.get(parameter) for parameter, _ in _options(context).values()}
    content: dict[str, object] = {}
    for name, value in repeated(given).items():
        if name not in _NOT_WRITTEN:
            values = (
                [_seen_from(directory, name, str(one)) for one in value] if isinstance(value, list | tuple) else value
            )
            content[name] = _seen_from(directory, name, str(value)) if isinstance(value, str | Path) else values
    open_ = {name: _without_secrets(value) for name, value in content.items()}
    content = {name: value for name, value in open_.items() if value not in ([], None)}
    content["out"] = f"../{directory.resolve().name}-again"
    head = (
        f"# `indievalue {context.info_name} --config {REPEATED}` repeats this run; paths are relative to this file.\n"
    )
    return head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _without_secrets(value: object) -> object:
    """Return a value without what holds a secret: None, or an empty list, if that is all of it."""
    if isinstance(value, list):
        return [one for one in value if not holds_secret(str(one))]
    return None if isinstance(value, str) and holds_secret(value) else value


def _seen_from(directory: Path, name: str, text: str) -> str:
    before, path, after = path_within(name, text)
    if not path or not Path(path).exists():
        return text
    return f"{before}{Path(os.path.relpath(Path(path).resolve(), directory.resolve())).as_posix()}{after}"
