"""The loss if not only the person's own answer is learned, or if a reasoner starts from base rates.

Where the label of an answer stands, the loss is the cross-entropy of the labels' tokens with the target probabilities.
Elsewhere it is that of the token to be written, as for plain labels; and if all of the probability is on the person's
own answer, so it is there. With offsets, the labels are compared with each other alone, and not with all tokens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from indievalue.predictors.local.prior_offset import Offsets, offset_of
from indievalue.reasoner.tokens import IGNORED, SOFT_COLUMNS


@dataclass(frozen=True)
class Collate:
    """Makes a batch of examples: what ``plain`` makes of their tokens, and tensors of their answers.

    Attributes:
        offsets: what is added to the logit of each option; None to learn without.
    """

    plain: Callable[[list[dict[str, Any]]], dict[str, Any]]
    offsets: Offsets | None = None

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the batch; what is missing is padded with -1 in tokens and places, 0 in targets and offsets."""
        rest = [{name: one[name] for name in one if name not in SOFT_COLUMNS} for one in examples]
        batch = dict(self.plain(rest))
        shape = (
            len(examples),
            max(len(one["places"]) for one in examples),
            max(len(tokens) for one in examples for tokens in one["options"]),
        )
        batch["places"] = torch.full(shape[:2], -1)
        batch["options"] = torch.full(shape, -1)
        batch["targets"] = torch.zeros(shape)
        if self.offsets is not None:
            batch["offsets"] = torch.zeros(shape)
        for row, one in enumerate(examples):
            batch["places"][row, : len(one["places"])] = torch.tensor(one["places"])
            for at, (tokens, targets) in enumerate(zip(one["options"], one["targets"], strict=True)):
                batch["options"][row, at, : len(tokens)] = torch.tensor(tokens)
                batch["targets"][row, at, : len(tokens)] = torch.tensor(targets)
                if self.offsets is not None:
                    added = offset_of(self.offsets, tuple(one["asked"][at]), len(tokens))
                    batch["offsets"][row, at, : len(tokens)] = torch.from_numpy(added)
        return batch


def soft_loss(logits: Tensor, learned: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of the loss of a batch that :class:`Collate` made.

    ``logits`` (examples × places × vocabulary) are those after the places in ``learned``.
    """
    places, labels = batch["places"], batch["labels"].clone()
    example, answer = (places >= 0).nonzero(as_tuple=True)
    place = places[example, answer]
    labels[example, place] = IGNORED
    rest = cross_entropy(logits.flatten(0, 1), labels[:, learned + 1].flatten(), ignore_index=IGNORED, reduction="sum")
    offsets = batch.get("offsets")
    return rest + soft_cross_entropy(
        logits[example, torch.searchsorted(learned, place - 1)],
        batch["options"][example, answer],
        batch["targets"][example, answer],
        None if offsets is None else offsets[example, answer],
    )


def soft_cross_entropy(logits: Tensor, options: Tensor, targets: Tensor, offsets: Tensor | None = None) -> Tensor:
    """Return the sum over answers of the cross-entropy of their labels' tokens with the target probabilities.

    Args:
        logits: answers × vocabulary. options: tokens of the labels (answers × options; -1 pads).
        targets: answers × options. offsets: what is added to the logits of the labels, which are then compared with
            each other alone; None to compare them with all tokens.
    """
    exists = options >= 0
    chosen = logits.gather(1, options.clamp(min=0))
    if offsets is None:
        logs = chosen - logits.logsumexp(dim=-1, keepdim=True)
    else:
        logs = (chosen + offsets).masked_fill(~exists, -torch.inf).log_softmax(dim=-1)
    return -(targets * logs.masked_fill(~exists, 0)).sum()
