"""Which choices move a metric: analysis of variance over a study's runs."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis import labels
from analysis.results.cells import by_status, trained
from analysis.results.fields import varied, with_parameters
from analysis.results.study import Study
from analysis.statistics.differences import holm
from analysis.statistics.summaries import Unavailable
from binarygan.paper import FIDELITIES, norm_of

FACTORS = {
    "objective": "objective",
    "neuron": "neuron",
    "architecture": "network",
    "discriminator_norm": "norm in D",
    "generator_norm": "norm in G",
    "generator_output_norm": "norm on G's output",
    "slope_rate": "slope rate",
    "estimator": "estimator",
}
"""Columns of the design space and what tables call them. Where two say the same, the later one is left out."""
NO_FACTOR = ("data", "split", "train_images", "epochs", "reference")
"""Fields in which the runs of one analysis are alike."""
ENOUGH_SEEDS = 5
"""A cell, to test whether cells scatter alike."""
MOST_LEVELS = 10
"""A column with more values is searched over, not a factor."""


@dataclass(frozen=True)
class Anova:
    """A type-II analysis of variance."""

    table: pd.DataFrame
    """A row for each term (`objective`, `objective × neuron`, …, `residual` last): term, kind (main | interaction |
    residual), df, sum_of_squares, f, p, p_holm, partial_eta_squared, share (of the total sum of squares)."""
    members: int
    """That are in it."""
    r_squared: float
    notes: tuple[str, ...]
    """What was left out, and why: one line each."""


def anova(members: pd.DataFrame) -> Anova | Unavailable:
    """Type-II ANOVA of log FID: main effects and two-way interactions of those FACTORS that vary.

    The sum of squares of a term is what it adds to all terms that do not contain it: SS = RSS(those) - RSS(those and
    the term), its degrees of freedom the rank it adds; F has the mean square of the residual of all terms below it.
    On a full design this is `statsmodels.stats.anova.anova_lm(typ=2)`. Where combinations were not trained, a term
    keeps what can be estimated of it and a note says so; a term of which nothing can be (one that the terms before it
    fix) is left out. partial η² = SS / (SS + SS of the residual); share = SS / total SS: in an unbalanced design
    shares need not add up to 1. The residual holds the seeds and, where there are three factors or more, their joint
    interactions (a note tests these against the seeds' scatter). F assumes an equal spread in every cell: a note says
    what it is. Real-valued runs count once, by threshold; of several data sets or lengths of training the most
    frequent is taken.
    """
    rows, notes = _usable(with_parameters(members))
    rows, apart = of_one_kind(rows)
    notes += apart
    if rows.empty:
        return Unavailable("no run is done with a usable fid: nothing to compare" + _because(notes))
    levels, unfit = _levels(rows)
    notes += unfit
    if not len(levels.columns):
        return Unavailable("no factor varies among the runs that are done: one cell has no effects" + _because(notes))
    if rows["cell_id"].is_unique:
        return Unavailable(
            "one seed a cell: without seeds to repeat a cell, effects cannot be told from the noise of training"
        )
    if "neuron" in levels and rows["neuron"].map(labels.is_real_valued).any():
        notes.append("real-valued runs are in it once, by threshold")
    notes += _pooled(rows, levels)
    terms, left_out = _terms(levels.drop_duplicates())
    notes += left_out
    y = np.log(rows["fid"].to_numpy(float))
    if np.ptp(y) == 0:
        return Unavailable("fid is the same for every run: there is no variance to analyse")
    fits = _Fits(y, levels)
    residual, residual_df = fits.of(terms)
    if residual_df < 1:
        return Unavailable("as many effects as runs: no residual to hold them against; train more seeds")
    notes.append("seeds are not blocks here, though cells share latents and order of data by seed: p is conservative")
    notes += [*fits.joint(residual, residual_df), *_spreads(y, rows["cell_id"])]
    total = float(((y - y.mean()) ** 2).sum())
    table = _table(terms, fits, residual, residual_df, total)
    return Anova(table, len(rows), 1 - residual / total, tuple(notes))


def factors_of(rows: pd.DataFrame) -> list[str]:
    """The columns that may be factors: the usual ones, then whatever else the study varies.

    `rows`: runs with the parameters of their parts as columns (`with_parameters`).
    """
    return [*FACTORS, *(name for name in varied(rows) if name not in (*FACTORS, *NO_FACTOR))]


def factor_name(factor: str) -> str:
    """What tables and charts call a factor."""
    return FACTORS.get(factor, labels.field(factor))


@lru_cache(maxsize=2)
def anova_of(study: Study) -> Anova | Unavailable:
    """Of the study's runs, made once for the table and the figure."""
    return anova(trained(study.members))


Term = tuple[str, ...]


class _Fits:
    """Least squares of y on sets of terms, each set once.

    Runs of one combination of levels have equal predictions, so their mean, weighted by their number, is fitted,
    and their scatter about it is added: 10,000 runs cost no more than their combinations.
    """

    def __init__(self, y: np.ndarray, levels: pd.DataFrame) -> None:
        groups = levels.assign(y=y).groupby(list(levels.columns))["y"]
        self._means = groups.agg(y="mean", members="size").reset_index()
        self._within = float(((y - groups.transform("mean")) ** 2).sum())
        self._members = len(y)
        self._known: dict[frozenset[Term], tuple[float, int]] = {}

    def joint(self, residual: float, residual_df: int) -> list[str]:
        """A note on interactions of three factors or more, which the residual holds: tested against the seeds."""
        df = self._members - len(self._means)
        joint_df = residual_df - df
        if joint_df < 1 or df < 1 or self._within <= 0:
            return []
        f = (residual - self._within) / joint_df / (self._within / df)
        p = float(stats.f.sf(f, joint_df, df))
        said = "they are there, so that main effects and pairs do not tell all" if p < 0.05 else "not shown to be there"
        return [f"joint interactions of three factors or more are in the residual: F {f:.2g}, p {p:.2g}, {said}"]

    def of(self, terms: list[Term]) -> tuple[float, int]:
        """Residual sum of squares and its degrees of freedom."""
        key = frozenset(terms)
        if key not in self._known:
            weights = np.sqrt(self._means["members"].to_numpy(float))
            x, y = _design(self._means, terms) * weights[:, None], self._means["y"].to_numpy() * weights
            found, _, rank, _ = np.linalg.lstsq(x, y, rcond=None)  # a term in part has columns to spare
            self._known[key] = self._within + float(((y - x @ found) ** 2).sum()), self._members - int(rank)
        return self._known[key]


def _table(terms: list[Term], fits: _Fits, residual: float, residual_df: int, total: float) -> pd.DataFrame:
    rows = []
    for term in terms:
        others = [t for t in terms if not set(term) <= set(t)]
        before, with_it = fits.of(others), fits.of([*others, term])
        squares, df = max(before[0] - with_it[0], 0.0), before[1] - with_it[1]
        f = (squares / df) / (residual / residual_df) if residual > 0 else np.inf
        kind = "main" if len(term) == 1 else "interaction"
        eta = squares / (squares + residual) if squares + residual > 0 else 0.0
        rows.append((_name(term), kind, df, squares, f, float(stats.f.sf(f, df, residual_df)), eta, squares / total))
    rows.append(("residual", "residual", residual_df, residual, np.nan, np.nan, np.nan, residual / total))
    columns = ["term", "kind", "df", "sum_of_squares", "f", "p", "partial_eta_squared", "share"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(6, "p_holm", holm(table["p"]))
    return table


def _usable(members: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Runs that are done and have an FID above 0, and notes on the others."""
    done = members["status"] == "done"
    notes = [] if done.all() else [f"not in it: {by_status(members[~done])}"]
    fid = pd.to_numeric(members["fid"], errors="coerce").astype(float)
    usable = np.isfinite(fid) & (fid > 0)
    if n := int((done & ~usable).sum()):
        notes.append(f"not in it: {n} done whose fid is no finite number above 0")
    return members.assign(fid=fid)[done & usable].reset_index(drop=True), notes


def of_one_kind(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The runs of the most frequent data set and length of training, and a note on the others."""
    kept = rows
    for fields in (["data_digest", "epochs"], ["split", "train_images"]):
        sizes = kept.groupby(fields, dropna=False).size().reset_index(name="members")
        best = sizes.sort_values(["members", fields[-1]], kind="stable").drop_duplicates(fields[:-1], keep="last")
        best = best if fields[0] == "split" else best.tail(1)  # fidelities have splits of their own
        kept = kept.merge(best[fields], on=fields)
    if len(kept) == len(rows):
        return rows, []
    return kept, [f"not in it: {len(rows) - len(kept)} of other data or another length of training"]


def _spreads(y: np.ndarray, cells: pd.Series) -> list[str]:
    """A note on whether seeds scatter alike in all cells, which F assumes, and that it takes them for independent."""
    groups = [of for _, of in pd.Series(y).groupby(cells.to_numpy()) if len(of) > 1]
    if len(groups) < 2:
        return []
    spreads = [of.std() for of in groups]
    if min(map(len, groups)) < ENOUGH_SEEDS:  # with three seeds the test's p cannot be small, whatever the spreads
        said = f"which takes {ENOUGH_SEEDS} seeds a cell to test"
    else:
        p = float(stats.levene(*groups, center="median").pvalue)
        said = "they do not, so p is rough" if p < 0.05 else "not shown to differ"
        said += f" (Brown and Forsythe's test, p {p:.2g})"
    return [
        "F assumes that seeds scatter alike in every cell: standard deviations of "
        f"{min(spreads):.2g} to {max(spreads):.2g}, {said}"
    ]


def _levels(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The factors that vary, as strings, and notes on those that vary too much."""
    found, notes = {}, []
    for factor in factors_of(rows):
        if factor not in rows:
            continue
        name = factor_name(factor)
        values = _norms(rows) if factor == "discriminator_norm" else rows[factor].astype(str)
        if (n := values.nunique()) > MOST_LEVELS:
            notes.append(f"{name} has {n} values: searched over, not a factor; it is in the residual")
        elif n > 1:
            found[factor] = values
    return pd.DataFrame(found, index=rows.index), notes


def _norms(rows: pd.DataFrame) -> pd.Series:
    """Norm in D; where two fidelities meet, `batch` and `affine` are one level: the paper's, as each has it."""
    norms = rows["discriminator_norm"].astype(str)
    if rows["fidelity"].nunique() < 2:
        return norms
    return norms.where(norms != rows["fidelity"].map({f: norm_of(f) for f in FIDELITIES}), "the paper's")


def _pooled(rows: pd.DataFrame, levels: pd.DataFrame) -> list[str]:
    """A note where one combination of factors holds cells that differ in something else."""
    cells = rows.groupby([levels[c] for c in levels])["cell_id"].nunique()
    if (n := int((cells > 1).sum())) == 0:
        return []
    return [f"{n} combinations hold several cells that differ in other fields: that difference is in the residual"]


def _terms(there: pd.DataFrame) -> tuple[list[Term], list[str]]:
    """Terms of which something can be estimated, main effects first, and notes on the others.

    `there`: a row for each combination of factors that was trained.
    """
    there = there.astype(object)  # the strings of pandas are slow to go through, and each term does
    factors = list(there.columns)
    kept: list[Term] = []
    gone: dict[Term, str] = {}
    for term in [*((f,) for f in factors), *combinations(factors, 2)]:
        if any((f,) in gone for f in term):
            continue
        if _rank(there, [*kept, term]) > _rank(there, kept):
            kept.append(term)
        else:
            gone[term] = "it goes with other factors" if len(term) == 1 else "too few of its combinations were trained"
    while hidden := next((t for t in reversed(kept) if _adds(there, kept, t) == 0), None):
        kept = [t for t in kept if not set(hidden) <= set(t)]
        gone = {t: why for t, why in gone.items() if not set(hidden) <= set(t)}
        gone[hidden] = "it goes with interactions of others"
    notes = [f"{_name(term)} cannot be estimated: {why}" for term, why in gone.items()]
    for term in kept:
        if (adds := _adds(there, kept, term)) < (full := _full(there, term)):
            notes.append(f"{_name(term)} in part ({adds} of {full} degrees of freedom): combinations are missing")
    return kept, notes


def _adds(there: pd.DataFrame, terms: list[Term], term: Term) -> int:
    """Degrees of freedom of a term of type II: the rank that it adds to those that do not contain it."""
    others = [t for t in terms if not set(term) <= set(t)]
    return _rank(there, [*others, term]) - _rank(there, others)


def _full(there: pd.DataFrame, term: Term) -> int:
    return int(np.prod([there[f].nunique() - 1 for f in term]))


def _rank(there: pd.DataFrame, terms: list[Term]) -> int:
    return int(np.linalg.matrix_rank(_design(there, terms)))


def _design(there: pd.DataFrame, terms: list[Term]) -> np.ndarray:
    """A constant and the columns of the terms."""
    return np.hstack([np.ones((len(there), 1)), *(_contrasts(there, term) for term in terms)])


def _contrasts(there: pd.DataFrame, term: Term) -> np.ndarray:
    """Columns of a term in a sum-to-zero coding, a row for each combination."""
    columns = np.ones((len(there), 1))
    for factor in term:
        coded = _coded(tuple(there[factor]))
        columns = (columns[:, :, None] * coded[:, None, :]).reshape(len(columns), -1)
    return columns


@lru_cache(maxsize=64)
def _coded(values: tuple[str, ...]) -> np.ndarray:
    """Columns of one factor: every term that has it asks for them."""
    levels, codes = np.unique(values, return_inverse=True)
    dummies = np.asfortranarray(np.eye(len(levels))[codes])
    return np.asarray(dummies[:, :-1] - dummies[:, -1:])


def _name(term: Term) -> str:
    return " × ".join(map(factor_name, term))


def _because(notes: list[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""
