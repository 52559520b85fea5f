"""``indievalue prompts``: print the prompts of a language model."""

from dataclasses import dataclass
from typing import Annotated

import typer

from indievalue.cli.benchmark_options import PromptFlags, ShownFlags
from indievalue.cli.options import Data, Further, SourceFlags, escaped, files_of, notes, out, seed_of


@dataclass(frozen=True)
class FirstSetupFlags(ShownFlags):
    """The probes and the context shown, by default of the first setup."""

    setup: Annotated[str, typer.Option("--setup", help="Which setups, such as `0,1,2`, or `all`.")] = "0"


def prompts(
    data: Data,
    person: Annotated[str, typer.Option("--person", help="Id of the person.")],
    shown: FirstSetupFlags,
    prompt: PromptFlags,
    source: Annotated[SourceFlags, {"seed": seed_of("synthetic people, probes and statements shown")}],
    tokenizer: Annotated[
        str | None, typer.Option("--tokenizer", help="Count tokens exactly, with this Hugging Face tokenizer.")
    ] = None,
    only: Annotated[
        int, typer.Option("--only", min=0, help="Number of prompts to print; tokens are counted for all.")
    ] = 1,
    further: Further = None,
) -> None:
    """Print the exact prompts about a person for a language model, with token counts."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.storage import asked_texts
    from indievalue.benchmark.together import with_probes_together
    from indievalue.predictors.ranking import rank_statements
    from indievalue.prompts.pool import Pool
    from indievalue.prompts.prompt import prompts_of
    from indievalue.prompts.tokens import counter

    style = prompt.style()
    count, exact = counter(tokenizer)
    settings = shown.settings(source.seed)
    people = source.people(files_of(data, further), quiet=True)
    drawn = build_benchmark(people, settings, [person], ranking=rank_statements)
    if style.together:
        drawn = with_probes_together(drawn)
    pool = Pool(style, people.take(people.ids != person))
    written = [
        one
        for _, task in drawn.tasks()
        for text in asked_texts(task)
        for one in prompts_of(text, style, source.seed, pool.material(task))
    ]
    for one in written[:only]:
        out.print(f"── {one.key} ──", style="dim", markup=False)
        out.print(one.text, markup=False, highlight=False, soft_wrap=True)
        out.print()
    tokens = sorted(count(one.text) for one in written)
    about = "" if exact else "about "
    each = f"{tokens[0]:,}" if tokens[0] == tokens[-1] else f"{tokens[0]:,} to {tokens[-1]:,}"
    notes.print(
        f"{len(written):,} {'prompt' if len(written) == 1 else 'prompts'} for {escaped(person)}: "
        f"{about}{each} tokens each, {about}{sum(tokens):,} in all",
        soft_wrap=True,
    )
    if not exact:
        notes.print("counted as a token per four characters; --tokenizer NAME counts exactly", style="dim")
