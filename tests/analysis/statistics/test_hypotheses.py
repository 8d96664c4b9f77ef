"""Tests of means over seeds against scipy's and statsmodels' own."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind

from analysis.statistics import hypotheses


class TestHypotheses:
    a, b = np.array([3.1, 2.9, 3.6, 3.3]), np.array([2.0, 2.6, 2.1])

    @pytest.mark.parametrize("shift", [0.0, 0.5, 1.1])
    def test_a_difference_is_welchs(self, shift: float) -> None:
        estimate = hypotheses.difference(self.a, self.b)
        above = stats.ttest_ind(self.a - shift, self.b, equal_var=False, alternative="greater")
        assert estimate.p_above(shift) == pytest.approx(above.pvalue)
        assert estimate.p_below(shift) == pytest.approx(1 - above.pvalue)
        interval = stats.ttest_ind(self.a, self.b, equal_var=False).confidence_interval(0.9)
        assert estimate.interval() == pytest.approx((interval.low, interval.high))

    @pytest.mark.parametrize("margin", [0.5, 1.5, 2.5])
    def test_equivalence_is_statsmodels_tost(self, margin: float) -> None:
        p, *_ = ttost_ind(self.a, self.b, -margin, margin, usevar="unequal")
        assert hypotheses.difference(self.a, self.b).p_within(margin) == pytest.approx(p)

    def test_beyond_a_margin_is_the_same_either_way_round(self) -> None:
        one, other = hypotheses.difference(self.a, self.b), hypotheses.difference(self.b, self.a)
        assert one.p_beyond(0.3) == pytest.approx(one.p_above(0.3)) == pytest.approx(other.p_beyond(0.3))
        assert one.p_beyond(0.3) < 0.05 < one.p_beyond(1.0)

    def test_a_level_is_the_one_sample_t_test(self) -> None:
        p = stats.ttest_1samp(self.a, 3.0, alternative="greater").pvalue
        assert hypotheses.level(self.a).p_above(3.0) == pytest.approx(p)
        assert hypotheses.level(self.a, np.full(4, 1e-6)).p_above(3.0) == pytest.approx(p)

    def test_measurement_errors_are_a_floor_of_the_spread(self) -> None:
        assert hypotheses.level(self.a, np.full(4, 2.0)).error == pytest.approx(1.0)
        assert hypotheses.level(np.full(3, 0.4), np.full(3, 0.3)).error == pytest.approx(0.3 / math.sqrt(3))

    @pytest.mark.parametrize(
        "estimate", [lambda x: hypotheses.level(x), lambda x: hypotheses.difference(x, np.array([1.0, 2.0]))]
    )
    def test_one_value_tests_nothing(self, estimate: Callable[[np.ndarray], hypotheses.Estimate]) -> None:
        one, none = estimate(np.array([3.0])), estimate(np.array([]))
        for e in (one, none):
            assert all(
                map(math.isnan, (e.p_above(0.0), e.p_below(0.0), e.p_within(1.0), e.p_beyond(1.0), *e.interval()))
            )

    @pytest.mark.parametrize("value", [0.1, 5.0])
    def test_without_spread_nothing_is_tested(self, value: float) -> None:
        for estimate in (
            hypotheses.difference(np.full(3, value), np.full(3, 2.0)),
            hypotheses.level(np.full(3, value)),
        ):
            assert estimate.error == 0
            assert all(map(math.isnan, (estimate.p_above(1.0), estimate.p_within(9.0), *estimate.interval())))
