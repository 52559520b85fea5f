"""Turn dataclasses into command-line options, so that commands can share them."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature
from typing import get_type_hints


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """Expand each dataclass parameter of ``command`` into its fields, for Typer.

    Fields are annotated like Typer parameters. When the command is called, the dataclasses are reassembled.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, tuple[type, list[str]]] = {}
    parameters = []
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and is_dataclass(kind):
            of_field = get_type_hints(kind, include_extras=True)
            groups[name] = kind, [field.name for field in fields(kind)]
            parameters += [
                Parameter(field.name, Parameter.KEYWORD_ONLY, default=_default(field), annotation=of_field[field.name])
                for field in fields(kind)
            ]
        else:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=kind))

    @wraps(command)
    def flat(**given: object) -> None:
        for name, (kind, names) in groups.items():
            given[name] = kind(**{field: given.pop(field) for field in names})
        command(**given)

    flat.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del flat.__wrapped__  # Typer would read the original signature
    return flat


def _default(field: "Field[object]") -> object:
    return Parameter.empty if field.default is MISSING else field.default
