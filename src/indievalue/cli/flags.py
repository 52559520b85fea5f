"""Turn dataclasses into command-line options, so that commands can share them."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature
from typing import Annotated, get_args, get_origin, get_type_hints


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Expand each dataclass parameter of ``command`` into its fields, for Typer.

    Fields are annotated like Typer parameters; a parameter annotated as ``Annotated[Flags, {"size": typer.Option(…)}]``
    has its own options for some of them. When the command is called, the dataclasses are reassembled.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, tuple[type, list[str]]] = {}
    parameters = []
    for name, parameter in inspect.signature(command).parameters.items():
        kind, own = _split(hints[name])
        if isinstance(kind, type) and is_dataclass(kind):
            of_field = get_type_hints(kind, include_extras=True)
            for field, option in own.items():
                of_field[field] = Annotated[get_args(of_field[field])[0], option]
            groups[name] = kind, [field.name for field in fields(kind)]
            parameters += [
                Parameter(field.name, Parameter.KEYWORD_ONLY, default=_default(field), annotation=of_field[field.name])
                for field in fields(kind)
            ]
        else:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name]))

    @wraps(command)
    def flat(**given: object) -> None:
        for name, (kind, names) in groups.items():
            given[name] = kind(**{field: given.pop(field) for field in names})
        command(**given)

    flat.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del flat.__wrapped__  # Typer would read the original signature
    return flat


def _split(hint: object) -> tuple[object, Mapping[str, object]]:
    """Return the type, and the options that a command has of its own for some of its fields."""
    if get_origin(hint) is Annotated and isinstance(get_args(hint)[1], Mapping):
        return get_args(hint)[0], get_args(hint)[1]
    return hint, {}


def _default(field: "Field[object]") -> object:
    return Parameter.empty if field.default is MISSING else field.default
