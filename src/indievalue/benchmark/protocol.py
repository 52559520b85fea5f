"""The probes that the protocol asks together."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from indievalue.survey.survey import Survey


def protocol_probes(survey: Survey, asked: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The probes of every setup of the protocol, as question columns in questionnaire order.

    The i-th setup takes, of each category, its questions 3i, 3i+1 and 3i+2 in questionnaire order, wrapping round where
    the category is short. Questions that nobody in the file answered are not counted as being there.
    """
    per_category = survey.sampling.per_category
    by_category: dict[str, list[int]] = defaultdict(list)
    for position, question in enumerate(survey.questions):
        if asked[position]:
            by_category[question.category].append(position)
    return [
        np.array(
            sorted(
                {
                    members[place % len(members)]
                    for members in by_category.values()
                    for place in range(setup * per_category, (setup + 1) * per_category)
                }
            ),
            np.int64,
        )
        for setup in range(survey.sampling.setups)
    ]
