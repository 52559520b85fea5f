"""Language models on this machine, read by vLLM: many prompts at once, on one or several GPUs.

``options`` options · ``checkpoint`` a model's files as vLLM reads them · ``engine`` the model in vLLM · ``predictor``
the predictor. Prompts, labels, and what becomes of their probabilities are those of
:mod:`indievalue.predictors.local`. All but ``options`` need vLLM, torch and transformers, which are an extra.
"""

from indievalue.errors import check_installed, importing
from indievalue.predictors.local.options import read_name
from indievalue.predictors.protocol import Predictor
from indievalue.predictors.vllm.options import NUMBERS, VllmOptions
from indievalue.prompts.prompt import PromptStyle


def make_vllm(name: str, style: PromptStyle | None = None) -> Predictor:
    """Return a predictor for the text after ``vllm:``, such as ``smollm2:dtype=float32``.

    Raises IndievalueError if the model's files do not exist, an option is unknown, or vLLM is not installed.
    """
    where, options = read_name("vllm", name, VllmOptions, NUMBERS)
    needs = "vllm models need", "vllm"
    check_installed(*needs, "vllm")  # it takes seconds to import, so that this is left until the model is loaded
    with importing(*needs):
        from indievalue.predictors.vllm.predictor import Vllm
    return Vllm(where, options, style)
