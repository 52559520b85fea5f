"""The table of published reliabilities keeps to its own rules."""

import re

import pytest
from pydantic import ValidationError

from indievalue.scoring.reliabilities import Published, published_reliabilities

TABLE = published_reliabilities()


def test_every_figure_has_a_source_with_a_year() -> None:
    assert len(TABLE) >= 10
    for row in TABLE:
        assert re.search(r"\b(19|20)\d\d\b", row.source), row
        assert (row.low is None) == (row.high is None), row
        assert row.low is None or row.note, row  # what low and high are must be said


def test_no_figure_is_there_twice() -> None:
    keys = [(row.kind, row.options, row.measure, row.source) for row in TABLE]
    assert len(set(keys)) == len(keys)


def test_facts_are_more_reliable_than_behaviours_and_those_than_attitudes() -> None:
    typical = {row.kind: row.typical for row in TABLE if row.measure == "reliability" and row.options is None}
    assert typical["fact"] > typical["behaviour"] > typical["attitude"]


def test_half_of_the_core_items_of_the_general_social_survey_are_below_070() -> None:
    """62 of 293 items above .85 and 71 more above .70 are 45%."""
    row = next(row for row in TABLE if "Hout" in row.source)
    assert (row.typical, row.high, row.items) == (0.70, 0.85, 293)
    assert round(100 * (62 + 71) / 293) == 45
    assert "133 (45%)" in row.note


@pytest.mark.parametrize(
    "wrong", [{"low": 0.9}, {"typical": 1.2}, {"kind": "opinion"}, {"options": 1}, {"source": ""}, {"more": 1}]
)
def test_a_row_that_breaks_the_rules_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Published.model_validate({**TABLE[0].model_dump(), **wrong})
