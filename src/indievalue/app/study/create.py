"""Make a study from a benchmark: which people and probes, and the text that raters read."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from indievalue.app.study.settings import (
    BENCHMARK,
    CONSENT,
    CONSENT_TEMPLATE,
    CONTENT,
    SETTINGS,
    Content,
    Item,
    Person,
    Plan,
    Study,
    study_name,
    write_private,
)
from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.circumstances import check_blocks
from indievalue.benchmark.model import Benchmark, Settings
from indievalue.benchmark.narrow import with_first_demonstrations, with_people
from indievalue.benchmark.storage import texts_of, write_tables
from indievalue.choices import Context
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.ranking import rank_statements
from indievalue.seeded import keys
from indievalue.synthetic.generate import synthetic_people

SMALLEST_GROUP = 30
"""People that a group of real people has at least if raters are to see that somebody belongs to it."""

MOST_STATEMENTS = 50
"""Statements of a real person that raters see at most."""

_PRACTICE_PEOPLE, _PRACTICE_PROBES, _PRACTICE_STATEMENTS = 200, 3, 10


@dataclass(frozen=True)
class Wanted:
    """What ``study create`` is asked for; ``context`` and ``show`` None are those of the benchmark.

    ``own`` are ids of questions that raters answer for themselves, in place of the ``plan.own`` most asked ones.
    """

    plan: Plan = field(default_factory=Plan)
    context: Context | None = None
    real_people: str | None = None
    seed: int = 0
    show: str | None = None
    own: tuple[str, ...] = ()


def make_study(name: str, people: People, benchmark: Benchmark, wanted: Wanted) -> tuple[Study, Content, Benchmark]:
    """Return a study of some people of a benchmark, what raters read, and the benchmark of these people alone.

    Raises IndievalueError where the people are real and nobody is named who permits it, or more would be shown of them
    than is allowed, or the benchmark has too few people or probes.
    """
    plan = wanted.plan
    _check_permission(people, wanted)
    context = wanted.context or benchmark.settings.context
    drawn = with_people(benchmark, _chosen(benchmark, wanted))
    if wanted.show is not None:
        ids = drawn.people.ids.tolist()
        drawn = build_benchmark(people, drawn.settings, ids, ranking=rank_statements, show=wanted.show)
    drawn = with_first_demonstrations(drawn, plan.statements)
    drawn = replace(drawn, settings=replace(drawn.settings, context=context))
    check_blocks(drawn.people, drawn.settings.blocks)
    shown = drawn if people.findings.synthetic else _without_small_groups(drawn, people)
    of_people = tuple(_people(shown, wanted))
    settings = benchmark.settings
    own = _listed(benchmark, wanted.own) if wanted.own else _most_asked(of_people, plan.own)
    plan = replace(plan, own=len(own))
    content = Content(people=of_people, own=own, practice=_practice(drawn, wanted))
    study = Study(
        name=study_name(name),
        survey=benchmark.survey.name,
        form=settings.form,
        context=context,
        plan=plan,
        created=time.time(),
        seed=wanted.seed,
        real_people=wanted.real_people,
    )
    return study, content, drawn


def write_study(folder: Path, study: Study, content: Content, benchmark: Benchmark) -> None:
    """Write everything of a study but its database into ``folder``, readable by its owner alone."""
    folder.chmod(0o700)
    write_private(folder / SETTINGS, study.model_dump_json(indent=1) + "\n")
    write_private(folder / CONTENT, content.model_dump_json(indent=1) + "\n")
    template = (files("indievalue.app.study") / CONSENT_TEMPLATE).read_text(encoding="utf-8")
    people = min(study.plan.people_per_rater, len(content.people))
    for word, number in (("PEOPLE", people), ("PROBES", study.plan.probes), ("DAYS", study.plan.retention)):
        template = template.replace(f"[{word}]", f"{number:,}")
    (folder / CONSENT).write_text(template, encoding="utf-8")
    write_tables(benchmark, folder / BENCHMARK)


def _check_permission(people: People, wanted: Wanted) -> None:
    if people.findings.synthetic:
        return
    if wanted.real_people is None or not wanted.real_people.strip():
        raise IndievalueError(
            "these are real people, and to show raters their answers is to pass data on: say who permits it with "
            "--real-people 'WHO', which is recorded, or draw the benchmark from synthetic people"
        )
    if wanted.plan.statements > MOST_STATEMENTS:
        raise IndievalueError(
            f"raters see at most {MOST_STATEMENTS} statements of a real person, and not {wanted.plan.statements}"
        )


def _chosen(benchmark: Benchmark, wanted: Wanted) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return who is predicted (people,): drawn from those who answered enough probes of every setup."""
    numbers = {setup.number for setup in benchmark.setups}
    answered = {
        number: sum((benchmark.answers(setup) >= 0).sum(axis=1) for setup in benchmark.setups if setup.number == number)
        for number in numbers
    }
    enough = np.all([counts >= wanted.plan.probes for counts in answered.values()], axis=0)
    able = np.flatnonzero(enough)
    if len(able) < wanted.plan.people:
        raise IndievalueError(
            f"{len(able):,} of the benchmark's {len(benchmark.people):,} people answered {wanted.plan.probes} probes "
            f"of every setup, and not {wanted.plan.people}: ask for fewer --people or --probes, or draw a larger "
            "benchmark"
        )
    order = np.argsort(keys(wanted.seed, "study people", benchmark.people.ids[able].tolist()), kind="stable")
    chosen = np.zeros(len(benchmark.people), np.bool_)
    chosen[able[order[: wanted.plan.people]]] = True
    return chosen


