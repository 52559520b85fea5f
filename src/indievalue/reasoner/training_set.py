"""A training set on disk: JSONL files that other programs can read, the people in each part, and a manifest."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import TypeAdapter
from pydantic_core import to_json

from indievalue import __version__
from indievalue.benchmark.model import NOBODY
from indievalue.errors import IndievalueError, importing
from indievalue.files import new_directory, refuse_rows
from indievalue.parsing import parse_json_as
from indievalue.people.people import People
from indievalue.prompts.tokens import counter
from indievalue.reasoner.card import training_set_card
from indievalue.reasoner.conversations import Conversation, conversations
from indievalue.reasoner.draw import TRAIN, UNSEEN_GROUPS, UNSEEN_QUESTIONS, VALIDATION, DrawnExamples, draw_parts
from indievalue.reasoner.leakage import check_disjoint
from indievalue.reasoner.manifest import FORMAT, DemonstrationCounts, Manifest, PartSummary, TokenCounts
from indievalue.reasoner.prior import write_base_rates
from indievalue.reasoner.recipe import Recipe
from indievalue.reasoner.teacher import targets_of

TESTED = "tested"
"""Part in ``people.parquet`` that lists the people of benchmarks; they are in no other part."""

_EXAMPLE = TypeAdapter(Conversation)

_ROUNDED = 0.001
"""Most by which the sum of an answer's targets may differ from 1."""

COUNTED = 500
"""Examples of each part whose tokens are counted, spread evenly over it."""

CountTokens = Callable[[Conversation], int]
NotifyProgress = Callable[[str, int, int], None]
"""Called with the name of a part, the number of examples written so far, and their total."""


