"""Options declared once as dataclasses: what Typer is shown, and what the command is given back."""

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from indievalue.cli import app as indievalue
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


def test_a_command_can_have_an_option_of_its_own_for_a_field() -> None:
    def command(flags: Annotated[Flags, {"size": typer.Option("--number", max=2)}]) -> None:
        given.append(flags)

    given: list[Flags] = []
    app = typer.Typer()
    app.command()(expanded(command))
    assert CliRunner().invoke(app, ["--number", "2", "--name", "a"]).exit_code == 0
    assert given == [Flags(2, ["a"])]
    assert CliRunner().invoke(app, ["--number", "3"]).exit_code == 2


@pytest.mark.parametrize(
    ("command", "drawn"),
    [
        ("demo", "synthetic people, probes, people to test and statements shown"),
        ("catalog", "synthetic people"),
        ("show", "synthetic people"),
        ("elicit", "synthetic people"),
        ("import", "synthetic people"),
        ("benchmark", "synthetic people, probes, people to test and statements shown"),
        ("prompts", "synthetic people, probes and statements shown"),
        (
            "evaluate",
            "synthetic people, probes, people to test, statements shown, folds, training and bootstrap draws",
        ),
        ("experiment", "synthetic people, probes, people to test, statements shown, training and bootstrap draws"),
        ("training-set", "synthetic people, tested people left out, and examples"),
        ("compare", "permutations and bootstrap draws"),
        ("inequity", "permutations and bootstrap draws"),
        ("flattening", "permutations and bootstrap draws"),
        ("distributions", "permutations and bootstrap draws"),
    ],
)
def test_the_help_of_seed_says_what_the_command_draws(command: str, drawn: str) -> None:
    said = CliRunner().invoke(indievalue, [command, "--help"], terminal_width=200, env={"COLUMNS": "200"})
    words = " ".join(said.output.replace("│", " ").split())
    assert f"Seed of {drawn}; the result is the same on any machine." in words
