"""Options that say how chat models are asked, and what asking them would cost."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from indievalue.cli.options import escaped, notes

if TYPE_CHECKING:
    from indievalue.predictors.asking import AskingOptions
    from indievalue.predictors.protocol import Cost
    from indievalue.prompts.prompt import PromptStyle


@dataclass(frozen=True)
class AskingFlags:
    """How a chat model is asked, at what price."""

    retries: Annotated[
        int, typer.Option("--retries", min=0, help="Times a chat model is asked again after an invalid answer.")
    ] = 3
    generate: Annotated[
        list[str] | None,
        typer.Option(
            "--generate",
            metavar="KEY=VALUE",
            help="An Inspect option for chat models: temperature=0, max_connections=20, logprobs=true …",
        ),
    ] = None
    model_argument: Annotated[
        list[str] | None, typer.Option("--model-arg", metavar="KEY=VALUE", help="An argument of the model's provider.")
    ] = None
    base_url: Annotated[str | None, typer.Option("--base-url", help="Address of the chat model's server.")] = None
    price: Annotated[
        str | None,
        typer.Option("--price", metavar="IN,OUT", help="Dollars per million tokens read and written: 2.50,10."),
    ] = None
    limit_cost: Annotated[
        float | None, typer.Option("--limit-cost", min=0, help="Stop after so many dollars; needs --price.")
    ] = None

    def asking(self, style: "PromptStyle") -> "AskingOptions":
        """Return how language models are asked. Raises BadParameter for a word that cannot be read."""
        from indievalue.predictors.asking import AskingOptions

        return AskingOptions(
            style=style,
            retries=self.retries,
            generate=_pairs(self.generate, "--generate"),
            model_args=_pairs(self.model_argument, "--model-arg"),
            base_url=self.base_url,
            price=_prices(self.price),
            limit_cost=self.limit_cost,
            display="rich" if notes.is_terminal else "plain",
        )


def print_cost(name: str, cost: "Cost") -> None:
    """Print what asking a predictor would take at most."""
    notes.print(escaped(cost.line(name)), soft_wrap=True)


def _pairs(words: list[str] | None, option: str) -> dict[str, object]:
    """``temperature=0`` → {"temperature": 0}; values are read as YAML."""
    pairs: dict[str, object] = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{option} takes KEY=VALUE, not {word!r}")
        try:
            pairs[key.replace("-", "_")] = yaml.safe_load(value)
        except yaml.YAMLError:
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
