"""Training examples as tokens: what the model reads, and which tokens it learns to predict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from datasets import Dataset, Features, List, Value
from datasets.arrow_writer import ArrowWriter

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.predictors.local.wording import ANSWER, Wording
from indievalue.prompts.prompt import LABELS
from indievalue.reasoner.conversations import Conversation, Message

IGNORED = -100
"""Label of a token that does not count in the loss."""

_TAIL = 32
"""Characters before an answer that may affect how it is split into tokens."""

_FEATURES = Features({"input_ids": List(Value("int32")), "labels": List(Value("int32"))})

SOFT_COLUMNS = "places", "options", "targets", "asked"
"""Columns of a dataset whose examples have targets: for each answer, the place of its label, the tokens of all labels,
their target probabilities, and its form and question."""

_SOFT_FEATURES = Features(
    {
        **_FEATURES,
        "places": List(Value("int32")),
        "options": List(List(Value("int32"))),
        "targets": List(List(Value("float32"))),
        "asked": List(List(Value("string"))),
    }
)
_BATCH = 256
"""Examples tokenized at once."""


@dataclass(frozen=True)
class TokenizedExample:
    """An example as the model reads it.

    Attributes:
        tokens: ids of the whole conversation.
        answers: spans (start, end) of the answers; the loss counts only their tokens.
        candidates: for each answer, the first token of every label, and the index of the right one.
        asked: for each answer, its form and question.
        targets: for each answer, the probability of each label that is to be learned; None for plain labels.
    """

    tokens: list[int]
    answers: list[tuple[int, int]]
    candidates: list[tuple[list[int], int]]
    asked: list[tuple[str, str]]
    targets: list[list[float]] | None = None

    @property
    def labels(self) -> list[int]:
        """The tokens of the answers in their places, :data:`IGNORED` elsewhere."""
        labels = [IGNORED] * len(self.tokens)
        for start, end in self.answers:
            labels[start:end] = self.tokens[start:end]
        return labels

    def row(self, *, soft: bool) -> dict[str, object]:
        """Return the row of a dataset; ``soft`` adds :data:`SOFT_COLUMNS`."""
        row: dict[str, object] = {"input_ids": self.tokens, "labels": self.labels}
        if soft:
            own = [[float(at == right) for at in range(len(options))] for options, right in self.candidates]
            row["places"] = [start for start, _ in self.answers]
            row["options"] = [options for options, _ in self.candidates]
            row["targets"] = self.targets or own
            row["asked"] = [list(one) for one in self.asked]
        return row


@dataclass(frozen=True)
class _Turn:
    """The text of one turn: what follows the last answer and precedes this one, the answer, and what ends it."""

    before: str
    answer: str
    end: str


def tokenize(wording: Wording, examples: Sequence[Conversation]) -> list[TokenizedExample]:
    """Tokenize examples in the same way as the prompts that a local model is evaluated with.

    Raises IndievalueError if the chat template cannot represent several turns.
    """
    turns = [_turns(wording, example["messages"]) for example in examples]
    first = wording.tokenizer(
        [one[0].before if one else "" for one in turns], add_special_tokens=not wording.chat, verbose=False
    )
    later = [turn.before for one in turns for turn in one[1:]]
    rest = iter(wording.tokenizer(later, add_special_tokens=False, verbose=False)["input_ids"] if later else ())
    space = space_before(wording)
    tokenized = []
    for start, one, example in zip(first["input_ids"], turns, examples, strict=True):
        tokens: list[int] = []
        answers, candidates = [], []
        for number, (turn, labels) in enumerate(zip(one, example["labels"], strict=True)):
            tokens += next(rest) if number else start
            tail = turn.before[-_TAIL:]
            options = [wording.tokens_after(tail, space + label)[0] for label in labels]
            answer = wording.tokens_after(tail, space + turn.answer)
            end = wording.tokens_after(space + turn.answer, turn.end)
            answers.append((len(tokens), len(tokens) + len(answer) + len(end)))
            candidates.append((options, labels.index(turn.answer)))
            tokens += [*answer, *end]
        asked = [(example["form"], question) for question in example["questions"]]
        tokenized.append(TokenizedExample(tokens, answers, candidates, asked, example.get("targets")))
    return tokenized


def write_tokens(
    file: Path, wording: Wording, examples: Iterator[Conversation], length: int, *, soft: bool = False
) -> Dataset:
    """Write examples as a dataset of ``input_ids`` and ``labels`` to an Arrow file, or read the file if it exists.

    ``soft`` adds :data:`SOFT_COLUMNS`. Raises IndievalueError if any example is longer than ``length`` tokens or has no
    answer to learn.
    """
    if not file.exists():
        longest = long = without_answer = number = 0
        with new_file(file) as beside:
            writer = ArrowWriter(path=str(beside), features=_SOFT_FEATURES if soft else _FEATURES)
            for batch in _batches(examples):
                for one in tokenize(wording, batch):
                    number += 1
                    long += len(one.tokens) > length
                    longest = max(longest, len(one.tokens))
                    without_answer += not any(end > start for start, end in one.answers)
                    writer.write(one.row(soft=soft))
            writer.finalize()
            if long:
                raise IndievalueError(
                    f"{long:,} of {number:,} examples are longer than `length: {length}`, and none may be truncated; "
                    f"the longest has {longest:,} tokens: set `length: {longest}`, or show fewer demonstrations"
                )
            if without_answer:
                raise IndievalueError(
                    f"{without_answer:,} of {number:,} examples hold no answer to learn: write the training set again"
                )
    return Dataset.from_file(str(file))


def tokenize_first(wording: Wording, examples: Iterator[Conversation], number: int) -> list[TokenizedExample]:
    """Tokenize the first ``number`` examples of a part."""
    return [one for batch in _batches(islice(examples, number)) for one in tokenize(wording, batch)]


def preview(wording: Wording, example: TokenizedExample) -> str:
    """Return an example as the model reads it, with special tokens, and the tokens that count in the loss in ⟦ ⟧."""
    text, place = "", 0
    for start, end in example.answers:
        text += _decode(wording, example.tokens[place:start]) + "⟦" + _decode(wording, example.tokens[start:end]) + "⟧"
        place = end
    return text + _decode(wording, example.tokens[place:])


def target_text(example: Conversation) -> str:
    """Return the target of each label of an example, such as ``A 0.25, B 0.75``; empty for plain labels."""
    return "; ".join(
        ", ".join(f"{label} {share:.2f}" for label, share in zip(labels, shares, strict=True))
        for labels, shares in zip(example["labels"], example.get("targets", ()), strict=False)
    )


def _decode(wording: Wording, tokens: list[int]) -> str:
    return str(wording.tokenizer.decode(tokens))


def space_before(wording: Wording) -> str:
    """Return what precedes an answer: a space in plain text, unless all labels would then start with the same token."""
    if wording.chat:
        return ""
    for space in (" ", ""):
        if len({wording.tokens_after(ANSWER, space + label)[0] for label in LABELS}) == len(LABELS):
            return space
    raise IndievalueError(
        "this model's tokenizer does not distinguish the labels A, B, C … by their first token: train another model"
    )


def _batches(examples: Iterator[Conversation]) -> Iterator[list[Conversation]]:
    while batch := list(islice(examples, _BATCH)):
        yield batch


def _turns(wording: Wording, messages: Sequence[Message]) -> list[_Turn]:
    """Split a conversation into its turns."""
    eos = str(wording.tokenizer.eos_token or "")
    turns: list[_Turn] = []
    so_far = ""
    for at in range(1, len(messages), 2):
        answer, last = messages[at]["content"], at + 1 >= len(messages)
        if not wording.chat:
            turns.append(_Turn(messages[at - 1]["content"] + ANSWER, answer, eos if last else "\n\n"))
            continue
        before = wording.before(messages[:at])
        if not before.startswith(so_far):
            raise IndievalueError(
                "this model's chat template changes earlier turns when later ones follow: write the training set with "
                "one turn per example (`turns: 1`)"
            )
        chat = [{"role": one["role"], "content": one["content"]} for one in messages[: at + 1]]
        whole = str(wording.tokenizer.apply_chat_template(chat, tokenize=False))
        end = whole.removeprefix(before + answer) if whole.startswith(before + answer) else eos
        turns.append(_Turn(before[len(so_far) :], answer, end))
        so_far = before + answer + end
    return turns
