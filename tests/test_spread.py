"""The spread of true values behind noise, against brute force and formulas written out."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from indievalue.scoring.spread import (
    _roots,
    _shrunk,
    _true_spread,
    mean_spread_interval,
    spread,
    spread_interval,
    true_spreads,
)

Floats = NDArray[np.float64]


def _largest_root(a: Floats, b: Floats, c: Floats, observed: float) -> float:
    """The largest t ≥ 0 at which the mean of √(a t² + 2 b t + c) is ``observed``, by bisection; 0 if there is none."""

    def excess(t: Floats) -> Floats:
        """Of each t (times,)."""
        t = np.atleast_1d(t)[:, None]
        return np.asarray(np.sqrt(np.maximum(a * t**2 + 2 * b * t + c, 0)).mean(axis=1) - observed)

    places = np.linspace(0, 4000, 40_001)
    above = excess(places) > 0
    rises = np.flatnonzero(~above[:-1] & above[1:])
    if not len(rises):
        return 0.0
    return float(brentq(lambda t: excess(t).item(), places[rises[-1]], places[rises[-1] + 1]))


@pytest.mark.parametrize("steep", [1.0, 1e-4, 25.0])
def test_the_largest_root_is_that_of_bisection(steep: float) -> None:
    rng = np.random.default_rng(1)
    a = steep * rng.uniform(0.2, 2, (3, 1))
    c = rng.uniform(0.5, 4, (3, 12))
    b = -rng.uniform(0, 0.95, (3, 12)) * np.sqrt(a * c)  # the mean falls before it rises
    for observed in (0.4, 1.0, 1.6, 3.0):
        found, at_zero = _roots(a, b, c, observed)
        assert at_zero == pytest.approx(np.sqrt(c).mean(axis=0))
        expected = [_largest_root(a[:, 0], b[:, at], c[:, at], observed) for at in range(12)]
        assert found == pytest.approx(expected, abs=1e-6, rel=1e-6)


def test_one_demographic_s_true_spread_solves_its_equation() -> None:
    """The spread t at which scaled true values and a draw's noise together spread as much as what was observed."""
    rng = np.random.default_rng(2)
    values, noise = rng.normal(70, 4, 5), rng.normal(0, 3, (40, 5))
    found = true_spreads(values, noise)
    apart = values - noise.mean(axis=0)
    unit = (apart - apart.mean()) / spread(apart)
    for t, draw in zip(found, noise, strict=True):
        if t >= 0:
            assert spread(t * unit + draw) == pytest.approx(spread(values)) or t == 0
        else:
            assert spread(draw) > spread(values)
            assert t == pytest.approx(-np.sqrt(draw.var(ddof=1) - values.var(ddof=1)))
    assert (found > 0).any()


def test_noise_just_above_the_observed_spread_counts_as_a_negative_one() -> None:
    values = np.array([10.0, 10.5, 11.0])
    noise = np.stack([1.2 * (values - 10.5), 0.8 * (values - 10.5), [np.nan, 0.0, 0.0]])
    found = true_spreads(values, noise)
    assert found[0] == pytest.approx(-0.5 * np.sqrt(1.2**2 - 1))
    assert found[1] >= 0
    assert np.isnan(found[2])


def _shrunk_by_hand(values: list[Floats], noise: list[Floats], between: list[float]) -> Floats:
    variances = []
    for value, draws, square in zip(values, noise, between, strict=True):
        scale = np.sqrt(max(square, 0.0)) / np.std(value, ddof=1)
        drawn = [np.var(scale * (value - value.mean()) + draw, ddof=1) for draw in draws]
        variances.append(np.var(drawn))
    differences = np.var(between, ddof=1)
    kept = max(0.0, 1 - np.mean(variances) / differences)
    middle = np.mean(between)
    return np.array([np.sqrt(max(max(middle, 0.0) + kept * (square - middle), 0.0)) for square in between])


