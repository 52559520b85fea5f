"""Language models on this machine: a checkpoint's probabilities of options, without a server.

``options`` what can be chosen · ``source`` where a model's files are · ``load`` the model in memory · ``wording``
prompts in its tokens · ``tree`` what prompts have in common · ``reading`` the model's passes over it · ``kept`` scores
on disk · ``progress`` what is said meanwhile · ``predictor`` the predictor. ``load``, ``reading`` and ``predictor``
need torch and transformers, which are an extra.
"""

from indievalue.errors import importing
from indievalue.predictors.local.options import split_name
from indievalue.predictors.protocol import Predictor
from indievalue.prompts.prompt import PromptStyle


def make_local(name: str, style: PromptStyle | None = None) -> Predictor:
    """A new predictor out of what follows ``local:``, such as ``smollm2:score=statement``.

    Raises IndievalueError where the model's files or an option are not there, or transformers is not installed.
    """
    where, options = split_name(name)
    with importing("local models need", "lm"):
        from indievalue.predictors.local.predictor import Local
    return Local(where, options, style)
