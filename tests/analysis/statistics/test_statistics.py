"""Summaries and paired differences against scipy called by hand, hand formulas and properties."""

import math

import numpy as np
import pandas as pd
import pytest
from made_up import grid, noisy, runs
from scipy import special, stats

from analysis.statistics.differences import compare_to_baseline, paired
from analysis.statistics.summaries import summarize
from binarygan.errors import UserError

NORMAL = np.random.default_rng(3).normal(10, 2, size=8)


class TestSummarize:
    def test_mean_and_t_interval_are_scipys(self) -> None:
        s = summarize(NORMAL)
        low, high = stats.t.interval(0.95, len(NORMAL) - 1, NORMAL.mean(), stats.sem(NORMAL))
        assert s.n == 8
        assert (s.mean, s.sd) == pytest.approx((NORMAL.mean(), NORMAL.std(ddof=1)))
        assert (s.low, s.high) == pytest.approx((low, high))

    def test_interquartile_mean_is_the_trimmed_mean_where_quarters_are_whole(self) -> None:
        assert summarize(NORMAL).iqm == pytest.approx(stats.trim_mean(NORMAL, 0.25))

    def test_interquartile_mean_of_three_seeds_weighs_the_outer_ones_a_quarter(self) -> None:
        assert summarize([9.0, 1.0, 2.0]).iqm == pytest.approx((0.25 * 1 + 2 + 0.25 * 9) / 1.5)

    def test_bootstrap_interval_is_scipys_and_the_same_each_time(self) -> None:
        s, again = summarize(NORMAL), summarize(NORMAL[::-1])
        reference = stats.bootstrap(
            (NORMAL,), lambda x, axis: stats.trim_mean(x, 0.25, axis=axis), method="percentile", n_resamples=20_000
        ).confidence_interval
        assert (s.iqm_low, s.iqm_high) == pytest.approx((reference.low, reference.high), abs=0.15)
        assert (s.iqm_low, s.iqm_high) == (again.iqm_low, again.iqm_high)

    def test_what_few_seeds_do_not_allow_is_nan_and_said(self) -> None:
        one, three, none = summarize([5.0]), summarize([5.0, 6.0, 8.0]), summarize([])
        assert (one.n, one.mean, one.iqm) == (1, 5, 5)
        assert all(map(math.isnan, (one.sd, one.low, one.high, one.iqm_low)))
        assert math.isnan(three.iqm_low)
        assert not math.isnan(three.low)
        assert none.n == 0
        assert math.isnan(none.mean)

    def test_numbers_that_are_not_finite_do_not_count(self) -> None:
        assert summarize([1.0, math.nan, 3.0, math.inf]).n == 2
        assert summarize([1.0, math.nan, 3.0, math.inf]).mean == 2

    def test_intervals_stay_within_the_metrics_range(self) -> None:
        few = summarize([0.90, 0.97, 0.999], "recall")
        assert few.high == 1
        assert few.low == summarize([0.90, 0.97, 0.999]).low
        assert summarize([0.1, 0.5, 2.0], "fid").low == 0
        assert summarize([0.1, 0.5, 2.0], "fid_inf").low < 0
        assert summarize([0.1, 0.5, 0.9], "recall_bernoulli").high == 1

    @pytest.mark.parametrize(("values", "metric"), [([0.1, 0.1, 0.1], ""), ([9.0, 10.0, 10.0], "classes_covered")])
    def test_seeds_that_are_the_same_and_counts_have_no_interval(self, values: list[float], metric: str) -> None:
        s = summarize(values, metric)
        assert math.isnan(s.low)
        assert math.isnan(s.high)


