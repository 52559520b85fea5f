"""Train one network."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

import torch
from torch import Tensor

from indievalue.predictors.masked.masking import Answers, Hiding
from indievalue.predictors.masked.network import Network
from indievalue.predictors.masked.options import MaskedOptions
from indievalue.predictors.masked.progress import Report
from indievalue.predictors.masked.validation import Validation

_WARM_UP = 0.1
"""Share of the steps for warm-up."""

_START = 0.04
"""Initial learning rate, as a share of the peak."""

_PATIENCE = 0.25
"""Early stopping: share of all epochs without a better validation log loss."""

_GREATEST_GRADIENT = 1.0


class EpochState(TypedDict):
    """Where the training of a network is after an epoch."""

    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    best: dict[str, Tensor]
    best_loss: float
    best_epoch: int
    epoch: int


_WARM_STEPS, _TIMED_STEPS = 2, 8
"""Steps before, and while, the time that training takes is measured."""


@dataclass(frozen=True)
class Member:
    """One of the networks whose probabilities are averaged, while it is trained.

    Attributes:
        number: among the members. state: what ``keep`` was given after an earlier epoch; None before the first.
        keep, report: called after every epoch. pace: called once, early in the first epoch, with the seconds that one
            epoch takes.
    """

    number: int
    state: EpochState | None
    keep: Callable[[EpochState], None]
    report: Report
    pace: Callable[[float], None] = lambda seconds: None


def train(
    network: Network,
    answers: Answers,
    hiding: Hiding,
    validation: Validation,
    options: MaskedOptions,
    member: Member,
) -> dict[str, Tensor]:
    """Train with AdamW and a one-cycle learning rate; return the weights with the lowest validation log loss.

    From the member's ``state`` training resumes with identical results: every epoch has its own random seed, which
    depends only on the seed, the member and the epoch.
    """
    epochs, batch = options.epochs_for(len(answers)), options.batch_for(len(answers))
    steps = math.ceil(len(answers) / batch)
    optimiser = _optimiser(network, options)
    best, best_loss, best_epoch, start = _weights(network), math.inf, 0, 0
    state = member.state
    if state is not None:
        network.load_state_dict(state["weights"])
        optimiser.load_state_dict(state["optimiser"])
        best, best_loss, best_epoch = state["best"], state["best_loss"], state["best_epoch"]
        start = state["epoch"]
    greatest = options.rate * math.sqrt(batch / 256)
    quick = torch.autocast(hiding.device.type, torch.bfloat16, enabled=multiplies_bfloat16(hiding.device))
    for epoch in range(start, epochs):
        if epoch - best_epoch > max(_PATIENCE * epochs, 3):
            break
        torch.manual_seed(seed_of(options.seed, member.number, epoch + 1))
        network.train()
        order = torch.randperm(len(answers)).to(hiding.device)
        for step, rows in enumerate(order.tensor_split(steps)):
            for group in optimiser.param_groups:
                group["lr"] = greatest * _cycle((epoch * steps + step) / (epochs * steps))
            shown, targets = hiding.batch(answers, rows)
            with quick:
                logits = network(shown)
            loss = mean_loss(network, logits.float(), targets)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), _GREATEST_GRADIENT)
            optimiser.step()
            if epoch == start and step == _WARM_STEPS:
                begun = time.monotonic()
            elif epoch == start and step == _WARM_STEPS + _TIMED_STEPS:
                member.pace((time.monotonic() - begun) / _TIMED_STEPS * steps)
        log_loss, accuracy = validation.measure(network) if validation else (math.nan, math.nan)
        if not log_loss >= best_loss:
            best, best_loss, best_epoch = _weights(network), log_loss, epoch + 1
        member.keep(
            {
                "weights": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "best": best,
                "best_loss": best_loss,
                "best_epoch": best_epoch,
                "epoch": epoch + 1,
            }
        )
        member.report(epoch + 1, log_loss, accuracy)
    return best


def multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether the processor multiplies matrices of bfloat16; where it has to emulate that, it is slower."""
    if device.type != "cpu":
        return False
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def mean_loss(network: Network, logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over people of their mean loss, so that every person has the same weight."""
    asked = (targets >= 0).sum(dim=1)
    each = network.heads.losses(logits, targets).sum(dim=1) / asked.clamp_min(1)
    return each.sum() / (asked > 0).sum().clamp_min(1)


def seed_of(seed: int, member: int, epoch: int) -> int:
    """Return the random seed of one epoch of one member; epoch 0 is for the initial weights."""
    return int.from_bytes(hashlib.blake2b(f"masked {seed} {member} {epoch}".encode(), digest_size=6).digest(), "big")


def _optimiser(network: Network, options: MaskedOptions) -> torch.optim.Optimizer:
    """Return AdamW without weight decay on biases and norms, so that base rates are not shrunk toward 0."""
    parameters = list(network.parameters())
    groups = [
        {"params": [one for one in parameters if one.dim() > 1], "weight_decay": options.decay},
        {"params": [one for one in parameters if one.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.rate, fused=True)


def _cycle(done: float) -> float:
    """Return the learning rate, as a share of the peak, after a share ``done`` of all steps.

    Cosine warm-up, then cosine decay to almost 0 (Smith & Topin, arXiv 1708.07120).
    """
    if done < _WARM_UP:
        return _START + (1 - _START) * (1 - math.cos(math.pi * done / _WARM_UP)) / 2
    return 1e-4 + (1 - 1e-4) * (1 + math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP))) / 2


def _weights(network: Network) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in network.state_dict().items()}
