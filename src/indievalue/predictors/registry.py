"""From a predictor's name on the command line, such as ``resemble:k=35``, to the predictor."""

from collections.abc import Callable

from indievalue.errors import IndievalueError
from indievalue.predictors.boosting import Boosting
from indievalue.predictors.gaussian import Gaussian
from indievalue.predictors.local import make_local
from indievalue.predictors.logistic import Logistic
from indievalue.predictors.majority import Majority
from indievalue.predictors.masked import make_masked
from indievalue.predictors.protocol import Predictor
from indievalue.predictors.random import Random
from indievalue.predictors.resemble import Resemble
from indievalue.prompts.prompt import Style

PREDICTORS: dict[str, Callable[..., Predictor]] = {
    "random": Random,
    "majority": Majority,
    "resemble": Resemble,
    "gaussian": Gaussian,
    "masked": make_masked,
    "boosting": Boosting,
    "logistic": Logistic,
}
OPTIONS: dict[str, dict[str, type]] = {
    "resemble": {"k": int},
    "masked": {"seed": int, "epochs": int, "hidden": int, "members": int, "dropout": float, "device": str},
    "boosting": {"trees": int},
    "logistic": {"c": float},
}


def is_chat_model(name: str) -> bool:
    """Whether ``name`` is an Inspect model, such as ``openai/gpt-4o``: those have a slash before any colon."""
    return "/" in name.partition(":")[0]


def make_predictor(name: str, style: Style | None = None) -> Predictor:
    """A new predictor; ``style`` is how prompts are written for a local language model, ``local:MODEL``.

    Raises IndievalueError, listing what there is, for a name or an option that is unknown.
    """
    kind, _, rest = name.partition(":")
    if kind == "local":
        return make_local(rest, style)
    if kind not in PREDICTORS:
        raise IndievalueError(
            f"there is no predictor {kind!r}; there are {', '.join(PREDICTORS)}, local:MODEL, and PROVIDER/MODEL"
        )
    known = OPTIONS.get(kind, {})
    arguments = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in known:
            options = ", ".join(f"{kind}:{option}=…" for option in known) or "none"
            raise IndievalueError(f"predictor {kind} has no option {key!r}; it has {options}")
        try:
            arguments[key] = known[key](value)
        except ValueError:
            raise IndievalueError(f"predictor {name}: {value!r} is no {known[key].__name__}") from None
    return PREDICTORS[kind](**arguments)
