"""A training set on disk: JSONL that other programs read unchanged, who is in it, and a manifest."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic_core import to_json

from indievalue import __version__
from indievalue.benchmark.model import NOBODY
from indievalue.errors import IndievalueError, importing
from indievalue.files import new_directory
from indievalue.people.people import People
from indievalue.prompts.tokens import counter
from indievalue.reasoner.conversations import Example, conversations
from indievalue.reasoner.draw import TRAIN, UNSEEN_QUESTIONS, VALIDATION, Drawn, parts_of
from indievalue.reasoner.leaks import check_apart
from indievalue.reasoner.recipe import Recipe

FORMAT = 1
"""Raised when what is stored changes, so that an older folder is refused and not misread."""

TESTED = "tested"
"""What stands for the people of benchmarks in ``people.parquet``; they are in no part."""

COUNTED = 500
"""Examples of which tokens are counted, spread evenly over the training part."""


@dataclass(frozen=True)
class TrainingSet:
    """A training set in ``folder``: its manifest, and who is in which part (columns ``person`` and ``part``)."""

    folder: Path
    manifest: Mapping[str, Any]
    people: pl.DataFrame

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.manifest["parts"])

    def people_in(self, part: str) -> set[str]:
        return set(self.people.filter(pl.col("part") == part)["person"].to_list())

    def examples(self, part: str) -> Iterator[Example]:
        """Examples of a part, one after the other, as :func:`indievalue.reasoner.conversations.conversations` makes
        them. Raises IndievalueError where a line is damaged or missing, or of a person who is not in that part.
        """
        file, number, people = self.folder / f"{part}.jsonl", 0, self.people_in(part)
        try:
            with file.open(encoding="utf-8") as lines:
                for line in lines:
                    number += 1
                    example = json.loads(line)
                    if example["person"] not in people:
                        raise IndievalueError(
                            f"{file} has an example of {example['person']!r}, who is not among the people of that part "
                            "in people.parquet: it was changed; make it anew"
                        )
                    yield example
        except ValueError as error:
            raise IndievalueError(f"{file}, line {number} is damaged: {error}") from None
        except OSError as error:
            raise IndievalueError(f"cannot read {file}: {error.strerror or error}") from None
        expected = self.manifest["parts"][part]["examples"]
        if number != expected:
            raise IndievalueError(
                f"{file} holds {number:,} examples, and the manifest says {expected:,}: it is not whole"
            )


def write_training_set(
    people: People,
    recipe: Recipe,
    tested: set[str],
    directory: str | Path,
    *,
    tokenizer: str | None = None,
    force: bool = False,
    tell: Callable[[str, int, int], None] = lambda part, done, of: None,
) -> TrainingSet:
    """Draw a training set and write it to ``directory``, example by example.

    Nobody in ``tested`` (ids) is in any part; that is looked up again in what was written. ``tell`` hears of the
    examples written so far. Tokens are counted as a training of the model ``tokenizer`` would read them (a path, an id
    of the model hub, ``smollm2``), or else at four characters each. Raises IndievalueError where nobody is left, there
    is no such model, or the directory is not empty (unless ``force``) or cannot be written.
    """
    count = _counter(tokenizer)
    parts = parts_of(people, recipe, np.isin(people.ids, sorted(tested)))
    described: dict[str, dict[str, Any]] = {}
    with new_directory(Path(directory), force=force) as folder:
        for name, drawn in parts.items():
            sizes, digest = _write(people, recipe, drawn, folder / f"{name}.jsonl", name, count, tell)
            described[name] = {**_counts(people, drawn), "tokens": _spread(sizes), "blake2b": digest}
        where = {name: set(people.ids[np.unique(drawn.rows)].tolist()) for name, drawn in parts.items()}
        for sharing in (VALIDATION, UNSEEN_QUESTIONS):  # these two are of the same people
            check_apart({**{name: ids for name, ids in where.items() if name != sharing}, TESTED: tested})
        table = [(person, name) for name, ids in {**where, TESTED: tested}.items() for person in sorted(ids)]
        pl.DataFrame(table, schema=["person", "part"], orient="row").write_parquet(folder / "people.parquet")
        manifest = {
            "format": FORMAT,
            "indievalue": __version__,
            "survey": people.survey.name,
            "data": people.findings.fingerprint,
            "recipe": recipe.as_dict(),
            "tested": len(tested),
            "tokenizer": tokenizer,
            "tokens_are": f"of {COUNTED:,} examples at most, {'counted' if tokenizer else 'estimated'}",
            "majority": majority(people, recipe, parts),
            "parts": described,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
        (folder / "README.md").write_text(_card(manifest), encoding="utf-8")
    return load_training_set(directory)


def load_training_set(directory: str | Path) -> TrainingSet:
    """The training set in ``directory``. Raises IndievalueError where it holds none, or one that breaks the rules."""
    folder = Path(directory)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        people = pl.read_parquet(folder / "people.parquet")
        format_, _ = manifest["format"], manifest["parts"][TRAIN]["examples"]
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else error
        raise IndievalueError(
            f"{folder} holds no training set ({said}); `indievalue training-set DATA --out {folder}` makes one"
        ) from None
    if format_ != FORMAT:
        raise IndievalueError(f"{folder} was written in format {format_}; this version reads {FORMAT}")
    return TrainingSet(folder, manifest, people)


def majority(people: People, recipe: Recipe, parts: Mapping[str, Drawn]) -> dict[str, float]:
    """For each part, the accuracy of always giving the most common answer of the training part to a question."""
    tables = {name: _answers(people, recipe, drawn) for name, drawn in parts.items()}
    common = (
        tables[TRAIN]
        .group_by("form", "question", "answer")
        .len()
        .sort("len", "answer", descending=[True, False])
        .group_by("form", "question", maintain_order=True)
        .agg(pl.col("answer").first().alias("common"))
    )
    found = {}
    for name, table in tables.items():
        joined = table.join(common, on=["form", "question"], how="left")
        found[name] = float((joined["answer"] == joined["common"]).fill_null(value=False).cast(pl.Float64).sum()) / len(
            table
        )
    return found


def _answers(people: People, recipe: Recipe, drawn: Drawn) -> pl.DataFrame:
    example, turn = np.nonzero(drawn.probes != NOBODY)
    question, rows, form = drawn.probes[example, turn], drawn.rows[example], drawn.form[example]
    answer = np.empty(len(rows), np.int8)
    for at, name in enumerate(recipe.forms):
        chosen = form == at
        answer[chosen] = people.options(name)[rows[chosen], question[chosen]]
    return pl.DataFrame({"form": form, "question": question, "answer": answer})


def _write(
    people: People,
    recipe: Recipe,
    drawn: Drawn,
    file: Path,
    name: str,
    count: Callable[[Example], int],
    tell: Callable[[str, int, int], None],
) -> tuple[list[int], str]:
    """Writes the examples, and returns the tokens of some of them and a hash of all."""
    digest = hashlib.blake2b(digest_size=16)
    every = -(-len(drawn) // COUNTED)
    sizes = []
    with file.open("wb") as out:
        for number, example in enumerate(conversations(people, recipe, drawn)):
            line = to_json(example) + b"\n"
            out.write(line)
            digest.update(line)
            if number % every == 0:
                sizes.append(count(example))
            if number % 1000 == 999:
                tell(name, number + 1, len(drawn))
    tell(name, len(drawn), len(drawn))
    return sizes, digest.hexdigest()


def _counter(tokenizer: str | None) -> Callable[[Example], int]:
    """How many tokens an example has: the whole conversation, as the model reads it."""
    if tokenizer is None:
        estimate, _ = counter(None)
        return lambda example: estimate("\n".join(message["content"] for message in example["messages"]))
    with importing("counting tokens needs", "train"):
        from indievalue.predictors.local.wording import Wording
        from indievalue.reasoner.model import source_of, tokenizer_of
        from indievalue.reasoner.tokens import read
    wording = Wording.of(tokenizer_of(source_of(tokenizer)))
    return lambda example: len(read(wording, [example])[0].tokens)


def _counts(people: People, drawn: Drawn) -> dict[str, Any]:
    shown = (drawn.shown != NOBODY).sum(axis=1)
    return {
        "examples": len(drawn),
        "answers": int((drawn.probes != NOBODY).sum()),
        "people": len(np.unique(drawn.rows)),
        "questions": len(np.unique(drawn.probes[drawn.probes != NOBODY])),
        "questions_with_fewer_people": list(drawn.lacking),
        "demonstrations": {"least": int(shown.min()), "mean": round(float(shown.mean()), 1), "most": int(shown.max())},
    }


def _spread(sizes: list[int]) -> dict[str, int]:
    at = {"least": 0.0, "median": 0.5, "p95": 0.95, "most": 1.0}
    return {name: int(np.quantile(sizes, place, method="nearest")) for name, place in at.items()}


def _card(manifest: Mapping[str, Any]) -> str:
    files = [{"split": name.replace("-", "_"), "path": f"{name}.jsonl"} for name in manifest["parts"]]
    front = "\n".join(f"      - split: {file['split']}\n        path: {file['path']}" for file in files)
    parts = "\n".join(
        f"| {name} | {part['examples']:,} | {part['people']:,} | {part['questions']:,} | {part['tokens']['median']:,} |"
        for name, part in manifest["parts"].items()
    )
    return f"""---
license: other
configs:
  - config_name: default
    data_files:
{front}
---

# What people say about their values, to train a reasoner

Made by indievalue {manifest["indievalue"]} from answers to the survey {manifest["survey"]}. Each line is a conversation
(`messages`): what a person said, a question, and the letter of their own answer. `manifest.json` says how it was drawn,
`people.parquet` who is in which part; {manifest["tested"]:,} people who are tested are in none. Made from people's
answers to a survey: keep it to yourself unless its licence lets you pass it on.

| part | examples | people | questions | median tokens |
|---|---|---|---|---|
{parts}
"""
