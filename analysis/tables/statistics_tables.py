"""Tables of what the seeds allow to say: verdicts, differences to a baseline, variance, ranks."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from analysis import labels
from analysis.claims.verdicts import Verdict
from analysis.results.cells import label, lacking, members_of
from analysis.results.study import Study
from analysis.statistics.anova import anova_of
from analysis.statistics.differences import compare_to_baseline
from analysis.statistics.hypotheses import ALPHA
from analysis.statistics.ranks import critical_difference
from analysis.statistics.summaries import Unavailable
from analysis.tables.entries import (
    Column,
    Entry,
    Table,
    column,
    count,
    hundredths,
    interval,
    measure,
    probability,
    tabled,
)
from binarygan.metrics.names import BERNOULLI
from binarygan.paper import Cell

CLAIMS_NOTES = (
    "Thresholds were set when the first two runs of full length had all but ended; the released code's runs and "
    "studies of five epochs were known.",
    "Each verdict is at level 0.05 by itself; p of all is adjusted for the claims that are judged together (Holm). "
    "Brackets hold 90% intervals of the same tests, and behind p stand the margins at which the verdict would be the "
    "same and the contrary one. ± is a standard deviation over seeds.",
    "Tests with three runs a side hold their level where both sides scatter alike; with five or more whatever they do "
    "(python benchmarks/error_rates.py).",
)
RATIO = "geometric mean over the pairs [95% t interval of the logarithms]"
SHARE = "of the total sum of squares; in an unbalanced design they need not add up to 1"
BASELINE = Cell(objective="wgan-gp", neuron="deterministic")
"""The paper's main model."""


def claims_table(
    verdicts: Sequence[Verdict], name: str = "claims", title: str = "The paper's claims", notes: tuple[str, ...] = ()
) -> Table:
    """Claims, each with its verdict and the numbers behind it."""
    several = len({v.fidelity for v in verdicts}) > 1
    columns = (
        column("number", "no.", of=lambda v: v.claim.number),
        *([column("fidelity", "fidelity", of=lambda v: v.fidelity)] if several else []),
        column("statement", "claim", of=lambda v: v.statement),
        column("verdict", "verdict", of=lambda v: v.verdict),
        column("p", "p", probability, "of the verdict by itself", of=lambda v: v.p),
        column("p_all", "p of all", probability, "adjusted for all claims (Holm)", of=lambda v: v.p_family),
        column("numbers", "numbers", of=lambda v: v.numbers),
        column("metric", "metric", of=lambda v: v.claim.metric),
        column("test", "test", of=lambda v: v.claim.test),
        column("threshold", "threshold", of=lambda v: v.claim.threshold),
        *([column("place", "in the paper", of=lambda v: v.claim.source)] if name == "claims" else []),
    )
    return tabled(name, title, columns, verdicts, notes if verdicts else ())


def differences_table(members: pd.DataFrame, names: Mapping[str, str]) -> Table | Unavailable:
    """Every cell against the paper's main model, paired by seed."""
    baseline = members_of(members, BASELINE)
    if baseline.empty or pd.isna(baseline["cell_id"].iloc[0]):
        return Unavailable(f"the baseline, {label(BASELINE)}: {lacking(members, BASELINE) or 'it has no cell_id'}")
    few = members[["cell_id", "seed", "status", "neuron", "fid", "fid" + BERNOULLI]]  # narrow frames are faster
    found = compare_to_baseline(few, "fid", baseline["cell_id"].iloc[0])
    if found.empty:
        return Unavailable("the baseline is the study's only cell")
    order = {cell_id: i for i, cell_id in enumerate(names)}
    rows = sorted(found.to_dict("records"), key=lambda row: order[row["cell_id"]])
    columns = (
        column("cell", "cell", of=partial(_name, names)),
        column("n", "pairs", count, "seeds that both have finished"),
        Column("ratio", "ratio", RATIO, entry=lambda row: interval(row["mean"], row["low"], row["high"])),
        column("effect", "effect", hundredths, "Hedges' g_av of the logarithms, from three pairs on"),
        column("p", "p", probability, "paired t test of the logarithms, two-sided"),
        column("p_holm", "p (Holm)", probability, "adjusted over all rows"),
        Column("p_wilcoxon", "p (Wilcoxon)", "signed-rank test, as a check", entry=_wilcoxon),
    )
    unsaid = Counter(note for note in found["note"] if note)
    notes = (
        f"Above 1: a higher value than the baseline's. {_shared_by_pairs(members)}",
        *(f"{n} of {len(rows)} rows: {note}." for note, n in unsaid.items()),
    )
    return tabled("differences-fid", "FID: ratios to WGAN-GP, MLP, DBN", columns, rows, notes)


def _shared_by_pairs(members: pd.DataFrame) -> str:
    """What two runs of one seed have in common: a CPU and each kind of GPU draw numbers of their own."""
    devices = members["device"].dropna().unique()
    if len(devices) < 2:
        return "Pairs share a seed, so their latents and order of data."
    kinds = ", ".join(sorted(map(str, devices)))
    return f"Pairs share a seed; where one ran on another kind of device ({kinds}) it drew other latents and data."


def _name(names: Mapping[str, str], row: Mapping[Hashable, Any]) -> str:
    return names.get(row["cell_id"], row["cell_id"]) + labels.BINARIZATIONS[row["binarization"]]


def _wilcoxon(row: Mapping[Hashable, Any]) -> Entry:
    return replace(probability(row["p_wilcoxon"]), parts={"": row["p_wilcoxon"], "_note": row["note"]})


def anova_table(study: Study) -> Table | Unavailable:
    """What share of the variance of log FID each choice has."""
    found = anova_of(study)
    if isinstance(found, Unavailable):
        return found
    columns = (
        column("term", "term"),
        column("df", "df", count),
        column("sum_of_squares", "sum of squares", measure),
        column("f", "F", measure),
        column("p", "p", probability),
        column("p_holm", "p (Holm)", probability),
        column("partial_eta_squared", "partial η²", hundredths, "its sum of squares over that and the residual's"),
        column("share", "share", hundredths, SHARE),
    )
    title = "Type-II analysis of variance of log FID"
    notes = (f"{found.members} runs, R² {found.r_squared:.3f}.", *found.notes)
    return tabled("anova-fid", title, columns, found.table.to_dict("records"), notes)


def ranks_table(members: pd.DataFrame, names: Mapping[str, str]) -> Table | Unavailable:
    """Mean ranks over seeds."""
    found = critical_difference(members, "fid")
    if isinstance(found, Unavailable):
        return found
    columns = (
        column("cell", "cell", of=partial(_name, names)),
        column("mean_rank", "mean rank", lambda rank: measure(rank, text=f"{rank:.2f}"), "over the seeds; 1 is best"),
    )
    notes = (
        f"Friedman's test over {len(found.seeds)} seeds: χ² {found.statistic:.3g}, p {found.p:.2g}; Nemenyi's critical "
        f"difference at {ALPHA:g}: {found.critical_difference:.2f} ranks.",
        *found.notes,
    )
    return tabled("ranks-fid", "Mean ranks by FID", columns, found.table.to_dict("records"), notes)
