"""A draft: what is known of a survey's questions before they are written as YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indievalue.survey.draft.demographics import DraftDemographic
from indievalue.survey.draft.labels import Scale
from indievalue.survey.draft.metadata import Language
from indievalue.survey.draft.statements import Wording


@dataclass(frozen=True)
class DraftQuestion:
    """One attitude item, with what should be checked in it.

    Attributes:
        columns: the columns that hold it, where halves of the people have it in two. answered: who answered it.
        skipped: whether an empty cell says that it was not asked, and not that an answer is missing.
    """

    id: str
    topic: str
    scale: Scale
    wording: Wording
    category: str = ""
    checks: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    skipped: bool = False
    answered: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool), compare=False, repr=False)


@dataclass(frozen=True)
class Draft:
    """A specification that is to be checked by hand.

    Attributes:
        person: columns that identify a person. weight: columns whose product is the weight.
        missing: codes that are an answer of no column → what they mean. not_asked, empty: the codes of empty
            cells, where a question was not asked, and where an answer is missing.
        answered_probes: probes that a person must have answered in each setup, where hardly anybody answered all.
        left_out: columns that are no part of it → why. checks: what to check in survey.yaml, by key.
    """

    name: str
    source: str
    language: Language
    questions: tuple[DraftQuestion, ...]
    demographics: tuple[DraftDemographic, ...]
    person: tuple[str, ...]
    weight: tuple[str, ...]
    country: str | None
    missing: Mapping[int, str]
    not_asked: int
    empty: int
    tags: Mapping[str, str]
    left_out: Mapping[str, str]
    setups: int = 3
    per_category: int = 3
    answered_probes: int | None = None
    checks: Mapping[str, str] = field(default_factory=dict)

    @property
    def categories(self) -> list[str]:
        """Categories in the order of their first question."""
        return list(dict.fromkeys(question.category for question in self.questions))
