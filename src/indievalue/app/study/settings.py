"""What a study asks, of how many raters, and the folder that holds it."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from indievalue.choices import Context, FormName
from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.parsing import read_as

SETTINGS, CONTENT, CONSENT, BENCHMARK = "study.json", "content.json", "consent.md", "benchmark"
DATABASE, INVITES, CONSENT_TEMPLATE = "study.db", "invites.csv", "consent.md"

CONFIDENCE = ("a guess", "rather unsure", "rather sure", "sure", "certain")
"""What raters say about an answer, from the least to the most confident."""

SURE = (0.0, 0.25, 0.5, 0.75, 0.95)
"""How far the probability of the chosen option is from chance to 1, for each degree of confidence."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Plan:
    """How much raters are asked.

    Attributes:
        people: number of people who are predicted. probes: questions asked about each. raters_per_person: complete
            raters that every person is to have. statements: most statements shown of a person.
        people_per_rater: most people that one rater predicts. own: questions that raters answer for themselves first.
        attention_every: one attention check in every so many people; 0 for none. lease: minutes after which the place
            of a rater who has stopped is given to another. retention: days after which all answers are deleted.
    """

    people: int = 20
    probes: int = 10
    raters_per_person: int = 3
    statements: int = 50
    people_per_rater: int = 5
    own: int = 0
    attention_every: int = 2
    lease: int = 30
    retention: int = 365

    def __post_init__(self) -> None:
        """Raises IndievalueError for a number that is too small."""
        for name in ("people", "probes", "raters_per_person", "people_per_rater", "lease", "retention"):
            if getattr(self, name) < 1:
                raise IndievalueError(f"{name} is a number from 1 on, and not {getattr(self, name)}")
        for name in ("statements", "own", "attention_every"):
            if getattr(self, name) < 0:
                raise IndievalueError(f"{name} is a number from 0 on, and not {getattr(self, name)}")


class Study(BaseModel):
    """The content of ``study.json``. ``secret`` signs what the server gives to browsers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    name: str
    survey: str
    form: FormName
    context: Context
    plan: Plan
    created: float
    seed: int = 0
    real_people: str | None = None
    secret: str = Field(default_factory=lambda: secrets.token_hex(32), repr=False)

    @property
    def id(self) -> str:
        """What names the study in its database, in which there may be others."""
        return hashlib.sha256(self.secret.encode()).hexdigest()[:32]

    @property
    def expires(self) -> float:
        """When all answers are deleted, in seconds since 1970."""
        return self.created + self.plan.retention * 86_400


class Item(BaseModel):
    """A question as it is put to raters: ``statements`` are shown beside it; ``answer`` is told after practice only."""

    model_config = ConfigDict(frozen=True)

    question: str
    setup: int
    asks: str
    options: tuple[str, ...] = Field(min_length=2)
    statements: tuple[str, ...] = ()
    answer: int | None = None


class Person(BaseModel):
    """A person who is predicted; raters see neither ``id`` nor ``number``."""

    model_config = ConfigDict(frozen=True)

    number: int
    id: str
    demographics: tuple[str, ...]
    probes: tuple[Item, ...]
    check: bool = False

    @property
    def steps(self) -> tuple["Step", ...]:
        """What is asked about the person, in order; an attention check is in the middle."""
        probes = [Step("probe", at, item) for at, item in enumerate(self.probes)]
        if self.check:
            middle = (len(probes) + 1) // 2
            probes.insert(middle, Step("attention", 0, attention_check(self.number)))
        return tuple(probes)


@dataclass(frozen=True)
class Step:
    """One thing that is asked: its kind, its place among those of this kind, and its text."""

    kind: str
    place: int
    item: Item


class Content(BaseModel):
    """What raters read. The true answers of the people who are predicted are not in it."""

    model_config = ConfigDict(frozen=True)

    people: tuple[Person, ...]
    own: tuple[Item, ...] = ()
    practice: Person | None = None


def attention_check(number: int) -> Item:
    """Return the question that shows whether a rater reads what they answer; ``answer`` is the option to choose."""
    options = ("I like the mornings best.", "I like the evenings best.", "I like both the same.")
    wanted = number // 2 % len(options)
    asks = f"This question is about you as a reader, not about the person. Please choose “{options[wanted]}”"
    return Item(question="attention", setup=0, asks=asks, options=options, answer=wanted)


def probability(choice: int, confidence: int, options: int) -> list[float]:
    """Return the probability of each of ``options``, given a rater's choice and degree of confidence.

    It rises from chance (a guess) to nearly 1 (certain); the rest is shared by the other options.

    >>> probability(0, 2, 2)
    [0.75, 0.25]
    """
    chance = 1 / options
    chosen = chance + SURE[confidence] * (1 - chance)
    return [chosen if option == choice else (1 - chosen) / (options - 1) for option in range(options)]


@dataclass(frozen=True)
class Folder:
    """The folder of a study."""

    path: Path

    def study(self) -> Study:
        """Return the settings. Raises IndievalueError if the folder holds no study."""
        return self._read(SETTINGS, Study)

    def content(self) -> Content:
        """Return what raters read. Raises IndievalueError if the folder holds no study."""
        return self._read(CONTENT, Content)

    def consent(self) -> str:
        """Return the text of consent and instructions, in Markdown."""
        try:
            return (self.path / CONSENT).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise IndievalueError(
                f"cannot read {self.path / CONSENT}, the text that raters agree to: {error}"
            ) from None

    def _read(self, name: str, kind: type[M]) -> M:
        file = self.path / name
        try:
            return read_as(TypeAdapter(kind), file.read_text(encoding="utf-8"))
        except OSError as error:
            raise IndievalueError(
                f"{self.path} holds no study: {error.strerror or error}; `indievalue study create` makes one"
            ) from None
        except (ValueError, IndievalueError) as error:
            raise IndievalueError(f"{file} is damaged: {error}") from None


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody but its owner can read."""
    with new_file(file, private=True) as beside:
        beside.write_text(text, encoding="utf-8")


def study_name(name: str) -> str:
    """Return ``name``. Raises IndievalueError where it cannot be part of the name of a predictor."""
    if not _NAME.fullmatch(name):
        raise IndievalueError(
            f"the name of a study has letters, digits, -, _ and ., at most 40 of them, and is not {name!r}"
        )
    return name
