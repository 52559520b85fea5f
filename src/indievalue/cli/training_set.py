"""``indievalue training-set``: write examples for fine-tuning."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indievalue.choices import (
    CONTEXTS,
    FORMS,
    Context,
    DemonstrationsFrom,
    FormName,
    RecipeTemplate,
    TeacherShown,
    Voice,
)
from indievalue.cli.benchmark_options import Show, ShowOrderOption, check_demonstrations
from indievalue.cli.options import Data, Force, Further, Out, SourceFlags, files_of, notes, seed_of, whole
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.people.people import People
    from indievalue.reasoner.recipe import Recipe


@dataclass(frozen=True)
class RecipeFlags:
    """Options for drawing a training set (see :class:`indievalue.reasoner.recipe.Recipe`)."""

    people_per_question: Annotated[
        int, typer.Option("--people-per-question", min=1, help="Number of training people per question.")
    ] = 800
    validation: Annotated[
        int, typer.Option("--validation-per-question", min=0, help="Number of validation people per question.")
    ] = 10
    form: Annotated[Literal["polar", "refined", "both"], typer.Option("--form", help="Form of the probes.")] = "polar"
    demonstrations: Annotated[
        str,
        typer.Option(
            "--demonstrations",
            callback=check_demonstrations,
            help="Number of statements shown, or a range such as 50-200.",
        ),
    ] = "200"
    show: Show = "random"
    show_order: ShowOrderOption = "last"
    demonstrations_as: Annotated[
        Literal["same", "polar", "refined", "both"],
        typer.Option("--demonstrations-as", help="Form of the demonstrations; `same` means that of the probe."),
    ] = "same"
    demonstrations_from: Annotated[
        DemonstrationsFrom,
        typer.Option(
            "--demonstrations-from",
            help="others: statements outside the probe's setup; siblings: all but the probe itself.",
        ),
    ] = "others"
    context: Annotated[
        str,
        typer.Option(
            "--context",
            help="none, demographics, statements or both; one is drawn per example from a comma-separated list.",
        ),
    ] = "statements"
    turns: Annotated[int, typer.Option("--turns", min=1, help="Number of probes per conversation.")] = 1
    questions: Annotated[
        list[str] | None,
        typer.Option("--questions", help="Ask only these: ids, categories or `setup 0`; repeat for more."),
    ] = None
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="DEMOGRAPHIC=GROUP", help="Use only these people; repeat for more groups."),
    ] = None
    unseen_questions: Annotated[
        list[str] | None,
        typer.Option(
            "--unseen-questions", help="Ids, categories or `setup 0` to hold out as a separate part; repeat for more."
        ),
    ] = None
    unseen_groups: Annotated[
        list[str] | None,
        typer.Option(
            "--unseen",
            metavar="DEMOGRAPHIC=GROUP",
            help="Groups to hold out as a separate part: country=Japan; repeat for more.",
        ),
    ] = None
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher",
            metavar="PREDICTOR",
            help="Statistical predictor, such as gaussian, whose probabilities are part of what is to be learned.",
        ),
    ] = None
    teacher_weight: Annotated[
        float, typer.Option("--teacher-weight", min=0, max=1, help="Weight of the teacher's probabilities.")
    ] = 0.7
    teacher_shown: Annotated[
        TeacherShown,
        typer.Option("--teacher-shown", help="Give the teacher all that may be shown, or what the example shows."),
    ] = "all"
    prior_offset: Annotated[
        bool, typer.Option("--prior-offset", help="Store base rates, for a reasoner that starts from them.")
    ] = False
    voice: Annotated[
        Voice, typer.Option("--voice", help="first: statements as the person says them; third: about the person.")
    ] = "first"
    option_order: Annotated[
        Literal["fixed", "shuffled"], typer.Option("--option-order", help="Order of the options.")
    ] = "fixed"
    template: Annotated[
        RecipeTemplate, typer.Option("--template", help="brief: statements and possible answers, and no other words.")
    ] = "single"

    def recipe(self, seed: int) -> "Recipe":
        """Return the recipe. Raises BadParameter if a value cannot be parsed, IndievalueError if it is invalid."""
        from indievalue.reasoner.recipe import Recipe

        least, sign, most = self.demonstrations.partition("-")
        return Recipe(
            people_per_question=self.people_per_question,
            validation_per_question=self.validation,
            forms=_forms(self.form),
            demonstrations=(whole(least, "--demonstrations"), whole(most if sign else least, "--demonstrations")),
            demonstrations_as=() if self.demonstrations_as == "same" else _forms(self.demonstrations_as),
            demonstrations_from=self.demonstrations_from,
            contexts=tuple(map(_context, self.context.split(","))),
            turns=self.turns,
            questions=tuple(self.questions or ()),
            where=_groups(self.where, "--where"),
            unseen_questions=tuple(self.unseen_questions or ()),
            unseen_groups=_groups(self.unseen_groups, "--unseen"),
            teacher=self.teacher,
            teacher_weight=self.teacher_weight,
            teacher_shown=self.teacher_shown,
            prior_offset=self.prior_offset,
            voice=self.voice,
            option_order=self.option_order,
            template=self.template,
            seed=seed,
            show=self.show,
            show_order=self.show_order,
        )


@dataclass(frozen=True)
class ApartFlags:
    """Options for the tested people to leave out of the training set."""

    benchmark: Annotated[
        list[Path] | None,
        typer.Option("--benchmark", help="Saved benchmark or run whose people are left out; repeat for more."),
    ] = None
    tested: Annotated[
        int | None,
        typer.Option(
            "--tested",
            min=1,
            help="Without --benchmark: leave out those that `evaluate --people N` would test [default: up to 800].",
        ),
    ] = None

    def ids(self, people: "People", seed: int) -> set[str]:
        """Return the ids of the people to leave out. Raises IndievalueError if nobody is left to train on."""
        from indievalue.benchmark.build import build_benchmark
        from indievalue.benchmark.model import Settings
        from indievalue.reasoner.leakage import people_of_benchmark

        if self.benchmark:
            apart = set[str]().union(*map(people_of_benchmark, self.benchmark))
        else:
            apart = set(build_benchmark(people, Settings(seed=seed), self.tested).people.ids.tolist())
        if len(apart) >= len(people):
            raise IndievalueError("everybody in the data is tested, and nobody is left to train on: lower --tested")
        return apart


def training_set(
    data: Data,
    directory: Out,
    drawing: RecipeFlags,
    held_out: ApartFlags,
    source: Annotated[
        SourceFlags,
        {"seed": seed_of("synthetic people, tested people left out, and examples")},
    ],
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", help="Tokenizer for counting tokens: a path, a model id of the hub, or smollm2."),
    ] = None,
    further: Further = None,
    force: Force = False,
) -> None:
    """Write examples for fine-tuning a language model, as chats for TRL, axolotl and open-instruct."""
    from indievalue.files import reserved
    from indievalue.reasoner.training_set import write_training_set

    recipe = drawing.recipe(source.seed)
    with reserved(directory, force=force):
        people = source.people(files_of(data, further))
        apart = held_out.ids(people, source.seed)
        with notes.status("drawing") as status:
            made = write_training_set(
                people,
                recipe,
                apart,
                directory,
                tokenizer=tokenizer,
                force=force,
                notify=lambda part, done, total: status.update(f"{part}: {done:,} of {total:,}"),
            )
    for part, about in made.manifest.parts.items():
        notes.print(
            f"{part}: {about.examples:,} examples of {about.people:,} people and {about.questions:,} "
            f"questions; median {about.tokens.median:,} tokens, at most {about.tokens.most:,}"
        )
        fewer = about.questions_with_fewer_people
        if fewer:
            notes.print(f"  {len(fewer):,} of its questions have fewer people than requested: {_some(fewer)}")
    counted = "" if made.manifest.tokenizer else "; tokens are estimated (--tokenizer counts them)"
    notes.print(f"{len(apart):,} tested people were left out{counted}")
    notes.print(f"Training set: {directory}")


def _forms(word: Literal["polar", "refined", "both"]) -> tuple[FormName, ...]:
    return FORMS if word == "both" else (word,)


def _context(word: str) -> Context:
    for context in CONTEXTS:
        if word == context:
            return context
    raise typer.BadParameter(f"--context takes {', '.join(CONTEXTS)}, and not {word!r}")


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
