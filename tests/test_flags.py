"""Options declared once as dataclasses: what Typer is shown, and what the command is given back."""

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import typer
from typer.testing import CliRunner

from indievalue.cli.flags import expanded


@dataclass(frozen=True)
class Flags:
    size: Annotated[int, typer.Option("--size", min=1)]
    names: Annotated[list[str] | None, typer.Option("--name")] = None


def test_a_dataclass_of_options_is_taken_apart_and_put_together_again() -> None:
    given: list[object] = []

    def command(where: Annotated[str, typer.Argument()], flags: Flags, loud: bool = False) -> None:
        """Do it."""
        given.extend([where, flags, loud])

    flat = expanded(command)
    assert list(signature(flat).parameters) == ["where", "size", "names", "loud"]
    assert flat.__doc__ == "Do it."
    app = typer.Typer()
    app.command()(flat)
    assert CliRunner().invoke(app, ["here", "--size", "3", "--name", "a", "--name", "b", "--loud"]).exit_code == 0
    assert given == ["here", Flags(3, ["a", "b"]), True]
    assert CliRunner().invoke(app, ["here"]).exit_code == 2, "an option without a default is required"
    assert CliRunner().invoke(app, ["here", "--size", "0"]).exit_code == 2, "the bound is checked"
