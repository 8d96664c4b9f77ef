"""Differences between cells, paired by seed: runs of one seed share their latents and the order of the data."""

import math
import warnings
from dataclasses import astuple, dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from analysis.statistics.summaries import SAME, by_binarization, finished, t_quantile
from binarygan.errors import UserError
from binarygan.metrics.names import BERNOULLI, BY_NAME

WILCOXON_MINIMUM = 6
"""Pairs below which the exact Wilcoxon test cannot reach 0.05: its smallest p is 2 / 2^n."""


@dataclass(frozen=True)
class Difference:
    """A cell against a baseline over their common seeds; NaN where there are too few of them to say."""

    n: int
    """Pairs."""
    mean: float = math.nan
    """Of value minus baseline; of a ratio, the geometric mean of value over baseline."""
    low: float = math.nan
    high: float = math.nan
    """t interval of it; NaN for one pair, and where all pairs differ by the same."""
    effect: float = math.nan
    """Hedges' g_av: mean difference / √((sd² + sd_baseline²) / 2), times J(n - 1), of logarithms for a ratio; NaN below
    three pairs."""
    p: float = math.nan
    """Paired t test, two-sided."""
    p_wilcoxon: float = math.nan
    """Wilcoxon's signed-rank test as a check; NaN below six pairs, where it cannot reach 0.05."""
    note: str = ""
    """What the number of pairs does not allow to say."""


def is_ratio(metric: str) -> bool:
    """Whether cells are compared by the ratio of a metric rather than by its difference."""
    known = BY_NAME.get(metric.removesuffix(BERNOULLI))
    return known is not None and known.ratio


def paired(values: pd.Series, baseline: pd.Series, *, ratio: bool = False) -> Difference:
    """The mean of `values - baseline` over the seeds (their index) that both have, with interval, effect and p.

    `ratio`: the same of their logarithms, given as a factor. g_av: Cumming (2012), with the small-sample correction
    J(m) = Γ(m/2) / (√(m/2) Γ((m - 1)/2)). Where all pairs differ by the same there is no spread, and no test.

    Raises:
        ValueError: a seed stands twice.
    """
    if not (values.index.is_unique and baseline.index.is_unique):
        raise ValueError("a seed stands twice: pairs need one value a seed")
    seeds = values.index.intersection(baseline.index)
    x, y = values[seeds].to_numpy(float), baseline[seeds].to_numpy(float)
    known = np.isfinite(x) & np.isfinite(y) & ((not ratio) | ((x > 0) & (y > 0)))
    x, y = (np.log(v[known]) if ratio else v[known] for v in (x, y))
    back = np.exp if ratio else np.asarray
    d, n = x - y, len(x)
    if n == 0:
        return Difference(0, note="no seed in common")
    mean = float(d.mean())
    if n == 1:
        return Difference(1, float(back(mean)), note="one pair: no interval, no effect size and no test")
    if np.ptp(d) <= SAME * max(abs(x).max(), abs(y).max()):
        note = "all pairs are equal" if not d.any() else "all pairs differ by the same: no spread, so no test"
        return Difference(n, float(back(mean)), note=note)
    error = float(d.std(ddof=1)) / math.sqrt(n)
    half = t_quantile(n - 1) * error
    pooled = math.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
    effect = mean / pooled * _small_sample_correction(n - 1) if n > 2 and pooled > 0 else math.nan
    p = 2 * float(stats.t.sf(abs(mean) / error, n - 1))
    note, p_wilcoxon = "", math.nan
    if n < WILCOXON_MINIMUM:
        note = f"{n} pairs: no check by Wilcoxon's test, whose p cannot be below {2 / 2**n:.2g} there"
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ties: a check, not what decides
            p_wilcoxon = float(stats.wilcoxon(x, y).pvalue)
    mean, low, high = (float(back(v)) for v in (mean, mean - half, mean + half))
    return Difference(n, mean, low, high, effect, p, p_wilcoxon, note)


def compare_to_baseline(members: pd.DataFrame, metric: str, baseline_cell_id: str) -> pd.DataFrame:
    """Every other cell against the baseline cell, a row each; `p_holm` is adjusted over all of them.

    Columns: cell_id, binarization, those of `Difference`, p_holm. A real-valued cell has two rows, one a binarization;
    as baseline it is by threshold. A cell without a pair keeps its row, with NaN and a note: no failure drops out of
    sight.

    Raises:
        UserError: no such cell.
    """
    keys = ["cell_id", "binarization"]
    narrow = by_binarization(members, metric)[[*keys, "status", "seed", "value"]]  # wide rows are slow to group
    outputs = {key: finished(rows, "value") for key, rows in narrow.groupby(keys, sort=False, dropna=False)}
    own = next((key for key in outputs if key[0] == baseline_cell_id), None)
    if own is None:
        raise UserError(f"baseline cell {baseline_cell_id!r} is not in the study: choose one of its cell_id column")
    baseline = outputs.pop(own)
    rows = []
    for key, values in outputs.items():
        found = paired(values, baseline, ratio=is_ratio(metric))
        if baseline.empty or values.empty:
            who = "baseline" if baseline.empty else "cell"
            found = replace(found, note=f"no finished seed of the {who}")
        rows.append((*key, *astuple(found)))
    table = pd.DataFrame(rows, columns=[*keys, *(f.name for f in fields(Difference))])
    return table.assign(p_holm=holm(table["p"]))


def holm(p: ArrayLike, *, step_up: bool = False) -> np.ndarray:
    """Holm-adjusted p values; NaN stays NaN and does not count in the family.

    `step_up`: Hochberg's (1988), which are no larger, for tests that are independent or agree.
    """
    p = np.asarray(p, dtype=float)
    adjusted = np.full_like(p, np.nan)
    tested = np.isfinite(p)
    if tested.sum() == 1:
        return p  # a family of one
    if tested.any():
        from statsmodels.stats.multitest import multipletests  # seconds to import

        adjusted[tested] = multipletests(p[tested], method="simes-hochberg" if step_up else "holm")[1]
    return adjusted


def _small_sample_correction(degrees: int) -> float:
    """Hedges' J: what makes a standardized mean difference unbiased."""
    half = degrees / 2
    return math.exp(math.lgamma(half) - math.lgamma(half - 0.5)) / math.sqrt(half)
