"""Options of commands that draw a benchmark, or write the prompts of language models."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indievalue.choices import (
    CONTEXTS,
    PARAPHRASES,
    USUAL,
    Context,
    DemonstrationsFrom,
    Language,
    OptionOrder,
    Protocol,
    ScaleDirection,
    ShowOrder,
    Voice,
)
from indievalue.cli.options import Form, PeopleCount, read_ids, whole
from indievalue.errors import IndievalueError

if TYPE_CHECKING:
    from indievalue.benchmark.model import Settings
    from indievalue.people.blocks import PeopleBlocks
    from indievalue.people.people import People
    from indievalue.prompts.prompt import PromptStyle

Tested = int | Sequence[str] | Literal["all"] | None
"""People to test, as in :func:`indievalue.benchmark.build.build_benchmark`."""


def check_show(context: typer.Context, value: str) -> str:
    """Check that ``--show relevant:K``, which has the number of statements, is not given with ``--demonstrations``."""
    _refuse_both(context, value)
    return value


def check_demonstrations(context: typer.Context, value: str) -> str:
    """Check the same, whichever of the two options is read last."""
    _refuse_both(context, str(context.params.get("show", USUAL.show)))
    return value


def _refuse_both(context: typer.Context, show: str) -> None:
    source = context.get_parameter_source("demonstrations")
    if show != USUAL.show and source is not None and source.name != "DEFAULT":
        raise typer.BadParameter(
            f"give --show {show} or --demonstrations, not both: --show has the number of statements"
        )


Show = Annotated[
    str,
    typer.Option(
        "--show",
        metavar="HOW",
        callback=check_show,
        help="Which statements are shown: random, or for each probe the K that tell most about it (relevant:K, learned "
        "from people who are not tested) or whose words are most like its (similar:K). Replaces --demonstrations.",
    ),
]
ShowOrderOption = Annotated[
    ShowOrder,
    typer.Option("--show-order", help="Where --show puts the most relevant statement: last or first; or shuffled."),
]


def _context(value: str) -> str:
    """Return a context with its blocks in the usual order. Raises BadParameter if it is no context."""
    if value in CONTEXTS:
        return value
    from indievalue.context import parse_context

    try:
        return parse_context(value).name
    except IndievalueError as error:
        known = ", ".join(map(repr, CONTEXTS))
        raise typer.BadParameter(f"{value!r} is not one of {known}; {str(error).partition('; ')[2]}") from None


@dataclass(frozen=True)
class ShownFlags:
    """The probes, and the context shown for each person."""

    form: Form = USUAL.form
    setup: Annotated[str, typer.Option("--setup", help="Which setups, such as `0,1,2`, or `all`.")] = USUAL.setup
    demonstrations: Annotated[
        str,
        typer.Option(
            "--demonstrations",
            callback=check_demonstrations,
            help="Number of statements shown for each person, or `all`.",
        ),
    ] = USUAL.demonstrations
    show: Show = USUAL.show
    show_order: ShowOrderOption = USUAL.show_order
    demonstrations_as: Annotated[
        Literal["same", "polar", "refined"],
        typer.Option("--demonstrations-as", help="Form of the demonstrations; `same` means that of the probes."),
    ] = USUAL.demonstrations_as
    context: Annotated[
        Context,
        typer.Option(
            "--context",
            metavar="BLOCKS",
            help="Context shown for each person: none, both, or blocks joined by +: statements, demographics, "
            "demographics:NAME+NAME, region, year, country-facts.",
            callback=_context,
        ),
    ] = USUAL.context

    def settings(self, seed: int) -> "Settings":
        """Return the benchmark settings. Raises BadParameter for an invalid number."""
        from indievalue.benchmark.model import Settings

        return Settings(
            form=self.form,
            setups=None
            if self.setup == "all"
            else tuple(dict.fromkeys(whole(number, "--setup") for number in self.setup.split(","))),
            demonstrations=None if self.demonstrations == "all" else whole(self.demonstrations, "--demonstrations"),
            demonstrations_as=None if self.demonstrations_as == "same" else self.demonstrations_as,
            context=self.context,
            seed=seed,
            show=self.show,
            show_order=self.show_order,
        )


@dataclass(frozen=True)
class BenchmarkFlags(ShownFlags):
    """All benchmark options, including the people to test."""

    protocol: Annotated[Protocol, typer.Option("--protocol", help="How probes are drawn (docs: Protocols).")] = (
        USUAL.protocol
    )
    demonstrations_from: Annotated[
        DemonstrationsFrom,
        typer.Option(
            "--demonstrations-from",
            help="others: statements outside the setup's probes; siblings: all but the probe itself.",
        ),
    ] = USUAL.demonstrations_from
    people: PeopleCount = None
    people_file: Annotated[
        Path | None, typer.Option("--people-file", help="Text file with the ids of the people to test, one per line.")
    ] = None
    unseen_questions: Annotated[
        list[str] | None,
        typer.Option(
            "--unseen-questions",
            metavar="NAME",
            help="Questions to ask instead of the protocol's, about which nothing is learned from anybody: ids, "
            "categories, `battery NAME`, `setup 0`, or the first of five parts of the questionnaire, `batteries 1/5` "
            "or `questions 1/5`; repeat for more.",
        ),
    ] = None

    def settings(self, seed: int) -> "Settings":
        """Return the benchmark settings (see :meth:`ShownFlags.settings`)."""
        return replace(
            super().settings(seed),
            protocol=self.protocol,
            demonstrations_from=self.demonstrations_from,
            unseen_questions=tuple(self.unseen_questions or ()),
        )

    def tested(self) -> Tested:
        """Return the people to test. Raises BadParameter if both options are given or the number is invalid."""
        if self.people is not None and self.people_file is not None:
            raise typer.BadParameter("give --people or --people-file, not both")
        return tested_people(self.people) if self.people_file is None else read_ids(self.people_file)

    def check_tested(self, tested: Tested, people: "People | PeopleBlocks") -> None:
        """Raise IndievalueError, naming the file of the list, if a person listed in it is not in the data."""
        from indievalue.people.people import People

        if self.people_file is None or not isinstance(tested, Sequence):
            return
        example = (people if isinstance(people, People) else next(iter(people))).ids[0]
        if not isinstance(people, People):
            people = people.only(tested)
        unknown = [person for person in tested if person not in people.rows]
        if unknown:
            raise IndievalueError(
                f"{self.people_file} lists {len(unknown):,} of {len(tested):,} people who are not in the data, first "
                f"{unknown[0]!r}; ids are those that `indievalue catalog` writes, such as {str(example)!r}"
            )


@dataclass(frozen=True)
class PromptFlags:
    """Options for the prompts of language models."""

    template: Annotated[
        str,
        typer.Option(
            "--template",
            help="single: one probe per call; batch: all probes of a setup, answered as JSON; paper, reason, role, "
            "predict-distribution, solved-examples, raw or brief (docs: Evaluate your model); or a Jinja file.",
        ),
    ] = USUAL.template
    batched: Annotated[
        bool,
        typer.Option("--batched", help="Use the Jinja file given as --template for all probes of a setup at once."),
    ] = False
    voice: Annotated[
        Voice, typer.Option("--voice", help="first: statements as the person says them; third: about the person.")
    ] = USUAL.voice
    option_order: Annotated[OptionOrder, typer.Option("--option-order", help="both: average over two orders.")] = (
        USUAL.option_order
    )
    scale_direction: Annotated[
        ScaleDirection,
        typer.Option("--scale-direction", help="reversed: options that are steps of a scale start at its other end."),
    ] = USUAL.scale_direction
    paraphrase: Annotated[
        int,
        typer.Option("--paraphrase", min=1, max=PARAPHRASES, help="Which wording of the instruction is used."),
    ] = USUAL.paraphrase
    language: Annotated[
        Language,
        typer.Option("--language", help="Language of the prompt around the statements, which stay as they are."),
    ] = USUAL.language
    codebook: Annotated[
        Path | None,
        typer.Option(
            "--codebook",
            help="For --template raw: codebook, or SPSS or Stata file, with the wording of questions and answers.",
        ),
    ] = None

    def style(self) -> "PromptStyle":
        """Return the prompt style. Raises IndievalueError if the template cannot be read."""
        from indievalue.prompts.prompt import PromptStyle

        return PromptStyle(
            template=self.template,
            batched=self.batched,
            voice=self.voice,
            option_order=self.option_order,
            scale_direction=self.scale_direction,
            paraphrase=self.paraphrase,
            language=self.language,
            codebook=None if self.codebook is None else str(self.codebook),
        )


def tested_people(people: str | None) -> Tested:
    """Parse ``--people`` into a number, ``all`` or None. Raises BadParameter for anything else."""
    if people is None:
        return None
    return "all" if people == "all" else whole(people, "--people")
