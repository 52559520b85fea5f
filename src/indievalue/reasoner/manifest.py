"""The manifest of a training set: how it was drawn, and what is in each part."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from indievalue.errors import IndievalueError, problems_of
from indievalue.parsing import parse_json
from indievalue.reasoner.draw import TRAIN
from indievalue.reasoner.recipe import Recipe

FORMAT = 1
"""Increased when the stored files change, so that an older folder is refused rather than misread."""

_FILE = "manifest.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class TokenCounts(_Part):
    """Quantiles of the number of tokens in an example."""

    least: int
    median: int
    p95: int
    most: int


class DemonstrationCounts(_Part):
    """Numbers of demonstrations shown in an example."""

    least: int
    mean: float
    most: int


class PartSummary(_Part):
    """What one part of a training set contains.

    Attributes:
        examples, answers, people, questions: how many there are; an example has one answer per turn.
        questions_with_fewer_people: ids of the questions that fewer people answered than the recipe wants to ask.
        demonstrations, tokens: how many there are in an example.
        blake2b: hash of the JSONL file.
    """

    examples: int
    answers: int
    people: int
    questions: int
    questions_with_fewer_people: list[str]
    demonstrations: DemonstrationCounts
    tokens: TokenCounts
    blake2b: str


class Manifest(_Part):
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
    tested: int
    tokenizer: str | None
    tokens_are: str
    majority: Mapping[str, float]
    parts: Mapping[str, PartSummary]

    def save(self, folder: Path) -> None:
        """Write ``manifest.json``."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1)
        (folder / _FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Manifest":
        """Read ``manifest.json``. Raises IndievalueError if ``folder`` is not a training set of this format."""
        remedy = f"`indievalue training-set DATA --out {folder}` writes one"
        try:
            content = parse_json((folder / _FILE).read_text(encoding="utf-8"))
            written = content["format"]
        except (OSError, ValueError, TypeError) as error:
            raise IndievalueError(f"{folder} holds no training set ({error}); {remedy}") from None
        except KeyError:
            raise IndievalueError(f"{folder} holds no training set ({_FILE} has no format); {remedy}") from None
        if written != FORMAT:
            raise IndievalueError(f"{folder} was written in format {written}; this version reads {FORMAT}")
        try:
            manifest = cls.model_validate(content)
        except ValidationError as error:
            raise IndievalueError(
                f"{folder} holds no training set ({_FILE}: {problems_of(error)[0]}); {remedy}"
            ) from None
        if TRAIN not in manifest.parts:
            raise IndievalueError(f"{folder} holds no training set ({_FILE} has no part {TRAIN!r}); {remedy}")
        return manifest
