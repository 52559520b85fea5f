"""Validation during a training: how often the model predicts the answers of people it is not trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from indievalue.intervals import wilson
from indievalue.reasoner.tokens import TokenizedExample


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


@torch.no_grad()
def validate(
    model: CausalModel,
    examples: Sequence[TokenizedExample],
    *,
    pad: int,
    batch: int,
    device: torch.device,
    processes: Processes = ONE_PROCESS,
) -> ValidationScore:
    """Predict the answers of ``examples``: for each, the label whose first token is the most probable one.

    Every process takes each ``processes.count``-th batch of ``batch`` examples, padded with the token ``pad``.
    """
    order = sorted(range(len(examples)), key=lambda at: -len(examples[at].tokens))
    batches = [order[start : start + batch] for start in range(0, len(order), batch)]
    total = torch.zeros(3, dtype=torch.float64)
    for first in range(0, len(batches), processes.count):
        place = first + processes.rank
        # All processes make the same number of passes: sharded models need every process in each of them.
        chosen = [examples[at] for at in batches[min(place, len(batches) - 1)]]
        sums = _validate_batch(model, chosen, pad, device)
        if place < len(batches):
            total += sums
    answers, right, loss = processes.add_up(total.to(device, torch.float32)).double().tolist()
    return ValidationScore(round(answers), round(right), loss / answers)


def _validate_batch(model: CausalModel, examples: Sequence[TokenizedExample], pad: int, device: torch.device) -> Tensor:
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
        for (start, _), (options, truth) in zip(one.answers, one.candidates, strict=True):
            logs = logits[row, column[start - 1], options].log_softmax(dim=-1)
            sums += torch.tensor([1.0, float(int(logs.argmax()) == truth), -float(logs[truth])], dtype=torch.float64)
    return sums
