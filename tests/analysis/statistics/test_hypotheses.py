"""Tests over few runs against scipy's own and by what they promise."""

import math
from itertools import combinations

import numpy as np
import pytest
from error_rates import SHAPES, allowed, of_a_level, of_two
from scipy import stats

from analysis.statistics.hypotheses import ALPHA, Shift, Typical, two_modes

A, B = np.array([3.1, 2.9, 3.6, 3.3, 2.5]), np.array([2.0, 2.6, 2.1, 3.0])


def by_hand(a: np.ndarray, b: np.ndarray) -> float:
    """Brunner and Munzel's test over all orders of the runs, one by one."""
    runs = np.concatenate([a, b])

    def statistic(first: np.ndarray, second: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            found = -float(stats.brunnermunzel(first, second).statistic)
        return found if math.isfinite(found) else math.copysign(1e9, np.median(first) - np.median(second))

    orders = [np.isin(np.arange(len(runs)), chosen) for chosen in combinations(range(len(runs)), len(a))]
    found = np.array([statistic(runs[o], runs[~o]) for o in orders])
    return float(np.mean(found >= statistic(a, b) - 1e-9))


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.95])
def test_a_shift_is_the_larger_p_of_two_tests(threshold: float) -> None:
    welch = stats.ttest_ind(A - threshold, B, equal_var=False, alternative="greater").pvalue
    assert Shift(A, B).p_above(threshold) == pytest.approx(max(welch, by_hand(A - threshold, B)))
    assert Shift(B, A).p_below(-threshold) == Shift(A, B).p_above(threshold)


def test_within_and_beyond_a_margin_are_the_same_either_way_round() -> None:
    one, other = Shift(A, B), Shift(B, A)
    assert one.p_within(1.5) == other.p_within(1.5) == pytest.approx(max(one.p_above(-1.5), one.p_below(1.5)))
    assert one.p_beyond(0.1) == other.p_beyond(0.1) == one.p_above(0.1)


@pytest.mark.parametrize("sizes", [(3, 3), (3, 10), (5, 5), (12, 14)])
def test_an_interval_is_what_the_tests_do_not_exclude(sizes: tuple[int, int]) -> None:
    source = np.random.default_rng(3)
    a, b = 5 + source.normal(size=sizes[0]), source.standard_t(3, size=sizes[1])
    found = Shift(a, b)
    low, high = found.interval
    assert low < found.value < high
    assert found.value == pytest.approx(np.median(np.subtract.outer(a, b)))
    assert found.p_above(low - 1e-6) <= ALPHA < found.p_above(low + 1e-6)
    assert found.p_below(high + 1e-6) <= ALPHA < found.p_below(high - 1e-6)


def test_three_a_side_pass_where_none_overlap() -> None:
    apart = Shift(np.array([5.0, 5.5, 5.2]), np.array([1.0, 1.3, 0.9]))
    assert apart.p_above(0) == pytest.approx(0.05)
    assert apart.interval == pytest.approx((3.7, 4.6))
    assert Shift(np.array([5.0, 5.5, 1.2]), np.array([1.0, 1.3, 0.9])).p_above(0) > ALPHA


def test_a_lost_run_counts_against_whatever_is_tested() -> None:
    a, b = np.arange(5) + 10.0, np.arange(5) + 0.0
    whole, of_a, of_b = Shift(a, b), Shift(a[1:], b, (1, 0)), Shift(a, b[1:], (0, 1))
    assert whole.p_above(0) < 0.01
    assert of_a.p_above(0) == pytest.approx(Shift(np.array([-99.0, *a[1:]]), b)._p_by_pairs(0))
    assert of_b.p_above(0) == of_a.p_above(0) > ALPHA
    assert whole.p_below(20) <= ALPHA < of_a.p_below(20)
    assert Shift(a[:4], b, (6, 0)).interval == (-math.inf, math.inf)


