"""Validate a network on held-out people, in the same way as the benchmark."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor

from indievalue.benchmark.build import build_benchmark
from indievalue.benchmark.model import Settings, Task
from indievalue.people.people import People
from indievalue.predictors.masked.inputs import Shape, spread
from indievalue.predictors.masked.network import Network, Shown
from indievalue.seeded import keys

_SHARE, _FEWEST, _MOST = 0.05, 100, 1500
_MOST_OF_FEW = 0.2
"""Maximum share of the people of a small survey who are held out."""

_BLOCK = 2048
"""Number of people in one forward pass."""


def validating(people: People, seed: int) -> NDArray[np.bool_]:
    """Draw the validation people (people,): 5%, but 100 to 1,500, independently of the order of the file."""
    number = min(max(round(_SHARE * len(people)), _FEWEST), _MOST, int(_MOST_OF_FEW * len(people)))
    drawn = np.argsort(keys(seed, "masked validation", people.ids.tolist()), kind="stable")
    chosen = np.zeros(len(people), bool)
    chosen[drawn[:number]] = True
    return chosen


def shown_of(task: Task, shape: Shape, rows: slice, device: torch.device) -> Shown:
    """Return the network's input for the people in ``rows`` of a task."""
    shown = task.shown[rows]
    columns = task.survey.form(task.shown_form).one_hot(shown) @ spread(task.survey, task.shown_form)
    demographics = None if task.demographics is None else task.demographics[rows]
    groups = shape.demographic_columns(demographics, len(shown))
    known = (shown >= 0).astype(np.float32)
    return Shown(*(torch.from_numpy(array).to(device) for array in (columns, known, groups)))


def logits_of(network: Network, task: Task, shape: Shape, device: torch.device) -> Tensor:
    """Return logits (people × options) for everyone in a task, in the heads' order."""
    network.eval()
    with torch.inference_mode():
        parts = [
            network(shown_of(task, shape, slice(start, start + _BLOCK), device))
            for start in range(0, len(task.people), _BLOCK)
        ]
    return torch.cat(parts) if parts else torch.zeros(0, int(shape.counts.sum()), device=device)


class Validation:
    """Validation people in the benchmark's own setups, 200 refined statements shown and no demographics."""

    def __init__(self, people: People, shape: Shape, seed: int, device: torch.device) -> None:
        self.shape = shape
        self.device = device
        self.tasks: list[Task] = []
        targets = []
        if len(people):
            benchmark = build_benchmark(people, Settings(form="refined", seed=seed), people.ids.tolist())
            for setup, task in benchmark.tasks():
                wanted = np.full(task.shown.shape, -1, np.int64)
                wanted[:, setup.probes] = benchmark.answers(setup)
                self.tasks.append(task)
                targets.append(wanted)
        none = np.zeros((0, len(shape.counts)), np.int64)
        self.targets = torch.from_numpy(np.concatenate([*targets, none])).to(device)

    def __bool__(self) -> bool:
        return bool((self.targets >= 0).any())

    def logits(self, network: Network) -> Tensor:
        """Return the logits of all tasks, concatenated, in the heads' order."""
        return torch.cat([logits_of(network, task, self.shape, self.device) for task in self.tasks])

    def measure(self, network: Network) -> tuple[float, float]:
        """Return the mean log loss and accuracy (0 to 1) over the probes."""
        logits = self.logits(network)
        with torch.inference_mode():
            loss = network.heads.losses(logits, self.targets).sum() / (self.targets >= 0).sum()
        return float(loss), self._accuracy(network, logits)

    def overconfidence(self, networks: Sequence[Network]) -> float:
        """Fit the overconfidence that minimizes the ensemble's log loss (see :func:`mean_probabilities`)."""
        every = [self.logits(network) for network in networks]
        known = torch.cat([known_share(task, self.device) for task in self.tasks])
        wanted = (self.targets >= 0).nonzero(as_tuple=True)
        starts = torch.from_numpy(np.concatenate([[0], np.cumsum(self.shape.counts)[:-1]])).to(self.device)
        column = starts[wanted[1]] + self.targets[wanted]

        def log_loss(overconfidence: float) -> float:
            mean = mean_probabilities(networks, every, known, overconfidence)
            return float(-mean[wanted[0], column].clamp_min(1e-12).log().mean())

        best = minimize_scalar(log_loss, bounds=(-1, 1), method="bounded", options={"xatol": 1e-3})
        return float(best.x) if best.fun < log_loss(0.0) else 0.0

    def _accuracy(self, network: Network, logits: Tensor) -> float:
        wanted = self.targets[:, network.heads.question]
        choice = torch.cat([part.argmax(dim=2) for part in network.heads.split(logits)], dim=1)
        return float(((choice == wanted) & (wanted >= 0)).sum() / (wanted >= 0).sum())


def known_share(task: Task, device: torch.device) -> Tensor:
    """Return the share of all questions that each person's demonstrations answer (people × 1)."""
    return torch.from_numpy((task.shown >= 0).mean(axis=1, keepdims=True).astype(np.float32)).to(device)


def mean_probabilities(
    networks: Sequence[Network], logits: Sequence[Tensor], known: Tensor, overconfidence: float
) -> Tensor:
    """Return the networks' mean probabilities (people × options), with columns in the survey's order.

    Temperature scaling: logits are divided by exp(overconfidence × share of questions known). Networks are
    overconfident about what they are shown; if nothing is shown, their base rates need no correction.
    """
    temperature = torch.exp(overconfidence * known)
    with torch.inference_mode():
        parts = [network.heads.probabilities(one / temperature) for network, one in zip(networks, logits, strict=True)]
        return torch.stack(parts).mean(dim=0)
