"""Which configurations of two studies are compared, and by how much their numbers differ."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis import labels
from analysis.results.cells import with_norm
from analysis.statistics import hypotheses
from analysis.statistics.differences import paired
from binarygan.config import MemberConfig

FIELDS = ("fidelity", *(f.name for f in dataclasses.fields(MemberConfig) if f.name != "seed"))
LIKE = ["objective", "architecture", "neuron", "with_norm"]


@dataclass(frozen=True)
class Pair:
    """A configuration of A and one of B that are compared."""

    a: str
    b: str
    """Their cell_ids."""
    unlike: str
    """The settings in which they differ, with A's value and B's; empty where they are the same configuration."""


@dataclass(frozen=True)
class Difference:
    """B minus A, or B over A: its mean, 95% interval and p, and how these were computed."""

    mean: float
    low: float
    high: float
    p: float
    how: str
    seeds: pd.Index | None = None
    """The seeds that were paired; None where all seeds of both are in it."""


def match(a: pd.DataFrame, b: pd.DataFrame) -> tuple[list[Pair], list[str], list[str]]:
    """The pairs of configurations to compare, then the cell_ids that A alone has, and those that B alone has.

    A configuration that both have is paired with itself. Of the others, one of A is paired with one of B where they
    share objective, network, neuron and whether D has a norm, and no other configuration of either shares these.
    """
    firsts = [_cells(frame) for frame in (a, b)]
    ids = [list(f.index) for f in firsts]
    pairs = [Pair(i, i, "") for i in ids[0] if i in set(ids[1])]
    common = {p.a for p in pairs}
    rest = [f[~f.index.isin(common)] for f in firsts]
    unique = [f.drop_duplicates(LIKE, keep=False).reset_index().set_index(LIKE) for f in rest]
    for key in unique[0].index:
        if key in unique[1].index:
            row_a, row_b = unique[0].loc[key], unique[1].loc[key]
            pairs.append(Pair(row_a["cell_id"], row_b["cell_id"], _unlike(row_a, row_b)))
    matched = {p.a for p in pairs}, {p.b for p in pairs}
    only_a, only_b = ([i for i in own if i not in known] for own, known in zip(ids, matched, strict=True))
    return pairs, only_a, only_b


def difference(a: pd.Series, b: pd.Series, *, same: bool, ratio: bool = False) -> Difference:
    """How a metric differs, given its values by seed: b minus a, or b over a where `ratio`.

    Where the configuration is the `same` and two seeds or more are in both, the seeds are paired. Otherwise the
    interval and p are those of Welch's t test, on the logarithms where `ratio`.
    """
    common = a.index.intersection(b.index)
    if same and len(common) > 1:
        found = paired(b, a, ratio=ratio)
        how = f"paired, {found.n} seeds"
        how += f": {found.note}" if math.isnan(found.p) else ""
        return Difference(found.mean, found.low, found.high, found.p, how, common)
    x, y = (v[v > 0] if ratio else v for v in (a, b))
    scale, back = (np.log, math.exp) if ratio else (np.asarray, float)
    estimate = hypotheses.difference(scale(y.to_numpy(float)), scale(x.to_numpy(float)))
    value = back(estimate.value)
    if not estimate.error > 0:
        few = "one seed: no interval, no test" if len(x) and len(y) else "no finished seed in one of them"
        how = "no spread: no interval, no test" if estimate.error == 0 else few
        return Difference(value, math.nan, math.nan, math.nan, how)
    half = float(stats.t.ppf(0.975, estimate.degrees)) * estimate.error
    p = min(1.0, 2 * min(estimate.p_above(0), estimate.p_below(0)))
    return Difference(value, back(estimate.value - half), back(estimate.value + half), p, "Welch")


def _cells(members: pd.DataFrame) -> pd.DataFrame:
    """One row for each configuration, by cell_id."""
    cells = members[members["cell_id"].notna()].drop_duplicates("cell_id").set_index("cell_id")
    return cells.assign(with_norm=with_norm(cells))


def _unlike(a: pd.Series, b: pd.Series) -> str:
    """The fields in which two configurations differ, with both values."""
    differing = [f for f in FIELDS if f in a.index and not (a[f] == b[f] or (pd.isna(a[f]) and pd.isna(b[f])))]
    return "; ".join(f"{labels.setting(f, a[f])} → {labels.value(b[f])}" for f in differing)
