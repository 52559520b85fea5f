"""``indievalue prompts``: print what a language model reads."""

from typing import TYPE_CHECKING, Annotated

import typer

from indievalue.cli.options import (
    ContextOption,
    Data,
    DemonstrationsAs,
    DemonstrationsOption,
    FormOption,
    Seed,
    SetupOption,
    SurveyOption,
    escaped,
    notes,
    out,
    people_of,
    settings_of,
)

if TYPE_CHECKING:
    pass

from indievalue.cli.model_options import BatchedOption, OrderOption, TemplateOption, VoiceOption


def prompts(
    data: Data,
    person: Annotated[str, typer.Option("--person", help="Id of the person.")],
    form: FormOption = "polar",
    setup: SetupOption = "0",
    demonstrations: DemonstrationsOption = "200",
    demonstrations_as: DemonstrationsAs = "same",
    context: ContextOption = "statements",
    template: TemplateOption = "single",
    batched: BatchedOption = False,
    voice: VoiceOption = "first",
    option_order: OrderOption = "fixed",
    tokenizer: Annotated[
        str | None, typer.Option("--tokenizer", help="Count tokens exactly, with this Hugging Face tokenizer.")
    ] = None,
    only: Annotated[int, typer.Option("--only", min=0, help="How many prompts to print; all are counted.")] = 1,
    survey: SurveyOption = None,
    seed: Seed = 0,
) -> None:
    """Print exactly what a language model would read about a person, with token counts."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.storage import task_texts
    from indievalue.prompts.prompt import Style, prompts_of
    from indievalue.prompts.tokens import counter

    style = Style(template, batched, voice, option_order)  # type: ignore[arg-type]
    count, exact = counter(tokenizer)
    settings = settings_of(form, "strict", setup, demonstrations, demonstrations_as, "others", context, seed)
    people = people_of(data, survey, seed, quiet=True)
    drawn = build_benchmark(people, settings, [person])
    written = [prompt for task in task_texts(drawn) for prompt in prompts_of(task, style, seed)]
    for prompt in written[:only]:
        out.print(f"── {prompt.key} ──", style="dim", markup=False)
        out.print(prompt.text, markup=False, highlight=False, soft_wrap=True)
        out.print()
    tokens = sorted(count(prompt.text) for prompt in written)
    about = "" if exact else "about "
    each = f"{tokens[0]:,}" if tokens[0] == tokens[-1] else f"{tokens[0]:,} to {tokens[-1]:,}"
    notes.print(
        f"{len(written):,} {'prompt' if len(written) == 1 else 'prompts'} for {escaped(person)}: "
        f"{about}{each} tokens each, {about}{sum(tokens):,} in all",
        soft_wrap=True,
    )
    if not exact:
        notes.print("counted as a token per four characters; --tokenizer NAME counts exactly", style="dim")