def test_spreads_are_shrunk_toward_their_mean_by_the_noise_in_them() -> None:
    rng = np.random.default_rng(3)
    values = [rng.normal(0, wide, 6) for wide in (5.0, 1.0, 8.0)]
    noise = [rng.normal(0, 0.4, (50, 6)) for _ in values]
    between = [20.0, 0.6, 61.0]
    found = _shrunk(values, noise, between)
    assert found == pytest.approx(_shrunk_by_hand(values, noise, between))
    assert (np.diff(found[[1, 0, 2]]) > 0).all()
    assert (abs(found**2 - np.mean(between)) < abs(np.array(between) - np.mean(between))).all()
    wild = [rng.normal(0, 9, (50, 6)) for _ in values]  # differences between spreads are all noise
    assert _shrunk(values, wild, [2.0, 3.0, 4.0]) == pytest.approx(np.sqrt([3.0, 3.0, 3.0]))
    assert _shrunk(values, wild, [4.0, 4.0, 4.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert _shrunk(values, wild, [-1.0, -2.0, -3.0]) == pytest.approx([float(spread(value)) for value in values])
    flat = [np.full(6, 3.0), *values[1:]]
    assert np.isfinite(_shrunk(flat, noise, [-0.1, *between[1:]])).all()


def test_without_a_usable_draw_there_is_no_interval() -> None:
    values = [np.array([1.0, 2.0]), np.array([3.0, 5.0])]
    noise = [np.array([[np.nan, 0.0]] * 3), np.array([[0.0, 1.0]] * 3)]
    assert np.isnan(mean_spread_interval(values, noise, [0.5, 2.0])).tolist() == [True] * 3
    assert np.isnan(spread_interval(values[0], noise[0])).all()
    for found in (mean_spread_interval(values, noise, [0.5, 2.0]), spread_interval(values[0], noise[0])):
        assert isinstance(found, tuple)


def test_the_low_end_assumes_spread_only_where_it_is_sure() -> None:
    rng = np.random.default_rng(4)
    values = [np.array([0.0, 10.0, 20.0, 30.0]), *(rng.normal(0, 2, 4) for _ in range(6))]
    noise = [rng.normal(0, 2, (400, 4)) for _ in range(7)]
    between = [float(np.var(values[0], ddof=1) - 4), *[0.5] * 6]
    own = np.sqrt(between)
    sure = [float(share) * (spread_interval(*one)[0] > 0) for share, *one in zip(own, values, noise, strict=True)]
    assert [share > 0 for share in sure] == [True, *[False] * 6]
    shrunk = _shrunk(values, noise, between)
    found = mean_spread_interval(values, noise, between)
    assert found[0] == _true_spread(values, noise, np.array(sure))[0]
    assert found[0] < _true_spread(values, noise, shrunk)[0]
    assert found[1:] == _true_spread(values, noise, shrunk)[1:]


def test_groups_that_differ_by_the_bias_of_the_draws_alone_have_no_spread() -> None:
    values = np.array([0.0, 1.0])
    assert spread_interval(values, np.stack([values, values])) == (0, 0)


def test_groups_that_happen_to_be_equal_may_differ_by_as_much_as_noise_hides() -> None:
    # With noise of 2 or 4, so a bias of 3, a difference of 0 is one of −3 without it. It is seen for a true one of −2
    # or −4, whose sizes are 2 and 4; the noise alone is larger than 0, so the interval begins at 0.
    noise = np.array([[0.0, 2.0], [0.0, 4.0]])
    equal, nearly = (spread_interval(np.array([70.0, 70.0 + apart]), noise) for apart in (0, 1e-4))
    assert equal == pytest.approx((0, 3.95 / 2**0.5), rel=1e-5)
    assert equal == pytest.approx(nearly, rel=1e-4)
    assert spread_interval(np.full(2, 70.0), np.zeros((5, 2))) == (0, 0)
    equals = [np.full(2, 70.0)] * 2
    assert mean_spread_interval(equals, [noise] * 2, [-1.0, -1.0]) == pytest.approx((0, 0, equal[1]))


def test_intervals_of_small_differences_are_those_of_large_ones_in_other_units() -> None:
    values, noise = np.array([70.0, 80.0]), np.array([[1.0, -1.0], [0.0, 2.0]])
    for group in (values, np.full(2, 70.0)):
        large, small = spread_interval(group, noise), spread_interval(group / 1000, noise / 1000)
        assert small == pytest.approx([end / 1000 for end in large], rel=1e-7)


def test_noise_in_one_of_two_demographics_counts_by_the_share_of_its_spread() -> None:
    # Spreads of 4 and 2, so 3 in the mean. With true ones of 2 t and t, and noise of 1 or −1 in the first, the mean is
    # (|2 t ± 1| + t) / 2 = 3 at t = 5/3 or 7/3, at which the mean of the true ones is 2.5 or 3.5.
    root = 2**0.5
    values = [np.array([0.0, 4 * root]), np.array([0.0, 2 * root])]
    noise = [np.array([[0.0, root], [0.0, -root]]), np.zeros((2, 2))]
    assert _true_spread(values, noise, np.array([2.0, 1.0])) == pytest.approx((2.525, 3, 3.475))


def test_the_low_end_is_0_where_noise_is_exactly_as_large_as_what_was_observed() -> None:
    assert spread_interval(np.array([0.0, 1.0]), np.array([[0.0, 1.0], [0.0, -1.0]])) == pytest.approx(
        (0, 1.95 / 2**0.5)
    )
