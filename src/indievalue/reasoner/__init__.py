"""Reasoners: language models that are fine-tuned to predict what a person says.

``recipe`` what a training set is made of · ``draw`` who is asked what, as arrays · ``conversations`` the text ·
``folder`` a training set on disk · ``leaks`` nobody is trained on who is tested · ``settings`` a training's YAML ·
``tokens`` what the model reads, and which tokens teach · ``model`` loaded and saved · ``validation`` accuracy while
training · ``trainer`` TRL's, with that · ``training`` from beginning to end · ``card`` what is written beside it. From
``tokens`` to ``training`` they need the ``train`` extra.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from indievalue.errors import importing
from indievalue.reasoner.settings import TrainingSettings

if TYPE_CHECKING:
    from indievalue.reasoner.training import Result


def train(
    settings: TrainingSettings,
    say: Callable[[str], None],
    *,
    force: bool = False,
) -> "Result":
    """:func:`indievalue.reasoner.training.train`. Raises IndievalueError where what it needs is not installed."""
    with importing("training needs", "train"):
        from indievalue.reasoner import training
    return training.train(settings, say, force=force)
