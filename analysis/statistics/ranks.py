"""Which cells rank apart over the seeds: Friedman's test and Nemenyi's critical difference (Demšar 2006)."""

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.hypotheses import ALPHA
from analysis.statistics.summaries import Unavailable, by_binarization, finished
from binarygan.metrics.names import OF_IMAGES, OF_PREACTIVATED

MOST_ORDERS = 100_000
"""Of the ranks, over which p is exact."""
MOST_CELLS = 40
"""More than a diagram can show, and than the few seeds of a study can rank."""


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of cells over seeds; 1 is the best."""

    table: pd.DataFrame
    """A row for each cell and binarization, the best first: cell_id, binarization, mean_rank."""
    critical_difference: float
    """Mean ranks further apart than this differ at level ALPHA (Nemenyi)."""
    groups: tuple[tuple[int, int], ...]
    """Bars of the diagram: first and last row of each longest run of cells not shown to differ."""
    seeds: tuple[int, ...]
    """The blocks."""
    statistic: float
    p: float
    """Friedman's."""
    notes: tuple[str, ...]
    """What was left out, and what the number of seeds does not allow to say: one line each."""


def critical_difference(members: pd.DataFrame, metric: str) -> Ranks | Unavailable:
    """Friedman's test over cells with seeds as blocks, and Nemenyi's critical difference.

    p is exact (all orders of each block's ranks) where these are few, else of the chi-squared approximation.

    CD = q(0.05, k) √(k (k + 1) / (6 n)) for k cells and n seeds, q the studentized range over √2. Blocks have to be
    whole: where cells have unequal seeds, those cells and seeds are kept that leave most comparisons
    ((cells - 1) x (seeds - 1)), the others named. A real-valued cell counts once, by threshold: its two binarizations
    are no two networks.
    """
    better = {m.name: m.better for m in (*OF_IMAGES, *OF_PREACTIVATED)}.get(metric, "target")
    if better == "target":
        return Unavailable(f"{metric} has no better end to rank by")
    outputs = by_binarization(members, metric)
    outputs = outputs[outputs["binarization"] != "bernoulli"]
    keys = ["cell_id", "binarization"]
    cells = outputs.drop_duplicates(keys)[keys].reset_index(drop=True)
    if len(cells) < 3:
        return Unavailable(f"{len(cells)} cells: ranks are for three or more; a paired difference says all of two")
    if len(cells) > MOST_CELLS:
        return Unavailable(f"{len(cells)} cells: too many for a diagram of ranks (at most {MOST_CELLS})")
    groups = outputs.groupby(keys, sort=False, dropna=False)
    values = pd.DataFrame({i: finished(cell, "value") for i, (_, cell) in enumerate(groups)}, columns=cells.index)
    whole = _blocks(values)
    n, k = whole.shape
    if k < 3 or n < 2:
        return Unavailable(_too_few(values))
    ranks = whole.rank(axis=1, ascending=better == "lower").mean().sort_values(kind="stable")
    if (whole.nunique(axis=1) == 1).all():
        return Unavailable(f"{metric} is the same for every cell: nothing to rank")
    statistic, p = stats.friedmanchisquare(*whole.to_numpy().T)
    exact = _exact_p(whole.rank(axis=1).to_numpy())
    p = p if exact is None else exact
    q = float(stats.studentized_range.ppf(1 - ALPHA, k, np.inf)) / math.sqrt(2)
    distance = q * math.sqrt(k * (k + 1) / (6 * n))
    notes = [f"left out, too few seeds finished: {left} of {len(cells)} cells"] if (left := len(cells) - k) else []
    if dropped := len(values) - n:
        notes.append(f"{dropped} seeds are left out: not every cell has them finished")
    if exact is None and n < 10:
        notes.append(f"{n} seeds: Friedman's p is an approximation, rough below ten")
    if p >= ALPHA:
        notes.append(f"Friedman's test finds no difference among the cells (p {p:.2g}): single gaps say nothing")
    if (gap := float(np.ptp(ranks))) <= distance:
        notes.append(f"no two cells are shown to differ: first and last are {gap:.2f} of {k - 1} ranks apart")
    table = cells.loc[ranks.index].assign(mean_rank=ranks).reset_index(drop=True)
    seeds = tuple(int(s) for s in whole.index)
    bars = _bars(ranks.to_numpy(), distance)
    return Ranks(table, distance, bars, seeds, float(statistic), float(p), tuple(notes))


def _exact_p(ranks: np.ndarray) -> float | None:
    """Friedman's p over all orders of the ranks (seeds, cells) within each seed; None where these are too many."""
    n, k = ranks.shape
    if math.factorial(k) ** (n - 1) > MOST_ORDERS:
        return None
    sums = ranks[:1]  # one block may stay as it is: only the others' orders against it matter
    for block in ranks[1:]:
        orders = np.array(list(permutations(block)))
        sums = (sums[:, None] + orders[None]).reshape(-1, k)
    spread = ((sums - sums.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    observed = ((ranks.sum(axis=0) - ranks.sum() / k) ** 2).sum()
    return float(np.mean(spread > observed - 1e-9))


def _blocks(values: pd.DataFrame) -> pd.DataFrame:
    """The seeds x cells without a gap that leave most comparisons."""
    counts = values.notna().sum()
    best, most = values.iloc[:0, :0], -1
    for fewest in sorted(set(counts[counts > 0])):
        whole = values.loc[:, counts >= fewest].dropna()
        if (size := (whole.shape[0] - 1) * (whole.shape[1] - 1)) > most and len(whole):
            best, most = whole, size
    return best


def _too_few(values: pd.DataFrame) -> str:
    most = values.notna().sum().max()
    if most > 1:
        return "fewer than three cells share two finished seeds: nothing to rank"
    one = "one seed a cell: ranks need seeds as blocks, two at least"
    return one if most == 1 else "no cell has a finished seed: nothing to rank"


def _bars(ranks: np.ndarray, distance: float) -> tuple[tuple[int, int], ...]:
    """First and last of each longest run within the distance; `ranks` ascend."""
    bars: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = int(np.searchsorted(ranks, rank + distance, side="right")) - 1
        if last > first and (not bars or last > bars[-1][1]):
            bars.append((first, last))
    return tuple(bars)
