"""``indievalue training-set``: write examples to fine-tune on."""

from pathlib import Path
from typing import Annotated, Any

import typer

from indievalue.cli.options import Data, Force, Out, Seed, SurveyOption, notes, one_of, people_of, whole
from indievalue.errors import IndievalueError


def training_set(
    data: Data,
    directory: Out,
    people_per_question: Annotated[
        int, typer.Option("--people-per-question", min=1, help="How many people are asked each question.")
    ] = 800,
    validation: Annotated[
        int, typer.Option("--validation-per-question", min=0, help="The same for the validation part.")
    ] = 10,
    form: Annotated[str, typer.Option("--form", help="Of the probes: polar, refined or both.")] = "polar",
    demonstrations: Annotated[
        str, typer.Option("--demonstrations", help="Statements shown: a number, or two such as 50-200, drawn between.")
    ] = "200",
    demonstrations_as: Annotated[
        str, typer.Option("--demonstrations-as", help="Their form: same as the probe's, polar, refined or both.")
    ] = "same",
    demonstrations_from: Annotated[
        str,
        typer.Option(
            "--demonstrations-from",
            help="others: none that the protocol asks together with the probe; siblings: all but the probe itself.",
        ),
    ] = "others",
    context: Annotated[
        str, typer.Option("--context", help="none, demographics, statements, both, or several with commas: drawn.")
    ] = "statements",
    turns: Annotated[
        int, typer.Option("--turns", min=1, help="Probes asked one after the other in one conversation.")
    ] = 1,
    questions: Annotated[
        list[str] | None,
        typer.Option("--questions", help="Ask these alone: ids, categories or `setup 0`."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="DEMOGRAPHIC=GROUP", help="Only these people; give it again for more groups."),
    ] = None,
    unseen_questions: Annotated[
        list[str] | None,
        typer.Option("--unseen-questions", help="Ids or categories, or `setup 0`, for a part of their own."),
    ] = None,
    unseen_groups: Annotated[
        list[str] | None,
        typer.Option("--unseen", metavar="DEMOGRAPHIC=GROUP", help="Groups for a part of their own: country=Japan."),
    ] = None,
    benchmark: Annotated[
        list[Path] | None,
        typer.Option("--benchmark", help="A saved benchmark or a run, whose people stay out; give it again for more."),
    ] = None,
    tested: Annotated[
        int | None,
        typer.Option(
            "--tested",
            min=1,
            help="Without --benchmark, those stay out whom `evaluate --people N` would test [default: up to 800].",
        ),
    ] = None,
    voice: Annotated[str, typer.Option("--voice", help="first: said by the person; third: said of them.")] = "first",
    option_order: Annotated[str, typer.Option("--option-order", help="fixed or shuffled.")] = "fixed",
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", help="Count tokens as this model reads them: a path, an id of the hub, smollm2."),
    ] = None,
    survey: SurveyOption = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Write examples to fine-tune a language model on: chats as TRL, axolotl and open-instruct read them."""
    from indievalue.benchmark.build import build_benchmark
    from indievalue.benchmark.model import Settings
    from indievalue.files import check_directory
    from indievalue.reasoner.folder import write_training_set
    from indievalue.reasoner.leaks import people_of_benchmark
    from indievalue.reasoner.recipe import Recipe

    least, sign, most = demonstrations.partition("-")
    recipe = Recipe(
        people_per_question=people_per_question,
        validation_per_question=validation,
        forms=_forms(form, "--form"),
        demonstrations=(whole(least, "--demonstrations"), whole(most if sign else least, "--demonstrations")),
        demonstrations_as=() if demonstrations_as == "same" else _forms(demonstrations_as, "--demonstrations-as"),
        demonstrations_from=one_of(demonstrations_from, "others", "siblings"),
        contexts=tuple(one_of(name, "none", "demographics", "statements", "both") for name in context.split(",")),
        turns=turns,
        questions=tuple(questions or ()),
        where=_groups(where, "--where"),
        unseen_questions=tuple(unseen_questions or ()),
        unseen_groups=_groups(unseen_groups, "--unseen"),
        voice=one_of(voice, "first", "third"),
        option_order=one_of(option_order, "fixed", "shuffled"),
        seed=seed,
    )
    check_directory(directory, force=force)
    people = people_of(data, survey, seed)
    if benchmark:
        apart = set[str]().union(*map(people_of_benchmark, benchmark))
    else:
        apart = set(build_benchmark(people, Settings(seed=seed), tested).people.ids.tolist())
    if len(apart) >= len(people):
        raise IndievalueError("everybody in the data is tested, and nobody is left to train on: lower --tested")
    with notes.status("drawing") as status:
        made = write_training_set(
            people,
            recipe,
            apart,
            directory,
            tokenizer=tokenizer,
            force=force,
            tell=lambda part, done, of: status.update(f"{part}: {done:,} of {of:,}"),
        )
    for part, about in made.manifest["parts"].items():
        tokens = about["tokens"]
        notes.print(
            f"{part}: {about['examples']:,} examples of {about['people']:,} people and {about['questions']:,} "
            f"questions; {tokens['median']:,} tokens as a rule, {tokens['most']:,} at most"
        )
        fewer = about["questions_with_fewer_people"]
        if fewer:
            notes.print(
                f"  {len(fewer):,} of its questions were answered by fewer people than asked for: {_some(fewer)}"
            )
    counted = "" if made.manifest["tokenizer"] else "; tokens are estimated (--tokenizer counts them)"
    notes.print(f"{len(apart):,} people who are tested are in none of it{counted}")
    notes.print(f"Training set: {directory}")


def _forms(word: str, option: str) -> Any:
    if word not in ("polar", "refined", "both"):
        raise typer.BadParameter(f"{option} is polar, refined or both, and not {word!r}")
    return ("polar", "refined") if word == "both" else (word,)


def _groups(pairs: list[str] | None, option: str) -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for pair in pairs or ():
        name, sign, label = pair.partition("=")
        if not sign:
            raise typer.BadParameter(f"{option} takes DEMOGRAPHIC=GROUP, and not {pair!r}")
        groups[name] = (*groups.get(name, ()), label)
    return groups


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
