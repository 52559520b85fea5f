"""Reasoners: language models that are fine-tuned to predict a person's answers.

- ``recipe``: what a training set contains
- ``draw``: who is asked what, as arrays
- ``teacher``: what a statistical predictor teaches about each answer
- ``conversations``: the text of it
- ``training_set``, ``manifest``: a training set on disk
- ``leakage``: nobody who is tested is trained on
- ``settings``: the YAML file of a training
- ``shipped``: the settings that ship with the package, in ``configs``
- ``tokens``: what the model reads, and which tokens it learns
- ``model``: the model, loaded and saved
- ``soft``: the loss if not only the person's own answer is learned
- ``prior``: base rates to start from
- ``validation``: accuracy while training
- ``trainer``: TRL's trainer, set up for this
- ``training``: a training from beginning to end
- ``record``, ``card``: what is written beside the reasoner

``tokens``, ``model``, ``validation``, ``trainer`` and ``training`` need the ``train`` extra.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from indievalue.errors import importing
from indievalue.reasoner.settings import TrainingSettings

if TYPE_CHECKING:
    from indievalue.reasoner.training import TrainingResult


def train(settings: TrainingSettings, notify: Callable[[str], None], *, force: bool = False) -> "TrainingResult":
    """Train a reasoner: see :func:`indievalue.reasoner.training.train`.

    Raises IndievalueError also if the packages that training needs are not installed.
    """
    with importing("training needs", "train"):
        from indievalue.reasoner import training
    return training.train(settings, notify, force=force)
