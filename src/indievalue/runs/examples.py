"""One person of a run as text: what predictors were shown, and what they were asked."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter

from indievalue.benchmark.circumstances import circumstance_statements, named_demographics
from indievalue.benchmark.country_facts import facts_table
from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.storage import task_texts
from indievalue.context import Blocks, parse_context
from indievalue.errors import IndievalueError
from indievalue.runs.record import Demonstration, Example, ExampleProbe
from indievalue.runs.run import Run

_EXAMPLE = TypeAdapter(Example)


def example_of(run: Run, person: str) -> Example:
    """Return ``person`` as shown to the predictors of ``run`` in its first setup.

    Raises IndievalueError if the run did not test this person, or holds no benchmark to take the statements from.
    """
    if person not in run.people["person"]:
        raise IndievalueError(f"the run has no person {person!r}; people.parquet lists the {len(run.people):,} tested")
    for example in run.examples:
        if example.person == person:
            return example
    if isinstance(run.benchmark, Benchmark):
        return _EXAMPLE.validate_python(next(text for text in task_texts(run.benchmark) if text["person"] == person))
    folder = None if run.benchmark is None else run.benchmark / "benchmark"
    try:
        if folder is None:
            raise FileNotFoundError
        shown, asked = (_of_person(folder / f"{name}.parquet", person) for name in ("demonstrations", "probes"))
    except FileNotFoundError:
        has = f"; it has those of {run.examples[0].person!r} only" if run.examples else ""
        raise IndievalueError(
            f"the run has no benchmark/, so the statements of {person!r} are not known{has}"
        ) from None
    return _stored(run, person, shown, asked)


def _of_person(file: Path, person: str) -> pl.DataFrame:
    """Return the rows of ``person`` in the first part of a benchmark."""
    try:
        table = pl.read_parquet(file)
        return table.filter(pl.col("person") == person).filter(pl.col("part") == pl.col("part").min())
    except FileNotFoundError:
        raise
    except (OSError, pl.exceptions.PolarsError) as error:
        raise IndievalueError(f"cannot read {file}: {error}") from None


def _stored(run: Run, person: str, shown: pl.DataFrame, asked: pl.DataFrame) -> Example:
    """Return the example whose rows are ``shown`` (demonstrations) and ``asked`` (probes)."""
    record = run.record
    blocks = parse_context(record.context)
    statements = shown.sort("place") if blocks.statements else shown.clear()
    labels = run.people.row(by_predicate=pl.col("person") == person, named=True)
    answered = asked.filter(pl.col("answer") >= 0)
    return Example(
        person=person,
        setup=int(asked["setup"][0]),
        demographics=tuple(_circumstances(run, labels, blocks)),
        demonstrations=tuple(
            Demonstration(id_, run.survey.question(id_).options(record.demonstrations_as)[option].statement)
            for id_, option in statements.select("question", "option").iter_rows()
        ),
        probes=tuple(_probe(run, id_, answer) for id_, answer in answered.select("question", "answer").iter_rows()),
        form=record.form,
    )


def _probe(run: Run, id_: str, answer: int) -> ExampleProbe:
    question = run.survey.question(id_)
    options = tuple(option.statement for option in question.options(run.record.form))
    return ExampleProbe(question.id, question.asks, options, answer)


def _circumstances(run: Run, labels: dict[str, object], blocks: Blocks) -> Iterator[str]:
    """Yield what the context shows of the person besides statements.

    Raises IndievalueError for the year of the interview, which a stored run has only as a demographic.
    """
    survey = run.survey
    if blocks.year and survey.year_column is not None:
        raise IndievalueError(
            "people.parquet does not have the year of the interview, which the context shows: choose the person when "
            "the run is made, with `indievalue evaluate --example`"
        )
    names = named_demographics(survey, blocks)
    groups = {one.name: labels.get(one.name) for one in survey.demographics if one.name in names}
    said = {name: None if group is None else str(group) for name, group in groups.items()}
    country = labels.get(survey.country or "")
    facts = facts_table(pl.Series([country], dtype=pl.String)).row(0, named=True) if blocks.country_facts else {}
    yield from circumstance_statements(survey, said, facts)