class TestPaired:
    values = pd.Series([5.0, 6.5, 7.0, 9.0], index=[0, 1, 2, 3])
    baseline = pd.Series([8.5, 4.0, 5.0, 6.0], index=[3, 0, 1, 2])

    def test_interval_and_p_are_scipys_whatever_the_order(self) -> None:
        d = paired(self.values, self.baseline)
        reference = stats.ttest_rel([5.0, 6.5, 7.0, 9.0], [4.0, 5.0, 6.0, 8.5])
        low, high = reference.confidence_interval(0.95)
        assert (d.n, d.mean, d.low, d.high) == pytest.approx((4, 1.0, low, high))
        assert d.p == pytest.approx(reference.pvalue)

    def test_wilcoxon_checks_where_there_are_pairs_enough(self) -> None:
        d = paired(pd.Series(NORMAL), pd.Series(NORMAL[::-1] + 1.7))
        assert d.p_wilcoxon == stats.wilcoxon(NORMAL, NORMAL[::-1] + 1.7).pvalue
        assert d.note == ""
        few = paired(self.values, self.baseline)
        assert math.isnan(few.p_wilcoxon)
        assert "p cannot be below 0.12" in few.note

    def test_effect_is_hedges_g_av(self) -> None:
        d = paired(self.values, self.baseline)
        average = math.sqrt((self.values.var() + self.baseline.var()) / 2)
        j = special.gamma(1.5) / (math.sqrt(1.5) * special.gamma(1))
        assert d.effect == pytest.approx(1.0 / average * j)

    def test_only_seeds_in_common_are_pairs(self) -> None:
        d = paired(self.values.iloc[:3], self.baseline.drop(0))
        assert (d.n, d.mean) == (2, 1.25)

    def test_one_pair_has_a_difference_and_no_test(self) -> None:
        d = paired(self.values.iloc[:1], self.baseline)
        assert (d.n, d.mean) == (1, 1.0)
        assert all(map(math.isnan, (d.low, d.high, d.effect, d.p, d.p_wilcoxon)))
        assert "one pair" in d.note

    def test_a_ratio_is_tested_on_logarithms(self) -> None:
        d = paired(self.values, self.baseline, ratio=True)
        x, y = np.log([5.0, 6.5, 7.0, 9.0]), np.log([4.0, 5.0, 6.0, 8.5])
        reference = stats.ttest_rel(x, y)
        interval = reference.confidence_interval(0.95)
        assert d.p == pytest.approx(reference.pvalue)
        assert (d.mean, d.low, d.high) == pytest.approx((*np.exp([(x - y).mean(), interval.low, interval.high]),))
        assert d.effect == paired(np.log(self.values), np.log(self.baseline)).effect
        assert paired(pd.Series([0.0, 5.0]), pd.Series([1.0, 5.0]), ratio=True).n == 1  # 0 has no logarithm

    @pytest.mark.parametrize(("more", "said"), [(0.0, "all pairs are equal"), (1.0, "differ by the same")])
    def test_pairs_without_spread_are_not_tested(self, more: float, said: str) -> None:
        d = paired(self.values + more, self.values)
        assert d.mean == more
        assert all(map(math.isnan, (d.low, d.high, d.p)))
        assert said in d.note

    def test_a_seed_that_stands_twice_is_refused(self) -> None:
        with pytest.raises(ValueError, match="twice"):
            paired(pd.Series([1.0, 2.0], index=[0, 0]), self.baseline)


class TestCompareToBaseline:
    def test_every_cell_is_against_the_baseline_and_adjusted_by_holm(self) -> None:
        members = grid(noisy())
        baseline = members["cell_id"].iloc[0]
        table = compare_to_baseline(members, "fid", baseline)
        assert set(table["cell_id"]) == set(members["cell_id"]) - {baseline}
        first = np.log(members[members["cell_id"] == baseline]["fid"])
        ps = [stats.ttest_rel(np.log(members[members["cell_id"] == c]["fid"]), first).pvalue for c in table["cell_id"]]
        order = np.argsort(ps)
        by_hand = np.minimum(np.maximum.accumulate(np.array(ps)[order] * np.arange(5, 0, -1)), 1)
        assert table["p"].tolist() == pytest.approx(ps)
        assert table["p_holm"].to_numpy()[order] == pytest.approx(by_hand)

    def test_failures_keep_their_row_and_stay_out_of_means(self) -> None:
        ok, part, lost = (
            runs({"fid": [10.0, 11.0, 12.0]}),
            runs({"neuron": "stochastic", "fid": [20.0, 23.0, 999.0]}, statuses=["done", "done", "running"]),
            runs({"objective": "wgan", "neuron": "stochastic"}, statuses=["failed", "diverged", "failed"]),
        )
        table = compare_to_baseline(pd.concat([ok, part, lost]), "fid", ok["cell_id"].iloc[0]).set_index("cell_id")
        of_part, of_lost = (table.loc[cell["cell_id"].iloc[0]] for cell in (part, lost))
        assert of_part["n"] == 2
        assert of_lost["n"] == 0
        assert of_lost["note"] == "no finished seed of the cell"
        assert of_part["p_holm"] == of_part["p"]  # a family of one

    def test_a_real_valued_cell_has_a_row_for_each_binarization(self) -> None:
        members = runs(
            {"metrics": {"fid": 10.0, "ink": 0.2}},
            {"neuron": "real", "metrics": {"fid": 12.0, "fid_bernoulli": 15.0, "seconds": 9.0}},
        )
        binary, real = members["cell_id"].unique()
        table = compare_to_baseline(members, "fid", binary)
        ratios = dict(zip(table["binarization"], table["mean"], strict=True))
        assert ratios == pytest.approx({"threshold": 1.2, "bernoulli": 1.5})
        own = compare_to_baseline(members, "fid", real)
        assert own["mean"].tolist() == pytest.approx([10 / 12, 15 / 12]), "by threshold"
        assert len(compare_to_baseline(members, "preactivated_notch", binary)) == 1

    def test_an_unknown_baseline_is_a_clear_line(self) -> None:
        with pytest.raises(UserError, match="'nowhere' is not in the study"):
            compare_to_baseline(grid(noisy()), "fid", "nowhere")
