"""Tests over few runs that hold whatever the shape of their scatter: two modes, outliers, runs that were lost.

The questions are of a typical run, not of the mean: whether a run of one configuration is above a run of another by
more than a threshold more often than not, and whether more than half of the runs are above a level. A mean cannot be
tested so: where one run in ten goes astray, ten runs show nothing of it a third of the time.

A run that was lost (it failed, was stopped or has no number) counts against whatever is tested: as the lowest where
"above" is tested, as the highest where "below" is. `python benchmarks/error_rates.py` simulates how often each test
errs.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations

import numpy as np
from scipy import stats

from analysis.statistics.summaries import SAME

ALPHA = 0.05
"""Level of every one-sided test; the interval that goes with it is of 90%."""
FEWEST = 3
"""Runs a side, for a test."""
TELLING = 8
"""Runs, to tell two modes."""
MOST_ORDERS, DRAWN = 200_000, 20_000
"""Of two samples: p is exact over so many orders, and of more orders so many are drawn."""


@dataclass(frozen=True, eq=False)
class Shift:
    """How far a run of one configuration is above a run of another.

    p is the larger of two tests': Brunner and Munzel's, by permutation (Neubert and Brunner 2007), whose statistic is
    the share of pairs with the first above the second over its standard error, and Welch's t test. The first is exact
    where the two scatter alike, in whatever shape, and holds for unlike scatter from five runs a side on; the second
    keeps the level for fewer that scatter unlike. Where runs were lost or diverged it is the first alone. Three runs a
    side pass where all of one side are above all of the other.
    """

    a: np.ndarray
    """Of the first configuration; infinite where a run diverged, which is worse than any number."""
    b: np.ndarray
    """Of the second."""
    lost: tuple[int, int] = (0, 0)
    """Runs of each without a number."""

    @cached_property
    def value(self) -> float:
        """The median difference of a run of the first and one of the second (Hodges and Lehmann 1963).

        One that diverged is infinitely far from one that did not, as in the interval.
        """
        if not (len(self.a) and len(self.b)):
            return math.nan
        with np.errstate(invalid="ignore"):
            found = np.nan_to_num(np.subtract.outer(self.a, self.b), nan=0.0, posinf=math.inf, neginf=-math.inf)
            return float(np.median(found))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """What the tests do not exclude, each end at level ALPHA, so that it is of 90%; infinite where runs are few."""
        return self._lower(), -self._turned._lower()

    def p_above(self, threshold: float) -> float:
        """p of the hypothesis that a run of the first is above one of the second by more than the threshold at most
        half of the time; NaN where there are too few runs, or all are the same."""
        if not self._testable:
            return math.nan
        p = self._p_by_pairs(threshold)
        return max(p, self._p_by_means(threshold)) if self._whole else p

    def p_below(self, threshold: float) -> float:
        """The same of below."""
        return self._turned.p_above(-threshold)

    def p_within(self, margin: float) -> float:
        """p of the hypothesis that they are `margin` or more apart: two one-sided tests (Schuirmann 1987)."""
        return max(self.p_above(-margin), self.p_below(margin))

    def p_beyond(self, margin: float) -> float:
        """p of the hypothesis that they are at most `margin` apart, on the side where they are."""
        return min(self.p_above(margin), self.p_below(-margin))

    @cached_property
    def _differences(self) -> np.ndarray:
        """Of all pairs that have one, sorted."""
        finite = (x[np.isfinite(x)] for x in (self.a, self.b))
        return np.sort(np.subtract.outer(*finite), axis=None)

    @cached_property
    def _testable(self) -> bool:
        return min(len(self.a), len(self.b)) >= FEWEST and (scatters(self.a) or scatters(self.b))

    @cached_property
    def _whole(self) -> bool:
        return not any(self.lost) and bool(np.isfinite([*self.a, *self.b]).all())

    @cached_property
    def _turned(self) -> "Shift":
        return Shift(self.b, self.a, self.lost[::-1])

    def _lower(self) -> float:
        """The largest threshold up to which p_above is at most ALPHA."""
        steps = np.unique(self._differences)
        if not (self._testable and len(steps) and self._p_by_pairs(steps[0] - 1) <= ALPHA):
            return -math.inf
        first = bisect_left(range(len(steps)), True, key=lambda i: self._p_by_pairs(float(steps[i])) > ALPHA)
        lower = float(steps[min(first, len(steps) - 1)])
        if self._whole:
            found = stats.ttest_ind(self.a, self.b, equal_var=False).confidence_interval(1 - 2 * ALPHA)
            lower = min(lower, float(found.low))
        return lower

    def _p_by_means(self, threshold: float) -> float:
        return float(stats.ttest_ind(self.a - threshold, self.b, equal_var=False, alternative="greater").pvalue)

    def _p_by_pairs(self, threshold: float) -> float:
        lost = (np.full(n, math.inf) for n in self.lost)
        a, b = np.concatenate([self.a, -next(lost)]), np.concatenate([self.b, next(lost)]) + threshold
        above = a[:, None] > b  # what is equal is not above
        found = float(_share_over_error(above.mean(1), above.mean(0)))
        by_chance = _by_chance(*above.shape)
        reached = len(by_chance) - int(np.searchsorted(by_chance, found - 1e-9 * abs(found)))
        exact = len(by_chance) == math.comb(sum(above.shape), len(a))
        return reached / len(by_chance) if exact else (reached + 1) / (len(by_chance) + 1)


def _share_over_error(of_a: np.ndarray, of_b: np.ndarray) -> np.ndarray:
    """Brunner and Munzel's statistic from the share of the other sample that each run of a sample is above (a), or
    below (b), along the last axis."""
    m, n = of_a.shape[-1], of_b.shape[-1]
    variance = of_a.var(-1, ddof=1) / m + of_b.var(-1, ddof=1) / n
    least = (0.5 / (m * n)) ** 2  # samples without an overlap have none
    return np.asarray((of_a.mean(-1) - 0.5) / np.sqrt(np.maximum(variance, least)))


@lru_cache(maxsize=64)
def _by_chance(m: int, n: int) -> np.ndarray:
    """The statistic over all orders of m and n runs, or over many drawn ones, sorted."""
    if math.comb(m + n, m) <= MOST_ORDERS:
        chosen = np.array(list(combinations(range(m + n), m)))
        is_a = np.zeros((len(chosen), m + n), bool)
        np.put_along_axis(is_a, chosen, True, axis=1)
    else:
        is_a = np.random.default_rng(0).permuted(np.tile(np.arange(m + n) < m, (DRAWN, 1)), axis=1)
    below = np.cumsum(~is_a, axis=1)[is_a].reshape(-1, m) / n
    above = (m - np.cumsum(is_a, axis=1)[~is_a]).reshape(-1, n) / m
    return np.sort(_share_over_error(below, above))


@dataclass(frozen=True, eq=False)
class Typical:
    """The median over the runs of a configuration, by counting them: the sign test, exact for every shape.

    A run is above (or below) a level where it is so by more than the error with which it was measured. From five runs
    on the test can tell.
    """

    values: np.ndarray
    errors: np.ndarray | float = 0.0
    lost: int = 0
    """Runs without a number."""

    @property
    def value(self) -> float:
        """The median."""
        return float(np.median(self.values)) if len(self.values) else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """What the test does not exclude, each end at level ALPHA; infinite where runs are too few."""
        lower, upper = np.sort(self.values - self.errors), np.sort(self.values + self.errors)
        last = int(stats.binom.ppf(ALPHA, len(lower) + self.lost, 0.5)) if self._testable else 0
        first = last - self.lost - 1  # the lost ones come first
        return (float(lower[first]), float(upper[-1 - first])) if first >= 0 else (-math.inf, math.inf)

    def p_above(self, level: float) -> float:
        """p of the hypothesis that at most half of the runs are above the level; NaN as in `Shift`."""
        return self._p(int((self.values - self.errors > level).sum()))

    def p_below(self, level: float) -> float:
        """The same of below."""
        return self._p(int((self.values + self.errors < level).sum()))

    @property
    def _testable(self) -> bool:
        return len(self.values) >= FEWEST and scatters(self.values)

    def _p(self, count: int) -> float:
        return float(stats.binom.sf(count - 1, len(self.values) + self.lost, 0.5)) if self._testable else math.nan


def scatters(values: np.ndarray) -> bool:
    """Whether seeds differ at all; where they do not, a fault in the study is likelier than such a network."""
    finite = values[np.isfinite(values)]
    return len(finite) < len(values) or bool(np.ptp(finite) > SAME * abs(finite).max())


def two_modes(values: np.ndarray) -> tuple[int, int] | None:
    """How many of the runs are in the lower and in the upper of two modes; None where there is but one, or fewer than
    eight runs to tell by.

    There are two where the widest gap that leaves two runs on either side is more than four times the standard
    deviation within the sides. That is so of 2% of samples of eight normal values, and of 1% of ten.
    """
    x = np.sort(values[np.isfinite(values)])
    if len(x) < TELLING or not scatters(x):
        return None
    gaps = np.diff(x)[1:-1]
    at = int(gaps.argmax()) + 2
    within = math.sqrt((len(x[:at]) * x[:at].var() + len(x[at:]) * x[at:].var()) / (len(x) - 2))
    return (at, len(x) - at) if gaps.max() > 4 * within else None
