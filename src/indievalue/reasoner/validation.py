"""How often a model in training is right about validation people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from indievalue.intervals import wilson
from indievalue.reasoner.tokens import Read


@dataclass(frozen=True)
class Score:
    """Over all answers asked for: how many, how many of them right, and the mean log loss of the right label among all
    that could be answered (nats).
    """

    answers: int
    right: int
    log_loss: float

    @property
    def accuracy(self) -> float:
        return self.right / self.answers

    @property
    def interval(self) -> tuple[float, float]:
        """Of the accuracy, 95 %, by Wilson's method; answers are taken for independent."""
        return wilson(self.accuracy, self.answers)


def validate(
    forward: Callable[..., Any],
    examples: Sequence[Read],
    pad: int,
    device: torch.device,
    batch: int,
    *,
    rank: int = 0,
    ranks: int = 1,
    together: Callable[[torch.Tensor], torch.Tensor] = lambda total: total,
) -> Score:
    """Ask a model for the answers of ``examples``: the most probable first token of those that could be answered.

    Of several processes each asks every ``ranks``-th batch, as many as all others, and ``together`` adds up.
    """
    order = sorted(range(len(examples)), key=lambda at: -len(examples[at].tokens))
    batches = [order[start : start + batch] for start in range(0, len(order), batch)]
    total = torch.zeros(3, dtype=torch.float64)
    for first in range(0, len(batches), ranks):
        place = first + rank
        chosen = [examples[at] for at in batches[min(place, len(batches) - 1)]]
        found = _batch(forward, chosen, pad, device)
        if place < len(batches):
            total += found
    answers, right, loss = together(total.to(device, torch.float32)).double().tolist()
    return Score(round(answers), round(right), loss / answers)


def _batch(forward: Callable[..., Any], examples: Sequence[Read], pad: int, device: torch.device) -> torch.Tensor:
    width = max(len(one.tokens) for one in examples)
    tokens = torch.tensor([one.tokens + [pad] * (width - len(one.tokens)) for one in examples], device=device)
    mask = torch.tensor([[1] * len(one.tokens) + [0] * (width - len(one.tokens)) for one in examples], device=device)
    places = sorted({start - 1 for one in examples for start, _ in one.taught})
    keep = torch.tensor(places, device=device)
    with torch.no_grad():
        logits = forward(input_ids=tokens, attention_mask=mask, logits_to_keep=keep, use_cache=False).logits.float()
    found = torch.zeros(3, dtype=torch.float64)
    column = {place: at for at, place in enumerate(places)}
    for row, one in enumerate(examples):
        for (start, _), (options, truth) in zip(one.taught, one.candidates, strict=True):
            logs = logits[row, column[start - 1], options].log_softmax(dim=-1)
            found += torch.tensor([1.0, float(int(logs.argmax()) == truth), -float(logs[truth])], dtype=torch.float64)
    return found
