"""What some templates show besides the text of a task: questions and answers, and other people's solved probes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from indievalue.choices import Voice
from indievalue.errors import IndievalueError
from indievalue.prompts.voice import all_in_voice

if TYPE_CHECKING:
    from indievalue.benchmark.storage import StatementText
    from indievalue.prompts.prompt import AskedProbe


class Words(NamedTuple):
    """The wording of a question and of each of its options, in the form of the probes or of the demonstrations."""

    asks: str
    answers: Sequence[str]


class AnsweredQuestion(NamedTuple):
    """A question, and the person's answer."""

    asks: str
    answer: str


class SolvedProbe(NamedTuple):
    """Another person: what is shown of them, and the label of their answer to the probe."""

    demographics: Sequence[str]
    demonstrations: Sequence[str]
    label: str


@dataclass(frozen=True)
class Solver:
    """A person who is not tested: what is shown of them as text, and their option of each probe."""

    person: str
    demographics: Sequence[str]
    demonstrations: Sequence[str]
    options: Mapping[str, int]


@dataclass(frozen=True)
class Material:
    """What templates need besides the text of a task; made by :func:`indievalue.prompts.pool.material_of`.

    Attributes:
        asks: question → what it asks. unordered: questions whose options are not steps of a scale.
        words: question → wording of the user's codebook, for probes. shown_words: statement of an answer, by question
            → the same for what is shown.
        solvers: people whose solved probes are shown, the first of them first; None if nobody was given.
        most: how many of them are shown with a probe.
    """

    asks: Mapping[str, str] = field(default_factory=dict)
    unordered: frozenset[str] = frozenset()
    words: Mapping[str, Words] = field(default_factory=dict)
    shown_words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    solvers: Sequence[Solver] | None = None
    most: int = 3

    def answered(self, demonstrations: Sequence["StatementText"], voice: Voice) -> list[AnsweredQuestion]:
        """Return the demonstrations as questions and answers: the codebook's words, or else the survey's own."""
        found = []
        for shown in demonstrations:
            question, statement = shown["question"], shown["statement"]
            if question not in self.asks:
                raise IndievalueError(
                    "the template raw shows questions, which a saved benchmark does not hold: use "
                    "`indievalue evaluate`, which reads them from the survey"
                )
            if question in self.words and statement in self.shown_words.get(question, {}):
                answer = AnsweredQuestion(self.words[question].asks, self.shown_words[question][statement])
            else:
                answer = AnsweredQuestion(self.asks[question], all_in_voice([statement], voice)[0])
            found.append(answer)
        return found

    def examples(self, probe: "AskedProbe", voice: Voice) -> list[SolvedProbe]:
        """Return other people who answered ``probe``, with the label that their answer has in it."""
        if self.solvers is None:
            raise IndievalueError(
                "the template solved-examples shows people who are not tested, which a saved benchmark does not hold: "
                "use `indievalue evaluate`, which takes them from the data"
            )
        known = [solver for solver in self.solvers if probe.question in solver.options][: self.most]
        if not known:
            raise IndievalueError(
                f"the template solved-examples has nobody to show: none of those who are not tested answered "
                f"{probe.question}"
            )
        return [
            SolvedProbe(
                list(all_in_voice(one.demographics, voice)),
                list(all_in_voice(one.demonstrations, voice)),
                probe.labels[probe.order.index(one.options[probe.question])],
            )
            for one in known
        ]