@dataclass(frozen=True)
class TrainingSet:
    """A training set in ``folder``.

    Attributes:
        folder: directory that holds it.
        manifest: how it was drawn, and what it contains.
        people: who is in which part: columns ``person`` and ``part``.
    """

    folder: Path
    manifest: Manifest
    people: pl.DataFrame

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts."""
        return tuple(self.manifest.parts)

    def people_in(self, part: str) -> set[str]:
        """Return the ids of the people in a part."""
        return set(self.people.filter(pl.col("part") == part)["person"].to_list())

    def examples(self, part: str) -> Iterator[Conversation]:
        """Yield the examples of a part.

        Raises IndievalueError if a line is damaged or missing, or belongs to a person who is not in that part.
        """
        file, number, people = self.folder / f"{part}.jsonl", 0, self.people_in(part)
        try:
            with file.open(encoding="utf-8") as lines:
                for line in lines:
                    number += 1
                    example = parse_json_as(_EXAMPLE, line)
                    _check_targets(example, wanted=bool(self.manifest.recipe.teacher) and part == TRAIN)
                    if example["person"] not in people:
                        raise IndievalueError(
                            f"{file}, line {number} is an example of {example['person']!r}, but people.parquet does "
                            "not list this person in that part: the training set was changed; write it again"
                        )
                    yield example
        except ValueError as error:
            raise IndievalueError(f"{file}, line {number} is damaged: {error}; write the training set again") from None
        except OSError as error:
            raise IndievalueError(f"cannot read {file}: {error.strerror or error}") from None
        expected = self.manifest.parts[part].examples
        if number != expected:
            raise IndievalueError(
                f"{file} is incomplete: it holds {number:,} examples, and the manifest lists {expected:,}; write the "
                "training set again"
            )


def write_training_set(
    people: People,
    recipe: Recipe,
    tested: set[str],
    directory: str | Path,
    *,
    tokenizer: str | None = None,
    force: bool = False,
    notify: NotifyProgress = lambda part, done, total: None,
) -> TrainingSet:
    """Draw a training set and write it to ``directory``.

    Args:
        people: people to draw from.
        recipe: what the training set contains.
        tested: ids of people who are in none of its parts; this is checked again in what was written.
        directory: where to write; it must be empty unless ``force`` is set.
        tokenizer: model whose tokenizer counts tokens (a path, an id on the model hub, ``smollm2``); None to estimate
            them at four characters each.
        force: replace what is in the directory.
        notify: called with a part's name, the number of examples written so far, and their total.

    Raises:
        IndievalueError: if nobody is left to train on, there is no such model, or the directory cannot be written.
    """
    count = _token_counter(tokenizer)
    parts = draw_parts(people, recipe, np.isin(people.ids, sorted(tested)))
    summaries: dict[str, PartSummary] = {}
    with new_directory(Path(directory), force=force) as folder:
        for name, drawn in parts.items():
            targets = targets_of(people, recipe, drawn) if recipe.teacher and name == TRAIN else None
            examples = conversations(people, recipe, drawn, targets)
            sizes, digest = _write_part(examples, len(drawn), folder / f"{name}.jsonl", count, notify)
            summaries[name] = _summary(drawn, sizes, digest)
        where = {name: set(people.ids[np.unique(drawn.rows)].tolist()) for name, drawn in parts.items()}
        for sharing in (VALIDATION, UNSEEN_QUESTIONS):  # these two parts have the same people
            check_disjoint({**{name: ids for name, ids in where.items() if name != sharing}, TESTED: tested})
        table = [(person, name) for name, ids in {**where, TESTED: tested}.items() for person in sorted(ids)]
        pl.DataFrame(table, schema=["person", "part"], orient="row").write_parquet(folder / "people.parquet")
        manifest = Manifest(
            format=FORMAT,
            indievalue=__version__,
            survey=people.survey.name,
            data=people.findings.fingerprint,
            recipe=recipe,
            tested=len(tested),
            tokenizer=tokenizer,
            tokens_are=f"of {COUNTED:,} examples at most, {'counted' if tokenizer else 'estimated'}",
            majority=majority_accuracy(people, recipe, parts),
            parts=summaries,
        )
        if recipe.prior_offset:
            write_base_rates(folder, people, recipe, parts[TRAIN])
        manifest.save(folder)
        (folder / "README.md").write_text(training_set_card(manifest), encoding="utf-8")
    return load_training_set(directory)


def load_training_set(directory: str | Path) -> TrainingSet:
    """Load the training set in ``directory``. Raises IndievalueError if it holds none, or an invalid one."""
    folder = Path(directory)
    manifest = Manifest.load(folder)
    try:
        people = pl.read_parquet(folder / "people.parquet")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise IndievalueError(
            f"cannot read {folder / 'people.parquet'}: {error}; write the training set again"
        ) from None
    _check_people(folder / "people.parquet", people)
    return TrainingSet(folder, manifest, people)


def _check_people(file: Path, people: pl.DataFrame) -> None:
    """Raise IndievalueError unless ``people`` lists who is in which part of the training set, and in no other."""
    for column in ("person", "part"):
        if people.schema.get(column) != pl.String:
            raise IndievalueError(f"{file}: {column} must be a column of text; write the training set again")
    known = [TRAIN, VALIDATION, UNSEEN_QUESTIONS, UNSEEN_GROUPS, TESTED]
    for wrong, complaint in (
        (pl.any_horizontal(pl.col("person", "part").is_null()), "a value is missing"),
        (~pl.col("part").is_in(known), "the training set has no part {part!r}"),
        (~pl.struct("person", "part").is_first_distinct(), "{person!r} is in {part} twice"),
    ):
        refuse_rows(file, people, wrong, f"{complaint}; write the training set again")


def _check_targets(example: Conversation, *, wanted: bool) -> None:
    """Raise ValueError unless an example has a probability for each label of each turn, if it should have any."""
    targets = example.get("targets")
    if targets is None:
        if wanted:
            raise ValueError("targets: missing")
        return
    if [len(turn) for turn in targets] != [len(labels) for labels in example["labels"]]:
        raise ValueError("targets: not one for each label")
    if any(min(turn) < 0 or abs(sum(turn) - 1) > _ROUNDED for turn in targets):
        raise ValueError("targets: not probabilities that add up to 1")


def majority_accuracy(people: People, recipe: Recipe, parts: Mapping[str, DrawnExamples]) -> dict[str, float]:
    """Return for each part the accuracy (0 to 1) of always predicting the training part's most common answer."""
    tables = {name: _answers(people, recipe, drawn) for name, drawn in parts.items()}
    common = (
        tables[TRAIN]
        .group_by("form", "question", "answer")
        .len()
        .sort("len", "answer", descending=[True, False])
        .group_by("form", "question", maintain_order=True)
        .agg(pl.col("answer").first().alias("common"))
    )
    accuracies = {}
    for name, table in tables.items():
        joined = table.join(common, on=["form", "question"], how="left")
        right = (joined["answer"] == joined["common"]).fill_null(value=False).cast(pl.Float64).sum()
        accuracies[name] = float(right) / len(table)
    return accuracies


