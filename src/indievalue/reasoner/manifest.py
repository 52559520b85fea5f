"""The manifest of a training set: how it was drawn, and what is in each part."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, field_serializer

from indievalue.errors import IndievalueError
from indievalue.parsing import parse_json, read_as
from indievalue.reasoner.draw import TRAIN, UNSEEN_GROUPS, UNSEEN_QUESTIONS, VALIDATION
from indievalue.reasoner.recipe import Recipe
from indievalue.strict import Amount, Count, StrictModel

FORMAT = 1
"""Increased when the stored files change, so that an older folder is refused rather than misread."""

_FILE = "manifest.json"


PartName = Annotated[str, Field(pattern=f"^({'|'.join((TRAIN, VALIDATION, UNSEEN_QUESTIONS, UNSEEN_GROUPS))})$")]
Share = Annotated[float, Field(ge=0, le=1)]


class TokenCounts(StrictModel):
    """Quantiles of the number of tokens in an example."""

    least: Count
    median: Count
    p95: Count
    most: Count


class DemonstrationCounts(StrictModel):
    """Numbers of demonstrations shown in an example."""

    least: Count
    mean: Amount
    most: Count


class PartSummary(StrictModel):
    """What one part of a training set contains.

    Attributes:
        examples, answers, people, questions: how many there are; an example has one answer per turn.
        questions_with_fewer_people: ids of the questions that fewer people answered than the recipe wants to ask.
        demonstrations, tokens: how many there are in an example.
        blake2b: hash of the JSONL file.
    """

    examples: Count
    answers: Count
    people: Count
    questions: Count
    questions_with_fewer_people: list[str]
    demonstrations: DemonstrationCounts
    tokens: TokenCounts
    blake2b: Annotated[str, Field(pattern="^[0-9a-f]+$")]


class Manifest(StrictModel):
    """How a training set was drawn, and what it contains.

    Attributes:
        format: version of the stored files. indievalue: version of the package that wrote them.
        survey: name of the survey. data: fingerprint of the data.
        recipe: how the training set was drawn.
        tested: how many people were left out because they are tested.
        tokenizer: what tokens were counted with; None if they are estimated. tokens_are: the same in words.
        majority: for each part, the accuracy of always predicting the training part's most common answer.
        parts: what each part contains, by name.
    """

    format: int
    indievalue: str
    survey: str
    data: str
    recipe: Recipe
    tested: Count
    tokenizer: str | None
    tokens_are: str
    majority: Mapping[PartName, Share]
    parts: Mapping[PartName, PartSummary]

    @field_serializer("recipe")
    def _stored_recipe(self, recipe: Recipe) -> dict[str, object]:
        return recipe.stored()

    def save(self, folder: Path) -> None:
        """Write ``manifest.json``."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1)
        (folder / _FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read ``manifest.json``. Raises IndievalueError if ``folder`` is not a training set of this format."""
        remedy = f"`indievalue training-set DATA --out {folder}` writes one"
        file = folder / _FILE
        try:
            text = file.read_text(encoding="utf-8")
            content = parse_json(text)
            written = content.get("format", FORMAT) if isinstance(content, dict) else FORMAT
            manifest = read_as(TypeAdapter(cls), text) if written == FORMAT else None
        except FileNotFoundError:
            raise IndievalueError(f"{folder} holds no training set: {_FILE} is missing; {remedy}") from None
        except OSError as error:
            raise IndievalueError(f"cannot read {file}: {error.strerror or error}") from None
        except (ValueError, IndievalueError) as error:
            raise IndievalueError(f"{folder} holds no training set ({_FILE}: {error}); {remedy}") from None
        if manifest is None:
            raise IndievalueError(f"{file} was written in format {written!r}; this version reads {FORMAT}; {remedy}")
        if TRAIN not in manifest.parts:
            raise IndievalueError(f"{folder} holds no training set ({_FILE} has no part {TRAIN!r}); {remedy}")
        return manifest
