"""Examples as tokens: what the model reads, and which tokens it is taught."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, List, Value
from datasets.arrow_writer import ArrowWriter

from indievalue.errors import IndievalueError
from indievalue.files import new_file
from indievalue.predictors.local.wording import ANSWER, Wording
from indievalue.prompts.prompt import LABELS
from indievalue.reasoner.conversations import Example

IGNORED = -100
"""Label of a token that the loss passes over."""

_TAIL = 32
"""Characters before an answer that may decide how it is cut into tokens."""

_FEATURES = Features({"input_ids": List(Value("int32")), "labels": List(Value("int32"))})
_TOGETHER = 256


@dataclass(frozen=True)
class Read:
    """An example as the model reads it.

    Attributes:
        tokens: of the whole conversation. taught: spans (start, end) of the answers in it, on which alone the loss is.
        candidates: for each answer, the first token of everything that could have been answered, and which of them is.
    """

    tokens: list[int]
    taught: list[tuple[int, int]]
    candidates: list[tuple[list[int], int]]

    @property
    def labels(self) -> list[int]:
        labels = [IGNORED] * len(self.tokens)
        for start, end in self.taught:
            labels[start:end] = self.tokens[start:end]
        return labels


def read(wording: Wording, examples: Sequence[Example]) -> list[Read]:
    """Examples as the model reads them, cut into tokens just as a local model's prompts are when it is asked.

    Raises IndievalueError where the chat template cannot hold several turns.
    """
    pieces = [_pieces(wording, example["messages"]) for example in examples]
    first = wording.tokenizer(
        [one[0][0] if one else "" for one in pieces], add_special_tokens=not wording.chat, verbose=False
    )
    later = [before for one in pieces for before, _, _ in one[1:]]
    rest = iter(wording.tokenizer(later, add_special_tokens=False, verbose=False)["input_ids"] if later else ())
    space = _space(wording)
    found = []
    for start, one, example in zip(first["input_ids"], pieces, examples, strict=True):
        tokens: list[int] = []
        taught, candidates = [], []
        for turn, ((before, answer, end), labels) in enumerate(zip(one, example["labels"], strict=True)):
            tokens += next(rest) if turn else start
            tail = before[-_TAIL:]
            options = [wording.tokens_after(tail, space + label)[0] for label in labels]
            said = [*wording.tokens_after(tail, space + answer), *wording.tokens_after(space + answer, end)]
            taught.append((len(tokens), len(tokens) + len(said)))
            candidates.append((options, labels.index(answer)))
            tokens += said
        found.append(Read(tokens, taught, candidates))
    return found


def write_tokens(file: Path, wording: Wording, examples: Iterator[Example], length: int) -> Dataset:
    """Examples as a dataset of ``input_ids`` and ``labels`` in an Arrow file, which is read again where it is there.

    Raises IndievalueError where any example is longer than ``length`` tokens or teaches no token, saying how many.
    """
    if not file.exists():
        longest = long = untaught = number = 0
        with new_file(file) as beside:
            writer = ArrowWriter(path=str(beside), features=_FEATURES)
            for several in _some(examples):
                for one in read(wording, several):
                    number += 1
                    long += len(one.tokens) > length
                    longest = max(longest, len(one.tokens))
                    untaught += not any(end > start for start, end in one.taught)
                    writer.write({"input_ids": one.tokens, "labels": one.labels})
            writer.finalize()
            if long:
                raise IndievalueError(
                    f"{long:,} of {number:,} examples are longer than `length: {length}`, and none is cut; the longest "
                    f"has {longest:,} tokens, so that `length: {longest}` would do, or fewer demonstrations"
                )
            if untaught:
                raise IndievalueError(f"{untaught:,} of {number:,} examples teach nothing: they hold no answer")
    return Dataset.from_file(str(file))


def first_of(wording: Wording, examples: Iterator[Example], number: int) -> list[Read]:
    """The first examples of a part, as the model reads them."""
    return [one for several in _some(islice(examples, number)) for one in read(wording, several)]


def preview(wording: Wording, example: Read) -> str:
    """An example as the model sees it, special tokens and all, with what it is taught between ⟦ and ⟧."""
    decode: Any = wording.tokenizer.decode
    text: str = ""
    place = 0
    for start, end in example.taught:
        text += decode(example.tokens[place:start]) + "⟦" + decode(example.tokens[start:end]) + "⟧"
        place = end
    return f"{text}{decode(example.tokens[place:])}"


def _space(wording: Wording) -> str:
    """What stands before an answer: a space in plain text, unless labels then begin with the same token."""
    if wording.chat:
        return ""
    for space in (" ", ""):
        if len({wording.tokens_after(ANSWER, space + label)[0] for label in LABELS}) == len(LABELS):
            return space
    raise IndievalueError("this model's tokenizer does not tell the labels A, B, C … apart by their first token")


def _some(examples: Iterator[Example]) -> Iterator[list[Example]]:
    while several := list(islice(examples, _TOGETHER)):
        yield several


def _pieces(wording: Wording, messages: Sequence[dict[str, str]]) -> list[tuple[str, str, str]]:
    """For each answer: what is read before it and after the answer before, the answer, and what ends it."""
    eos = str(wording.tokenizer.eos_token or "")
    pieces: list[tuple[str, str, str]] = []
    so_far = ""
    for at in range(1, len(messages), 2):
        answer, last = messages[at]["content"], at + 1 >= len(messages)
        if not wording.chat:
            pieces.append((messages[at - 1]["content"] + ANSWER, answer, eos if last else "\n\n"))
            continue
        before = wording.before(messages[:at])
        if not before.startswith(so_far):
            raise IndievalueError(
                "this model's chat template writes earlier turns anew when there are later ones: make the training set "
                "with one turn an example"
            )
        whole = str(wording.tokenizer.apply_chat_template(messages[: at + 1], tokenize=False))
        end = whole.removeprefix(before + answer) if whole.startswith(before + answer) else eos
        pieces.append((before[len(so_far) :], answer, end))
        so_far = before + answer + end
    return pieces
