"""Options that say how language models are asked, and what asking them would cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from indievalue.cli.options import (
    escaped,
    notes,
)
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.benchmark.model import Benchmark
    from indievalue.predictors.chat.run import Asking


TemplateOption = Annotated[
    str,
    typer.Option(
        "--template",
        help="single: one probe a call; batch: all of a setup, answered as JSON; or a Jinja file of yours.",
    ),
]
BatchedOption = Annotated[
    bool, typer.Option("--batched", help="The file given as --template asks all probes of a setup at once.")
]
VoiceOption = Annotated[str, typer.Option("--voice", help="first: said by the person; third: said of them.")]
OrderOption = Annotated[
    str, typer.Option("--option-order", help="fixed, shuffled, or both: asked in two orders, and averaged.")
]
Retries = Annotated[
    int, typer.Option("--retries", min=0, help="Times a chat model is asked again after an invalid answer.")
]


GenerateOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--generate",
        metavar="KEY=VALUE",
        help="An option of Inspect for chat models: temperature=0, max_connections=20, logprobs=true …",
    ),
]


ModelArguments = Annotated[
    list[str] | None, typer.Option("--model-arg", metavar="KEY=VALUE", help="An argument of the model's provider.")
]


BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Where the chat model's server listens.")]


Price = Annotated[
    str | None, typer.Option("--price", metavar="IN,OUT", help="Dollars per million tokens read and written: 2.50,10.")
]


LimitCost = Annotated[
    float | None, typer.Option("--limit-cost", min=0, help="Dollars after which nothing more is asked; needs --price.")
]


DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many calls and tokens it would take, and stop.")]


def asking_of(
    template: str,
    batched: bool,
    voice: str,
    option_order: str,
    retries: int,
    generate: list[str] | None,
    model_arguments: list[str] | None,
    base_url: str | None,
    price: str | None,
    limit_cost: float | None,
) -> "Asking":
    """How chat models are asked, out of the words of a call."""
    from indievalue.prompts.prompt import Style

    try:
        from indievalue.predictors.chat.run import Asking
    except ImportError:
        raise IndievalueError("asking chat models needs Inspect AI: pip install 'indievalue[lm]'") from None
    return Asking(
        style=Style(template, batched, voice, option_order),  # type: ignore[arg-type]
        retries=retries,
        generate=_pairs(generate, "--generate"),
        model_args=_pairs(model_arguments, "--model-arg"),
        base_url=base_url,
        price=_prices(price),
        limit_cost=limit_cost,
        display="rich" if notes.is_terminal else "plain",
    )


def print_plan(models: Sequence[str], benchmark: "Benchmark", asking: "Asking") -> None:
    """Say what asking ``models`` would take at most."""
    from indievalue.predictors.chat.run import plan

    planned = plan(benchmark, asking)
    cost = "cost unknown without --price" if planned.cost is None else f"about ${planned.cost:,.2f}"
    for name in models:
        notes.print(
            f"{escaped(name)}: {planned.calls:,} calls, about {planned.input_tokens:,} tokens to read and "
            f"{planned.output_tokens:,} to write, {cost}; less what was answered before",
            soft_wrap=True,
        )


def _pairs(words: list[str] | None, option: str) -> dict[str, Any]:
    """``temperature=0`` → {"temperature": 0}; values are read as YAML."""
    pairs = {}
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
