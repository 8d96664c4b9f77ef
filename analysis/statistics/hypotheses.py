"""Tests of a mean over seeds against a threshold, with as few as two seeds."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.statistics.summaries import SAME

ALPHA = 0.05
"""Level of every one-sided test; the interval that goes with it is of 90%."""


@dataclass(frozen=True)
class Estimate:
    """A mean or a difference of means, about whose truth it follows Student's t. One seed: the error is NaN. Seeds that
    are all the same: it is 0, which tests nothing (a fault in the study is likelier than such a network)."""

    value: float = math.nan
    error: float = math.nan
    """Standard error."""
    degrees: float = math.nan
    """Of freedom."""

    def p_above(self, threshold: float) -> float:
        """p of the hypothesis that the truth is at most the threshold; NaN where seeds show no spread to test by."""
        if not self.error > 0:
            return math.nan
        return float(stats.t.sf((self.value - threshold) / self.error, self.degrees))

    def p_below(self, threshold: float) -> float:
        """p of the hypothesis that the truth is at least the threshold."""
        return Estimate(-self.value, self.error, self.degrees).p_above(-threshold)

    def p_within(self, margin: float) -> float:
        """TOST (Schuirmann 1987): p of the hypothesis that the truth is `margin` or more away from 0."""
        return max(self.p_above(-margin), self.p_below(margin))

    def p_beyond(self, margin: float) -> float:
        """p of the hypothesis that the truth is at most `margin` away from 0, on the side where the value is."""
        return min(self.p_above(margin), self.p_below(-margin))

    def interval(self, confidence: float = 1 - 2 * ALPHA) -> tuple[float, float]:
        """The interval of 90%: a threshold outside it is passed at level 0.05."""
        half = stats.t.isf((1 - confidence) / 2, self.degrees) * self.error if self.error > 0 else math.nan
        return float(self.value - half), float(self.value + half)


def difference(a: np.ndarray, b: np.ndarray) -> Estimate:
    """mean(a) - mean(b) with unequal variances and numbers (Welch 1947)."""
    if not len(a) or not len(b):
        return Estimate()
    value = float(a.mean() - b.mean())
    if len(a) < 2 or len(b) < 2:
        return Estimate(value)
    shares = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    total = sum(shares)
    if total <= (SAME * max(abs(a).max(), abs(b).max())) ** 2:
        return Estimate(value, 0.0, len(a) + len(b) - 2.0)
    degrees = total**2 / (shares[0] ** 2 / (len(a) - 1) + shares[1] ** 2 / (len(b) - 1))
    return Estimate(value, math.sqrt(total), float(degrees))


def level(values: np.ndarray, errors: np.ndarray | None = None) -> Estimate:
    """The mean over seeds. Where each seed has a measurement error, the spread counts as no less than these make it."""
    n = len(values)
    if n < 2:
        return Estimate(float(values[0])) if n else Estimate()
    variance = float(values.var(ddof=1))
    if errors is not None:
        variance = max(variance, float(np.mean(errors**2)))
    error = math.sqrt(variance / n)
    return Estimate(float(values.mean()), error if error > SAME * abs(values).max() else 0.0, n - 1.0)
