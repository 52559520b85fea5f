"""Validation during a training: how often the model predicts the answers of people it is not trained on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from indievalue.intervals import wilson
from indievalue.predictors.local.prior_offset import Offsets, offset_of
from indievalue.predictors.local.scorer import Reader
from indievalue.predictors.local.tree import Item, distinct
from indievalue.reasoner.tokens import TokenizedExample

WORTHWHILE = 0.1
"""Share of all tokens from which sharing beginnings is faster than reading each example alone."""

_TOGETHER = 256
"""Examples whose common beginnings are looked for at once."""

_TRIED = 2
"""Examples on which it is tried out whether a model can share beginnings."""


@dataclass(frozen=True)
class ValidationScore:
    """Score over all answers of the validation examples.

    Attributes:
        answers: how many answers were predicted. right: how many of them correctly.
        log_loss: mean log loss of the right label among those of all options (nats).
    """

    answers: int
    right: int
    log_loss: float

    @property
    def accuracy(self) -> float:
        """Share of the answers predicted correctly (0 to 1)."""
        return self.right / self.answers

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95% interval of the accuracy (Wilson's method, answers taken as independent)."""
        return wilson(self.accuracy, self.answers)


class HasLogits(Protocol):
    """The output of a causal language model."""

    logits: Tensor


class CausalModel(Protocol):
    """A causal language model of transformers."""

    def __call__(
        self, *, input_ids: Tensor, attention_mask: Tensor, logits_to_keep: Tensor, use_cache: bool
    ) -> HasLogits: ...


@dataclass(frozen=True)
class Processes:
    """The processes that train together.

    Attributes:
        rank: number of this process. count: how many there are.
        add_up: sums a tensor over all of them.
    """

    rank: int = 0
    count: int = 1
    add_up: Callable[[Tensor], Tensor] = lambda total: total


ONE_PROCESS = Processes()


def reader_of(model: Any, *, bfloat16: bool = False) -> Reader:
    """Return what reads prompts with a model of transformers as `local:` does: what they have in common only once.

    ``bfloat16``: whether the model computes in it, whatever the dtype of its weights.
    """
    return Reader(model, True, tolerance=0.5 if bfloat16 else None)


def label_scores(reader: Reader, examples: Sequence[TokenizedExample]) -> list[list[list[float]]]:
    """Return the log probability of the first token of each label, for each answer of each example."""
    found: list[list[list[float]]] = [[] for _ in examples]
    order = sorted(range(len(examples)), key=lambda at: examples[at].tokens)
    for first in range(0, len(order), _TOGETHER):
        some = order[first : first + _TOGETHER]
        scores = iter(reader.scores([item for at in some for item in _items(examples[at])]).tolist())
        for at in some:
            found[at] = [[next(scores) for _ in options] for options, _ in examples[at].candidates]
    return found


@torch.no_grad()
def validate(
    model: CausalModel,
    examples: Sequence[TokenizedExample],
    *,
    pad: int,
    batch: int,
    device: torch.device,
    processes: Processes = ONE_PROCESS,
    reader: Reader | None = None,
    offsets: Offsets | None = None,
) -> ValidationScore:
    """Predict the answers of ``examples``: for each, the label whose first token is the most probable one.

    With a ``reader`` of the model, every process reads each ``processes.count``-th example with it, if they have enough
    in common and the model can share that. Otherwise every process takes each ``processes.count``-th batch of ``batch``
    examples, padded with the token ``pad``. ``offsets`` are added to the logits of the options.
    """
    known = offsets or {}
    total = torch.zeros(3, dtype=torch.float64)
    if reader is not None and _shares(reader, examples):
        mine = examples[processes.rank :: processes.count]
        for one, scores in zip(mine, label_scores(reader, mine), strict=True):
            total += _sums(one, [torch.tensor(of_answer, dtype=torch.float64) for of_answer in scores], known)
    else:
        order = sorted(range(len(examples)), key=lambda at: -len(examples[at].tokens))
        batches = [order[start : start + batch] for start in range(0, len(order), batch)]
        for first in range(0, len(batches), processes.count):
            place = first + processes.rank
            # All processes make the same number of passes: sharded models need every process in each of them.
            chosen = [examples[at] for at in batches[min(place, len(batches) - 1)]]
            sums = _validate_batch(model, chosen, pad, device, known)
            if place < len(batches):
                total += sums
    answers, right, loss = processes.add_up(total.to(device, torch.float32)).double().tolist()
    return ValidationScore(round(answers), round(right), loss / answers)


def _shares(reader: Reader, examples: Sequence[TokenizedExample]) -> bool:
    """Return whether it is faster to read what examples have in common only once, and the model can."""
    items = [item for one in examples for item in _items(one)]
    alone = sum(one.answers[-1][0] for one in examples)
    if distinct(items) > (1 - WORTHWHILE) * alone:
        return False
    return reader.can_share([item for one in examples[:_TRIED] for item in _items(one)])


def _items(example: TokenizedExample) -> Iterator[Item]:
    """Yield what is scored of an example: the first token of every label after what precedes each answer."""
    for (start, _), (options, _) in zip(example.answers, example.candidates, strict=True):
        context = tuple(example.tokens[:start])
        yield from (Item(context, (token,)) for token in options)


def _validate_batch(
    model: CausalModel, examples: Sequence[TokenizedExample], pad: int, device: torch.device, offsets: Offsets
) -> Tensor:
    """Return the number of answers, of right ones, and the sum of the log losses, (3,)."""
    width = max(len(one.tokens) for one in examples)
    tokens = torch.tensor([one.tokens + [pad] * (width - len(one.tokens)) for one in examples], device=device)
    mask = torch.tensor([[1] * len(one.tokens) + [0] * (width - len(one.tokens)) for one in examples], device=device)
    places = sorted({start - 1 for one in examples for start, _ in one.answers})
    keep = torch.tensor(places, device=device)
    logits = model(input_ids=tokens, attention_mask=mask, logits_to_keep=keep, use_cache=False).logits.float()
    sums = torch.zeros(3, dtype=torch.float64)
    column = {place: at for at, place in enumerate(places)}
    for row, one in enumerate(examples):
        of_answers = zip(one.answers, one.candidates, strict=True)
        sums += _sums(
            one, [logits[row, column[start - 1], options].cpu() for (start, _), (options, _) in of_answers], offsets
        )
    return sums


def _sums(example: TokenizedExample, logits: Sequence[Tensor], offsets: Offsets) -> Tensor:
    """Return the same of one example, given the logit of each label, up to a constant, for each answer."""
    sums = torch.zeros(3, dtype=torch.float64)
    for found, asked, (_, truth) in zip(logits, example.asked, example.candidates, strict=True):
        added = torch.from_numpy(offset_of(offsets, asked, len(found)))
        logs = (found.double() + added).log_softmax(dim=-1)
        sums += torch.tensor([1.0, float(int(logs.argmax()) == truth), -float(logs[truth])], dtype=torch.float64)
    return sums
