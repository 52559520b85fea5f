"""The answers of an interview, in a file that belongs to the person who gave them."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

from pydantic import TypeAdapter

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.parsing import parse_json, read_as
from indievalue.survey.survey import Survey


@dataclass
class Turn:
    """One question and its answer: an index of its refined options, or None where it was skipped.

    ``probability`` is the predicted probability of the answer before it was known; None if skipped.
    """

    question: str
    option: int | None
    statement: str | None
    probability: float | None


@dataclass
class Session:
    """The turns of an interview so far, in order; and the person's country, if it is known."""

    survey: str
    turns: list[Turn] = field(default_factory=list)
    country: str | None = None

    def save(self, path: Path) -> None:
        """Write the session, which nobody but its owner can read; the file is complete or untouched.

        Raises IndievalueError where it cannot be written.
        """
        with new_file(path, private=True) as beside:
            beside.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @property
    def answered(self) -> int:
        """Number of questions that have an answer."""
        return sum(turn.option is not None for turn in self.turns)


class AnswersFile:
    """The file in which an interview is saved, turn by turn.

    With ``keeping``, what is in the file already is another interview: the first save renames it, to ``kept``.
    """

    def __init__(self, path: Path, *, keeping: bool = False) -> None:
        self.path = path
        self.kept = _beside(path) if keeping and path.exists() else None
        self._renamed = False

    def save(self, session: Session) -> None:
        """Save a session. Raises IndievalueError where it cannot be written."""
        if self.kept and not self._renamed:
            try:
                self.path.rename(self.kept)
            except OSError as error:
                raise IndievalueError(f"cannot rename {self.path} to {self.kept}: {error.strerror or error}") from None
            self._renamed = True
        session.save(self.path)


def _beside(path: Path) -> Path:
    """Return the first free name of ``my-answers-1.json``, ``my-answers-2.json`` …"""
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(1))
    return next(name for name in names if not name.exists())


_SESSION = TypeAdapter(Session)


def load_session(path: Path, survey: Survey) -> Session:
    """The session in the file, or a new one where there is none.

    Raises IndievalueError where the file is no session, is of another survey, or names what the survey does not have.
    """
    if not path.exists():
        return Session(survey.name)
    try:
        text = path.read_text(encoding="utf-8")
        content = parse_json(text)
        if isinstance(content, dict) and "turns" not in content:
            raise ValueError("'turns' is missing")
        session = read_as(_SESSION, text)
    except (OSError, ValueError) as error:
        raise IndievalueError(
            f"{path} is no interview that can be continued ({error}); give --new, which keeps it under another name, "
            "or another --answers"
        ) from None
    if session.survey != survey.name:
        raise IndievalueError(
            f"{path} is an interview on survey {session.survey!r}, not {survey.name!r}; give --new, which keeps it "
            "under another name, or another --answers"
        )
    twice = [name for name, times in Counter(turn.question for turn in session.turns).items() if times > 1]
    if twice:
        raise IndievalueError(f"{path}: {twice[0]} is answered twice")
    for turn in session.turns:
        if turn.probability is not None and not 0 <= turn.probability <= 1:
            raise IndievalueError(f"{path}: the probability of {turn.question} is {turn.probability}, not from 0 to 1")
        if turn.question not in survey.positions:
            raise IndievalueError(f"{path}: survey {survey.name} has no question {turn.question!r}")
        options = survey.question(turn.question).refined
        if turn.option is not None and turn.option not in range(len(options)):
            raise IndievalueError(f"{path}: {turn.question} has no option {turn.option}")
    return session
