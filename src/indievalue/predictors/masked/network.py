"""The network: from shown answers and demographics to probabilities for every option of every question."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from indievalue.predictors.masked.inputs import Shape
from indievalue.predictors.masked.options import MaskedOptions


class Shown(NamedTuple):
    """What a network is shown of people, float32: ``options`` (people × refined options), an answer's share in each
    option; ``known`` (people × questions), 1 where an answer is shown; ``groups`` (people × group columns).
    """

    options: Tensor
    known: Tensor
    groups: Tensor


class Heads(nn.Module):
    """One softmax per question. Questions with the same number of options are adjacent, so that none needs padding.

    Attributes:
        column: int64 (options,), the survey's column of each logit. place: its inverse, the logit of each column.
        question: int64 (questions,), questions in the heads' order.
        sizes: (options of a question, number of such questions), in the heads' order.
    """

    column: Tensor
    place: Tensor
    question: Tensor

    def __init__(self, width: int, counts: NDArray[np.int64]) -> None:
        super().__init__()
        starts = np.concatenate([[0], np.cumsum(counts)])
        order = np.argsort(counts, kind="stable")
        column = np.concatenate([np.arange(starts[at], starts[at + 1]) for at in order])
        self.sizes = [(int(size), int((counts == size).sum())) for size in np.unique(counts)]
        self.linear = nn.Linear(width, len(column))
        self.register_buffer("column", torch.from_numpy(column), persistent=False)
        self.register_buffer("place", torch.from_numpy(np.argsort(column)), persistent=False)
        self.register_buffer("question", torch.from_numpy(order), persistent=False)
        # Options start at their base rates; those of a question that nobody answered start equal.
        nn.init.zeros_(self.linear.weight)

    def split(self, logits: Tensor) -> list[Tensor]:
        """Split logits (people × options) into one tensor (people × questions × options) per number of options."""
        ends = np.cumsum([0] + [size * number for size, number in self.sizes])
        return [
            logits[:, start:end].reshape(len(logits), number, size)
            for (start, end), (size, number) in zip(pairwise(ends.tolist()), self.sizes, strict=True)
        ]

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy of every answer in ``targets``; 0 for no target.

        ``targets`` is people × questions (int64, -1 for none); the result has questions in the heads' order.
        """
        wanted = targets[:, self.question]
        parts, start = [], 0
        for part in self.split(logits):
            answers = wanted[:, start : start + part.shape[1]]
            start += part.shape[1]
            flat = part.reshape(-1, part.shape[2]), answers.reshape(-1)
            parts.append(functional.cross_entropy(*flat, ignore_index=-1, reduction="none").view(answers.shape))
        return torch.cat(parts, dim=1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return probabilities (people × options), with columns in the survey's order."""
        parts = [part.softmax(dim=2).reshape(len(logits), -1) for part in self.split(logits)]
        return torch.cat(parts, dim=1)[:, self.place]


class Network(nn.Module):
    """A residual multilayer perceptron: input → ``blocks`` × (norm, two layers) → norm → one head per question.

    A linear skip connection leads directly from the input to the heads, because most of the relation between answers
    is additive and quickly learned this way. The input is what is shown of a person, including which demographics are
    known.
    """

    demographic_of: Tensor

    def __init__(self, shape: Shape, options: MaskedOptions) -> None:
        super().__init__()
        self.demographics = len(shape.groups)
        self.register_buffer("demographic_of", torch.from_numpy(shape.demographic_of), persistent=False)
        width = options.hidden
        self.first = nn.Linear(shape.width, width)
        self.drop = nn.Dropout(options.dropout)
        self.blocks = nn.ModuleList(_block(width, options.dropout) for _ in range(options.blocks))
        self.norm = nn.LayerNorm(width)
        self.heads = Heads(width, shape.counts)
        self.direct = nn.Linear(shape.width, int(shape.counts.sum()), bias=False) if options.skip else None
        if self.direct is not None:
            nn.init.zeros_(self.direct.weight)

    def forward(self, shown: Shown) -> Tensor:
        """Return logits (people × options), in the heads' order."""
        inputs = self.inputs(shown)
        state = self.drop(functional.gelu(self.first(inputs)))
        for block in self.blocks:
            state = state + block(state)
        logits: Tensor = self.heads.linear(self.norm(state))
        return logits if self.direct is None else logits + self.direct(inputs)

    def inputs(self, shown: Shown) -> Tensor:
        """Return the input of the first layer (people × columns)."""
        told = torch.zeros(len(shown.groups), self.demographics, device=shown.groups.device)
        told.index_add_(1, self.demographic_of, shown.groups)
        return torch.cat([*shown, told], dim=1)

    def start_at(self, rates: NDArray[np.float64], unseen: NDArray[np.bool_]) -> None:
        """Initialize with base rates (options,), and with zero weights for input columns that nobody has (columns,).

        Otherwise these columns would keep their random initial weights.
        """
        with torch.no_grad():
            self.heads.linear.bias.copy_(torch.from_numpy(np.log(rates)).float()[self.heads.column])
            self.first.weight[:, torch.from_numpy(unseen)] = 0


def _block(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width)
    )
