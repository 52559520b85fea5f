"""A masked model of the whole questionnaire: a network that learns to fill in answers it does not see.

``options`` what can be chosen · ``inputs`` people as arrays · ``network`` the model · ``hiding`` what is hidden while
training · ``training`` the loop · ``checkpoint`` its state on disk · ``progress`` what is said meanwhile ·
``predictor`` the predictor. All but this module and ``options`` need torch, which is an extra.
"""

from typing import Any

from indievalue.errors import importing
from indievalue.predictors.protocol import Predictor


def make_masked(**options: Any) -> Predictor:
    """A new, unfitted masked predictor. Raises IndievalueError where torch is not installed or an option is off."""
    with importing("the predictor masked needs", "masked"):
        from indievalue.predictors.masked.predictor import Masked
    return Masked(**options)
