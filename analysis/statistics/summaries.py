"""A cell over its seeds: how many runs ended how, and what the finished ones come to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis import labels
from binarygan.metrics.names import BERNOULLI, BY_NAME

SAME = 1e-12
"""Values whose spread is below this part of them are equal but for rounding."""
BOOTSTRAP_RESAMPLES = 2000
BOOTSTRAP_MINIMUM = 5
"""Fewer seeds than this have too few different resamples for an interval that holds what it promises."""


@dataclass(frozen=True)
class Unavailable:
    """A statistic that cannot be had from these runs."""

    reason: str
    """What cannot be said and why: "one seed a cell: …"."""


@dataclass(frozen=True)
class Summary:
    """A number over the seeds; NaN where there are too few of them to say."""

    n: int
    mean: float
    sd: float
    """Sample standard deviation (n - 1); NaN for one seed."""
    low: float
    high: float
    """t interval of the mean, cut at the ends of the metric's range; NaN for one seed, for seeds that are all the same
    (that shows no spread of 0, but none), and for counts."""
    iqm: float
    """Interquartile mean: of the middle half of the seeds, those at its ends counted in part."""
    iqm_low: float
    iqm_high: float
    """Percentile bootstrap interval of it; NaN below five seeds."""


def summarize(values: ArrayLike, metric: str = "") -> Summary:
    """Mean, spread and interquartile mean of finite values (others are left out and not counted in n).

    mean ± t(n - 1) sd / √n, cut at the ends of the metric's range (such an interval covers the mean as often); the
    interquartile mean (Agarwal et al. 2021) weighs sorted value i by the part of
    [i / n, (i + 1) / n] within [1/4, 3/4]. The bootstrap's draws are fixed, so equal values have equal intervals; of
    few seeds it covers less than it says (normal values: about 90% with five seeds, 93% with ten).

    >>> summarize([1.0, 2.0, 3.0, 100.0]).iqm
    2.5
    """
    x = np.asarray(values, dtype=float).ravel()
    x = np.sort(x[np.isfinite(x)])
    n, nan = len(x), math.nan
    if n == 0:
        return Summary(0, *[nan] * 7)
    mean, sd = float(x.mean()), float(x.std(ddof=1)) if n > 1 else nan
    low, high = t_intervals([mean], [sd], [n], [metric])[0].tolist()
    iqm_low = iqm_high = nan
    if n >= BOOTSTRAP_MINIMUM:
        iqm_low, iqm_high = np.percentile(_resampled_weights(n) @ x, (2.5, 97.5)).tolist()
    iqm = float(_middle_weights(n) @ x)
    return Summary(n, mean, sd, low, high, iqm, iqm_low, iqm_high)


def finished(members: pd.DataFrame, metric: str) -> pd.Series:
    """The metric of the runs that are done, by seed; where it is not a finite number the seed is left out."""
    done = (members["status"] == "done").to_numpy()
    values = pd.to_numeric(members[metric], errors="coerce").to_numpy(float)
    kept = done & np.isfinite(values)
    seeds = members["seed"].to_numpy()[kept].astype(int)
    order = np.argsort(seeds, kind="stable")
    return pd.Series(values[kept][order], index=pd.Index(seeds[order], name="seed"), name=metric)


def by_binarization(members: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The runs with columns `value` (the metric) and `binarization`, `none` where there is but one value.

    A real-valued run stands twice where the metric is one of binary samples: as `threshold` and as `bernoulli`.
    """
    once = members.reset_index(drop=True).assign(binarization="none")
    once["value"] = once[metric]
    if metric + BERNOULLI not in members:
        return once
    real = once["neuron"].map(labels.is_real_valued)
    once.loc[real, "binarization"] = "threshold"
    again = once[real].assign(value=once[metric + BERNOULLI], binarization="bernoulli")
    return pd.concat([once, again], ignore_index=True) if real.any() else once


def t_intervals(mean: ArrayLike, sd: ArrayLike, n: ArrayLike, metrics: Sequence[str]) -> np.ndarray:
    """(metrics, 2): both ends of each mean's 95% t interval within the metric's range; NaN where there is no spread."""
    mean, sd, n = np.asarray(mean, dtype=float), np.asarray(sd, dtype=float), np.asarray(n)
    least, most, counted = np.array([_range(metric) for metric in metrics]).T
    quantiles = np.array([t_quantile(max(int(k) - 1, 1)) for k in n])
    spread = (n > 1) & (sd > SAME * abs(mean)) & (counted == 0)
    half = np.where(spread, quantiles * sd / np.sqrt(np.maximum(n, 1)), np.nan)
    return np.stack([np.maximum(mean - half, least), np.minimum(mean + half, most)], axis=1)


@lru_cache(maxsize=256)
def _range(metric: str) -> tuple[float, float, bool]:
    """Smallest and largest value of a metric, and whether it is counted; what is no metric has no limits."""
    known = BY_NAME.get(metric.removesuffix(BERNOULLI))
    if metric == "seconds":
        return 0.0, math.inf, True  # of the machines, not of the seeds
    return (known.least, known.most, known.counted) if known else (-math.inf, math.inf, False)


@lru_cache(maxsize=256)
def t_quantile(degrees: int) -> float:
    """Half the width of a two-sided 95% t interval, in standard errors."""
    return float(stats.t.ppf(0.975, degrees))


@lru_cache(maxsize=256)
def _middle_weights(n: int) -> np.ndarray:
    edges = np.clip(np.arange(n + 1) / n, 0.25, 0.75)
    return 2 * np.diff(edges)


@lru_cache(maxsize=16)
def _resampled_weights(n: int) -> np.ndarray:
    """(resamples, n): each resample's interquartile mean as weights of the sorted values."""
    drawn = np.sort(np.random.default_rng(0).integers(n, size=(BOOTSTRAP_RESAMPLES, n)), axis=1)
    weights = np.zeros((BOOTSTRAP_RESAMPLES, n))
    np.add.at(weights, (np.arange(BOOTSTRAP_RESAMPLES)[:, None], drawn), _middle_weights(n))
    return weights