def _answers(people: People, recipe: Recipe, drawn: DrawnExamples) -> pl.DataFrame:
    """Return one row per probe: its form, question and answer."""
    example, turn = np.nonzero(drawn.probes != NOBODY)
    question, rows, form = drawn.probes[example, turn], drawn.rows[example], drawn.form[example]
    answer = np.empty(len(rows), np.int8)
    for at, name in enumerate(recipe.forms):
        chosen = form == at
        answer[chosen] = people.options(name)[rows[chosen], question[chosen]]
    return pl.DataFrame({"form": form, "question": question, "answer": answer})


def _write_part(
    examples: Iterator[Conversation], total: int, file: Path, count: CountTokens, notify: NotifyProgress
) -> tuple[list[int], str]:
    """Write the examples of a part; return the number of tokens in some of them, and a hash of the file."""
    digest = hashlib.blake2b(digest_size=16)
    every = -(-total // COUNTED)
    sizes = []
    with file.open("wb") as out:
        for number, example in enumerate(examples):
            line = to_json(example) + b"\n"
            out.write(line)
            digest.update(line)
            if number % every == 0:
                sizes.append(count(example))
            if number % 1000 == 999:
                notify(file.stem, number + 1, total)
    notify(file.stem, total, total)
    return sizes, digest.hexdigest()


def _token_counter(tokenizer: str | None) -> CountTokens:
    """Return a function that counts the tokens of a whole conversation, as the model reads it."""
    if tokenizer is None:
        estimate, _ = counter(None)
        return lambda example: estimate("\n".join(message["content"] for message in example["messages"]))
    with importing("counting tokens needs", "train"):
        from indievalue.predictors.local.wording import Wording
        from indievalue.reasoner.model import load_tokenizer, source_of
        from indievalue.reasoner.tokens import tokenize
    wording = Wording.of(load_tokenizer(source_of(tokenizer)))
    return lambda example: len(tokenize(wording, [example])[0].tokens)


def _summary(drawn: DrawnExamples, sizes: list[int], digest: str) -> PartSummary:
    shown = (drawn.shown != NOBODY).sum(axis=1)

    def quantile(share: float) -> int:
        return int(np.quantile(sizes, share, method="nearest"))

    return PartSummary(
        examples=len(drawn),
        answers=int((drawn.probes != NOBODY).sum()),
        people=len(np.unique(drawn.rows)),
        questions=len(np.unique(drawn.probes[drawn.probes != NOBODY])),
        questions_with_fewer_people=list(drawn.scarce),
        demonstrations=DemonstrationCounts(
            least=int(shown.min()), mean=round(float(shown.mean()), 1), most=int(shown.max())
        ),
        tokens=TokenCounts(least=quantile(0.0), median=quantile(0.5), p95=quantile(0.95), most=quantile(1.0)),
        blake2b=digest,
    )