def test_an_estimate_lies_in_its_interval_whoever_diverged() -> None:
    """Most of one side diverged: it is worse by more than any number, and not by what the few that are left say."""
    shift = Shift(np.array([30.0, 40.0, *[np.inf] * 6]), np.array([9.0, 10.0, 11.0, 9.5, 10.5, 11.5, 12.0, 8.5]))
    low, high = shift.interval
    assert low <= shift.value <= high
    assert shift.value == np.inf
    assert Shift(np.array([]), B).value != Shift(np.array([]), B).value


def test_a_run_that_diverged_is_above_every_number() -> None:
    a, b = np.array([10.0, 11.0, 12.0, math.inf]), np.arange(5) + 0.0
    assert Shift(a, b).p_above(2.0) <= ALPHA
    assert Shift(b, a).p_above(0.0) > 0.9
    assert Shift(a, b).value == pytest.approx(10.0)  # of 20 pairs, five of them infinitely far apart


@pytest.mark.parametrize(("count", "n"), [(5, 5), (9, 10), (6, 8), (4, 6)])
def test_a_level_is_the_sign_test(count: int, n: int) -> None:
    values = np.array([1.0 + 0.01 * i if i < count else -1.0 for i in range(n)])
    assert Typical(values).p_above(0) == pytest.approx(stats.binomtest(count, n, 0.5, "greater").pvalue)
    assert Typical(-values).p_below(0) == Typical(values).p_above(0)
    assert Typical(values[1:], lost=1).p_above(0) == pytest.approx(stats.binomtest(count - 1, n, 0.5, "greater").pvalue)


def test_an_interval_of_a_median_is_what_the_test_does_not_exclude() -> None:
    values = np.random.default_rng(1).normal(size=10)
    found = Typical(values)
    low, high = found.interval
    assert found.p_above(low - 1e-9) <= ALPHA < found.p_above(low)
    assert found.p_below(high + 1e-9) <= ALPHA < found.p_below(high)
    assert Typical(values[:4]).interval == (-math.inf, math.inf)
    lost = Typical(values, lost=3)
    assert lost.interval[0] == -math.inf or lost.p_above(lost.interval[0] - 1e-9) <= ALPHA


def test_a_run_nearer_than_its_error_is_on_neither_side() -> None:
    values = np.array([0.2, 0.21, 0.22, 0.23, 0.24])
    assert Typical(values, 0.01).p_above(0.1) == pytest.approx(1 / 32)
    unsure = Typical(values, np.full(5, 0.2))
    assert (unsure.p_above(0.1), unsure.p_below(0.1)) == (1.0, 1.0)


@pytest.mark.parametrize("values", [np.array([]), np.array([3.0, 4.0]), np.full(6, 0.3)])
def test_too_few_and_equal_values_test_nothing(values: np.ndarray) -> None:
    for found in (Shift(values, values), Typical(values)):
        assert math.isnan(found.p_above(0.0))
        assert math.isnan(found.p_below(0.0))
        assert found.interval == (-math.inf, math.inf)


def test_two_modes_are_told_from_one() -> None:
    source = np.random.default_rng(0)
    assert two_modes(np.array([1.0, 1.1, 0.9, 1.05, 9.0, 9.1, 1.02, 8.9])) == (5, 3)
    assert two_modes(np.array([1.0, 1.1, 9.0, 9.1, 9.2])) is None, "too few to tell"
    assert sum(two_modes(source.normal(size=10)) is not None for _ in range(1000)) < 20


@pytest.mark.parametrize("shape", SHAPES)
def test_conclusions_err_no_more_often_than_they_say(shape: str) -> None:
    """Three runs a side of equal scatter, ten of one shape against ten normal ones, eight against a level."""
    draws, source = 250, np.random.default_rng(7)
    draw, normal = SHAPES[shape], SHAPES["normal"]
    assert of_two(draw, draw, (3, 3), draws, source)[0] <= allowed(draws)
    assert of_two(draw, normal, (10, 10), draws, source)[0] <= allowed(draws)
    assert of_a_level(draw, 8, draws, source) <= allowed(draws)
