"""What the reason of a missing code tells: that nothing was answered, or that the question did not apply."""

import re

from indievalue.survey.draft.words import MISSING

_DOES_NOT_APPLY = re.compile(
    r"^\(?iap\.?\)?$|\b(not applicable|inapplicable|does not apply"
    r"|no aplica|no procede|no corresponde|sans objet|non concern[ée]e?)\b"
)
_NOT_PUT = re.compile(
    r"\b(not asked|not put|skipped|not reached|no post-election|no preguntad[oa]|non pos[ée]e?|not on this form)\b"
)


def is_no_answer(reason: str) -> bool:
    """Whether the code is no answer, such as "don't know" or "refused"."""
    return MISSING.search(reason.lower().replace("’", "'")) is not None


def does_not_apply(reason: str) -> bool:
    """Whether the question did not apply to the person, such as one on a partner to somebody who lives alone."""
    return _DOES_NOT_APPLY.search(reason.lower()) is not None


def was_not_put(reason: str) -> bool:
    """Whether the person was not asked, be it that the question did not apply or that others were asked it."""
    return does_not_apply(reason) or _NOT_PUT.search(reason.lower()) is not None
