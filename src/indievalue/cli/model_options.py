"""Options for chat models, and their cost."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.control import Control
from rich.segment import ControlType

from indievalue.choices import USUAL
from indievalue.cli.options import escaped, notes
from indievalue.parsing import parse_yaml

if TYPE_CHECKING:
    from indievalue.predictors.asking import AskingOptions
    from indievalue.predictors.protocol import Cost
    from indievalue.prompts.prompt import PromptStyle


@dataclass(frozen=True)
class AskingFlags:
    """Options for calls of chat models, and their price."""

    retries: Annotated[
        int, typer.Option("--retries", min=0, help="Number of retries after an invalid answer of a chat model.")
    ] = USUAL.retries
    skip_failed: Annotated[
        bool,
        typer.Option(
            "--skip-failed",
            help="Leave out prompts that a chat model's server does not take, being too long or filtered, and go on.",
        ),
    ] = False
    retry_filtered: Annotated[
        bool,
        typer.Option("--retry-filtered", help="Retry, up to --retries times, answers that a content filter cut off."),
    ] = False
    generate: Annotated[
        list[str] | None,
        typer.Option(
            "--generate",
            metavar="KEY=VALUE",
            help="Inspect option for chat models, such as temperature=0, max_connections=20 or logprobs=true.",
        ),
    ] = None
    model_argument: Annotated[
        list[str] | None, typer.Option("--model-arg", metavar="KEY=VALUE", help="Argument for the model's provider.")
    ] = None
    base_url: Annotated[str | None, typer.Option("--base-url", help="Base URL of the chat model's server.")] = None
    price: Annotated[
        str | None,
        typer.Option("--price", metavar="IN,OUT", help="Dollars per million input and output tokens, such as 2.50,10."),
    ] = None
    limit_cost: Annotated[
        float | None, typer.Option("--limit-cost", min=0, help="Stop after spending this many dollars; needs --price.")
    ] = None

    def asking(self, style: "PromptStyle") -> "AskingOptions":
        """Return the options for language models. Raises BadParameter for a value that cannot be parsed."""
        from indievalue.predictors.asking import AskingOptions

        return AskingOptions(
            style=style,
            retries=self.retries,
            generate=_pairs(self.generate, "--generate"),
            model_args=_pairs(self.model_argument, "--model-arg"),
            base_url=self.base_url,
            price=_prices(self.price),
            limit_cost=self.limit_cost,
            skip_failed=self.skip_failed,
            retry_filtered=self.retry_filtered,
            display="none",
            progress=AskedProgress(),
        )


_SOON = 5.0
"""Seconds before the time that is left is estimated."""

_SHOWN = 10
"""Lines of progress where stderr is not a terminal."""


class AskedProgress:
    """Shows how many prompts have been dealt with: on a terminal in place, elsewhere a line for every tenth of them.

    After a few seconds it also says how long the rest will take.
    """

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._last = 0

    def __call__(self, asked: int, of: int) -> None:
        """Show that ``asked`` prompts ``of`` all have been dealt with."""
        if self._first is None or asked <= self._last:  # of the next model
            self._first = time.monotonic(), asked
        self._last = asked
        line = f"{asked:,} of {of:,} asked{self._left(asked, of)}"
        if notes.is_terminal:
            notes.control(Control((ControlType.CARRIAGE_RETURN,), (ControlType.ERASE_IN_LINE, 2)))
            notes.print(line, style="dim", end="" if asked < of else "\n")
        elif asked == of or asked * _SHOWN // of > (asked - 1) * _SHOWN // of:
            notes.print(line, style="dim")

    def _left(self, asked: int, of: int) -> str:
        from indievalue.progress import time_left

        start, first = self._first or (0.0, 0)
        taken = time.monotonic() - start
        if taken < _SOON or asked in (of, first):
            return ""
        return f", {time_left(taken, asked - first, of - first)}"


def print_cost(name: str, cost: "Cost") -> None:
    """Print the maximum cost of a predictor."""
    notes.print(escaped(cost.line(name)), soft_wrap=True)


def _pairs(words: list[str] | None, option: str) -> dict[str, object]:
    """Parse ``temperature=0`` into {"temperature": 0}, with values as YAML."""
    pairs: dict[str, object] = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{option} takes KEY=VALUE, not {word!r}")
        try:
            pairs[key.replace("-", "_")] = parse_yaml(value)
        except ValueError:
            raise typer.BadParameter(f"{option}: {value!r} cannot be read") from None
    return pairs


def _prices(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        read, written = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--price takes two numbers such as 2.50,10, not {text!r}") from None
    return read, written
