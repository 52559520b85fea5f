"""Rubin's rules, against a computation by hand."""

import numpy as np
import pytest
from scipy.stats import t as student

import indievalue as iv
from indievalue.errors import IndievalueError


def test_by_hand() -> None:
    """Three files: the mean is 2; variances 1, 2 and 3 have the mean 2; 1, 2 and 3 vary by 1 among themselves.

    Then the variance is 2 + (1 + 1/3) × 1 = 10/3, of which λ = (4/3) / (10/3) = 0.4 is added by what is missing, and
    Rubin's degrees of freedom are (3 - 1) / 0.4² = 12.5.
    """
    found = iv.pooled([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (found.estimate, found.within, found.between) == (2.0, 2.0, 1.0)
    assert found.variance == pytest.approx(10 / 3)
    assert found.standard_error == pytest.approx(np.sqrt(10 / 3))
    assert found.freedom == pytest.approx(12.5)
    reach = student.ppf(0.975, 12.5) * np.sqrt(10 / 3)
    assert (found.low, found.high) == (pytest.approx(2 - reach), pytest.approx(2 + reach))
    # r = (4/3) / 2 = 2/3; (r + 2 / (12.5 + 3)) / (r + 1)
    assert found.missing_information == pytest.approx((2 / 3 + 2 / 15.5) / (5 / 3))


def test_degrees_of_freedom_of_barnard_and_rubin() -> None:
    """With 10 for complete data, what is observed has 11/13 × 10 × (1 - 0.4) = 66/13; 1 / (1/12.5 + 13/66) in all."""
    found = iv.pooled([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], complete_freedom=10)
    assert found.freedom == pytest.approx(1 / (1 / 12.5 + 13 / 66))
    assert found.freedom < 10


def test_several_estimates_are_pooled_one_by_one() -> None:
    several = iv.pooled([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]], [[1.0, 4.0], [2.0, 4.0], [3.0, 4.0]])
    alone = iv.pooled([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert several.low[0] == alone.low
    assert several.estimate.tolist() == [2.0, 5.0]


def test_nothing_missing_gives_the_usual_interval() -> None:
    found = iv.pooled([5.0, 5.0], [4.0, 4.0])
    assert (found.variance, found.freedom, found.missing_information) == (4.0, np.inf, 0.0)
    assert found.high == pytest.approx(5 + 1.959964 * 2, abs=1e-5)
    small = iv.pooled([5.0, 5.0], [4.0, 4.0], complete_freedom=8)
    assert small.freedom == pytest.approx(9 / 11 * 8)


def test_an_interval_of_another_level_is_narrower() -> None:
    usual, narrow = (iv.pooled([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], level=level) for level in (0.95, 0.5))
    assert narrow.high - narrow.low < usual.high - usual.low


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([1.0], [1.0]), "two completed files"),
        (([1.0, 2.0], [1.0]), "one shape"),
        (([[[1.0]], [[2.0]]], [[[1.0]], [[2.0]]]), "one shape"),
        (([1.0, np.nan], [1.0, 1.0]), "finite"),
        (([1.0, 2.0], [1.0, -1.0]), "from 0 up"),
        (([1.0, 2.0], [1.0, 1.0], 0.0), "above 0"),
        (([1.0, 2.0], [1.0, 1.0], None, 95.0), "between 0 and 1"),
    ],
)
def test_what_is_refused(arguments: tuple, said: str) -> None:
    with pytest.raises(IndievalueError, match=said):
        iv.pooled(*arguments)