def _without_small_groups(benchmark: Benchmark, everybody: People) -> Benchmark:
    """Return the benchmark without the demographics of people whose group has fewer than 30 people in the data."""
    labels = benchmark.people.demographics
    for name in labels.columns:
        sizes = everybody.demographics[name].value_counts()
        large = sizes.filter(pl.col("count") >= SMALLEST_GROUP)[name].drop_nulls().to_list()
        labels = labels.with_columns(pl.when(pl.col(name).is_in(large)).then(pl.col(name)).alias(name))
    return replace(benchmark, people=replace(benchmark.people, demographics=labels))


def _people(benchmark: Benchmark, wanted: Wanted) -> Iterator[Person]:
    """Yield what is shown and asked of each person: the setups take turns, and probes are drawn for each person."""
    asked: dict[tuple[str, int], list[Item]] = {}
    demographics: dict[str, tuple[str, ...]] = {}
    for setup, task in benchmark.tasks():
        for text, answered in zip(texts_of(task), (benchmark.answers(setup) >= 0).tolist(), strict=True):
            demographics[text["person"]] = tuple(text["demographics"])
            statements = tuple(one["statement"] for one in text["demonstrations"])
            asked.setdefault((text["person"], setup.number), []).extend(
                Item(
                    question=probe["question"],
                    setup=setup.number,
                    asks=probe["asks"],
                    options=tuple(probe["options"]),
                    statements=statements,
                )
                for probe, wanted_probe in zip(text["probes"], answered, strict=True)
                if wanted_probe
            )
    numbers = sorted({number for _, number in asked})
    every = wanted.plan.attention_every
    for at, person in enumerate(benchmark.people.ids.tolist()):
        items = asked[person, numbers[at % len(numbers)]]
        drawn = keys(wanted.seed, f"study probes {person}", [item.question for item in items])
        probes = [items[place] for place in np.argsort(drawn, kind="stable")[: wanted.plan.probes]]
        yield Person(
            number=at,
            id=person,
            demographics=demographics[person],
            probes=tuple(probes),
            check=bool(every) and at % every == 0,
        )


def _listed(benchmark: Benchmark, questions: Sequence[str]) -> tuple[Item, ...]:
    """Return listed questions of the survey, for raters to answer for themselves."""
    found = [benchmark.survey.question(name) for name in questions]
    form = benchmark.settings.form
    return tuple(
        Item(question=one.id, setup=0, asks=one.asks, options=tuple(option.statement for option in one.options(form)))
        for one in found
    )


def _most_asked(people: Sequence[Person], number: int) -> tuple[Item, ...]:
    """Return the questions that are asked about most people, for raters to answer for themselves."""
    items = {item.question: item for person in people for item in person.probes}
    often = Counter(item.question for person in people for item in person.probes)
    return tuple(items[name].model_copy(update={"statements": ()}) for name, _ in often.most_common(number))


def _practice(benchmark: Benchmark, wanted: Wanted) -> Person | None:
    """Return a synthetic person to practise on, with the answers; None if the survey has no model of people."""
    given = benchmark.settings
    settings = Settings(
        form=given.form,
        setups=(0,),
        demonstrations=min(wanted.plan.statements, _PRACTICE_STATEMENTS),
        demonstrations_as=given.demonstrations_as,
        context=given.context,
        seed=wanted.seed,
    )
    try:
        people = synthetic_people(_PRACTICE_PEOPLE, wanted.seed + 1, benchmark.survey.folder or benchmark.survey.name)
        drawn = build_benchmark(people, settings, 1)
    except IndievalueError:
        return None
    alone = Wanted(replace(wanted.plan, probes=_PRACTICE_PROBES, attention_every=0), seed=wanted.seed)
    person = next(iter(_people(drawn, alone)))
    at = drawn.survey.positions
    true = drawn.people.options(settings.form)[0]
    told = [item.model_copy(update={"answer": int(true[at[item.question]])}) for item in person.probes]
    return person.model_copy(update={"probes": tuple(told)})
