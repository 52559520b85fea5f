"""A masked model of the whole questionnaire: a network that is trained to fill in hidden answers.

``options`` options · ``inputs`` people as arrays · ``network`` the model · ``hiding`` what is hidden while
training · ``training`` the loop · ``checkpoint`` its state on disk · ``progress`` progress messages ·
``predictor`` the predictor. All but this module and ``options`` need torch, which is an extra.
"""

from typing import Any

from indievalue.errors import importing
from indievalue.predictors.protocol import Predictor


def make_masked(**options: Any) -> Predictor:
    """Return an unfitted masked predictor. Raises IndievalueError without torch, or if an option is invalid."""
    with importing("the predictor masked needs", "masked"):
        from indievalue.predictors.masked.predictor import Masked
    return Masked(**options)
