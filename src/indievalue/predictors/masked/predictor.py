"""Predict answers with a network that was trained to fill in hidden answers of other people."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypedDict

import numpy as np
import torch
from torch import Tensor

from indievalue.benchmark.model import Task
from indievalue.choices import FormName
from indievalue.errors import IndievalueError
from indievalue.people.people import People
from indievalue.predictors.base_rates import base_rates
from indievalue.predictors.columns import coarsening, padded
from indievalue.predictors.masked.checkpoint import Checkpoint, cache_folder, read_state, write_state
from indievalue.predictors.masked.inputs import Shape
from indievalue.predictors.masked.masking import Answers, Hiding
from indievalue.predictors.masked.network import Network
from indievalue.predictors.masked.options import MaskedOptions
from indievalue.predictors.masked.progress import reporting, say, say_how_long
from indievalue.predictors.masked.training import EpochState, Member, seed_of, train
from indievalue.predictors.masked.validation import (
    Validation,
    known_share,
    logits_of,
    mean_probabilities,
    validating,
)
from indievalue.predictors.protocol import Guesses, StatisticalPredictor


class ModelState(TypedDict):
    """What a fitted model is saved as."""

    options: dict[str, int | float]
    counts: list[int]
    groups: dict[str, list[str]]
    weights: list[dict[str, Tensor]]
    overconfidence: float


class Masked(StatisticalPredictor):
    """A masked model of the whole questionnaire, as a language model is one of a text (Devlin et al., 1810.04805).

    One network sees any of a person's answers, in either form, and any of their demographics, and gives every refined
    option a probability; a polar option's is the sum of those within it. So one model serves all forms and contexts.
    Trained models are cached (see :mod:`indievalue.predictors.masked.checkpoint`): the same people and options are not
    trained on again, and a training that was stopped resumes.

    Args:
        device: torch device, ``cpu`` or ``cuda``; by default cuda if available.
        options: see :class:`indievalue.predictors.masked.options.MaskedOptions`.

    Attributes:
        shape_: what the network's columns are. networks_: the members. overconfidence_: see ``mean_probabilities``.
    """

    blind = "it was not trained to fill it in"

    def __init__(self, *, device: str | None = None, **options: Any) -> None:
        try:
            self.options = MaskedOptions(**options)
        except TypeError as error:
            raise IndievalueError(f"masked: {error}") from None
        self.device = _device(device)

    def __repr__(self) -> str:
        """Return the options that are not the defaults."""
        default = MaskedOptions().as_dict()
        changed = {name: value for name, value in self.options.as_dict().items() if value != default[name]}
        return f"Masked({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def fit(self, people: People, form: FormName = "polar", shown_form: FormName | None = None) -> Self:
        """Train on ``people``, or load the model from the cache; the forms make no difference."""
        people = people.take(np.argsort(people.ids, kind="stable"))
        self.shape_ = Shape.of(people)
        folder = cache_folder(people, self.shape_, self.options)
        finished = Checkpoint(folder / "model.pt")
        state: Mapping[str, Any] | None = finished.read()
        if state is None:
            training = Checkpoint(folder / "training.pt")
            with _reproducible(self.device):
                state = self._train(people, training)
            finished.write(state)
            training.delete()
        self._take(state)
        return self

    def predict(self, task: Task) -> Guesses:
        """Return the predictions. Raises IndievalueError if the task is of another survey than the training people."""
        if not np.array_equal(task.survey.form("refined").counts, self.shape_.counts):
            raise IndievalueError(f"this masked model was not trained on the survey {task.survey.name}")
        logits = [logits_of(network, task, self.shape_, self.device) for network in self.networks_]
        refined = (
            mean_probabilities(self.networks_, logits, known_share(task, self.device), self.overconfidence_)
            .cpu()
            .numpy()
        )
        within = refined if task.form == "refined" else refined @ coarsening(task.survey, task.form)
        starts = task.survey.form(task.form).starts
        columns = [column for probe in task.probes for column in range(starts[probe], starts[probe + 1])]
        asked = np.concatenate([[0], np.cumsum(task.counts)])
        return Guesses.most_probable(padded(within[:, columns], asked))

    def save(self, path: str | Path) -> None:
        """Save the fitted model: weights and options only. Raises IndievalueError if it cannot be written."""
        write_state(Path(path), self._state([network.state_dict() for network in self.networks_], self.overconfidence_))

    @classmethod
    def load(cls, path: str | Path, device: str | None = None) -> Self:
        """Load a fitted model that :meth:`save` wrote. Raises IndievalueError if ``path`` is not such a file."""
        state = read_state(Path(path))
        made = cls(device=device, **state["options"])
        made.shape_ = Shape(np.array(state["counts"]), state["groups"])
        made._take(state)
        return made

    def _train(self, people: People, checkpoint: Checkpoint) -> ModelState:
        options, shape = self.options, self.shape_
        chosen = validating(people, options.seed)
        validation = Validation(people.take(chosen), shape, options.seed, self.device)
        learning = people.take(~chosen)
        answers = _answers(learning, shape, self.device)
        hiding = Hiding(people.survey, shape, options, self.device)
        state = checkpoint.read() or {"finished": [], "member": None}
        finished: list[dict[str, Tensor]] = state["finished"]
        before: EpochState | None = state["member"]
        each = options.epochs_for(len(learning))
        done = len(finished) * each + (before["epoch"] if before else 0)
        if done:
            say(f"goes on after epoch {done} of {options.members * each}, from {checkpoint.path.parent}")
        with reporting(options.members * each, done) as report:
            for member in range(len(finished), options.members):
                first = member * each
                weights = train(
                    self._network(learning, answers, member),
                    answers,
                    hiding,
                    validation,
                    options,
                    Member(
                        member,
                        before,
                        lambda now: checkpoint.write({"finished": finished, "member": now}),  # noqa: B023 - called at once
                        lambda epoch, log_loss, accuracy: report(first + epoch, log_loss, accuracy),  # noqa: B023
                        partial(say_how_long, options.members * each - done) if member == len(finished) else _silent,
                    ),
                )
                finished = [*finished, weights]
                before = None
                checkpoint.write({"finished": finished, "member": None})
        networks = self._networks(finished)
        return self._state(finished, validation.overconfidence(networks) if validation else 0.0)

    def _network(self, people: People, answers: Answers, member: int) -> Network:
        """Return an untrained network."""
        shape = self.shape_
        torch.manual_seed(seed_of(self.options.seed, member, 0))
        network = Network(shape, self.options)
        rates = base_rates(people.options("refined"), people.survey.form("refined"))
        flat = np.concatenate([rates[question, :count] for question, count in enumerate(shape.counts)])
        seen = [(columns > 0).any(dim=0).cpu().numpy() for columns in (answers.one_hot, answers.groups)]
        told = np.ones(len(shape.groups), bool)
        unseen = ~np.concatenate([seen[0], people.asked, seen[1], told])
        network.start_at(flat, unseen)
        return network.to(self.device)

    def _networks(self, weights: list[dict[str, Tensor]]) -> list[Network]:
        networks = []
        for one in weights:
            with torch.random.fork_rng(devices=[]):  # the first weights are drawn at random, to be replaced at once
                network = Network(self.shape_, self.options)
            network.load_state_dict(one)
            networks.append(network.to(self.device).eval())
        return networks

    def _state(self, weights: list[dict[str, Tensor]], overconfidence: float) -> ModelState:
        return {
            "options": self.options.as_dict(),
            "counts": self.shape_.counts.tolist(),
            "groups": self.shape_.groups,
            "weights": weights,
            "overconfidence": overconfidence,
        }

    def _take(self, state: Mapping[str, Any]) -> None:
        self.networks_ = self._networks(state["weights"])
        self.overconfidence_ = float(state["overconfidence"])


def _silent(seconds: float) -> None:
    """Say nothing about the pace of a later member."""


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError):
        raise IndievalueError(f"masked: torch has no device {name!r} here") from None


def _answers(people: People, shape: Shape, device: torch.device) -> Answers:
    options = people.options("refined")
    one_hot = people.survey.form("refined").one_hot(options).astype(np.uint8)
    groups = shape.demographic_columns(people.demographics, len(people)).astype(np.uint8)
    return Answers(*(torch.from_numpy(np.array(a, order="C")).to(device) for a in (options, one_hot, groups)))


@contextmanager
def _reproducible(device: torch.device) -> Iterator[None]:
    """Use deterministic algorithms in the block; restore torch's random state and settings afterwards."""
    before = torch.are_deterministic_algorithms_enabled()
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)
