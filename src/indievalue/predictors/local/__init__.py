"""Local language models: probabilities of options from a checkpoint, without a server.

``options`` options · ``source`` where a model's files are · ``load`` the model in memory · ``wording``
prompts in its tokens · ``tree`` what prompts have in common · ``reading`` the model's passes over it · ``kept`` scores
on disk · ``progress`` progress messages · ``predictor`` the predictor. ``load``, ``reading`` and ``predictor``
need torch and transformers, which are an extra.
"""

from indievalue.errors import importing
from indievalue.predictors.local.options import split_name
from indievalue.predictors.protocol import Predictor
from indievalue.prompts.prompt import PromptStyle


def make_local(name: str, style: PromptStyle | None = None) -> Predictor:
    """Return a predictor for the text after ``local:``, such as ``smollm2:score=statement``.

    Raises IndievalueError if the model's files do not exist, an option is unknown, or transformers is not installed.
    """
    where, options = split_name(name)
    with importing("local models need", "lm"):
        from indievalue.predictors.local.predictor import Local
    return Local(where, options, style)
