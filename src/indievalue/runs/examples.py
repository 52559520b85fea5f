"""One person of a run as text: what predictors were shown, and what they were asked."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter

from indievalue.benchmark.model import Benchmark
from indievalue.benchmark.storage import task_texts
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
    statements = shown.sort("place") if record.context in ("statements", "both") else shown.clear()
    labels = run.people.row(by_predicate=pl.col("person") == person, named=True)
    answered = asked.filter(pl.col("answer") >= 0)
    return Example(
        person=person,
        setup=int(asked["setup"][0]),
        demographics=tuple(_groups(run, labels)) if record.context in ("demographics", "both") else (),
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


def _groups(run: Run, labels: dict[str, object]) -> Iterator[str]:
    """Yield a statement for each group of the person that the survey has one for."""
    for demographic in run.survey.demographics:
        if (label := labels.get(demographic.name)) is not None:
            with suppress(KeyError):
                yield demographic.statement(str(label))
