"""Tables of what the seeds allow to say: verdicts, differences to a baseline, variance, ranks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from analysis import labels
from analysis.claims.verdicts import Verdict
from analysis.results.cells import label, lacking, members_of
from analysis.statistics.anova import anova
from analysis.statistics.differences import compare_to_baseline, is_ratio
from analysis.statistics.ranks import critical_difference
from analysis.statistics.summaries import DESCRIBING, Unavailable
from analysis.tables.entries import Column, Table, count, hundredths, interval, measure, probability, word
from binarygan.metrics.names import BERNOULLI
from binarygan.paper import Cell

CLAIMS_NOTES = (
    "Tests and thresholds were declared before any study of full length was judged; the released code's runs and "
    "studies of five epochs were known.",
    "Each verdict is at level 0.05 by itself, not corrected for there being nine. ± is a standard deviation over "
    "seeds, brackets hold 90% intervals, of Welch's tests, which do not pair seeds.",
)
BASELINE = Cell(objective="wgan-gp", neuron="deterministic")
"""The paper's main model."""


def claims_table(verdicts: Sequence[Verdict]) -> Table:
    """The paper's claims, each with its verdict and the numbers behind it."""
    several = len({v.fidelity for v in verdicts}) > 1
    columns = (
        Column("number", "no."),
        *([Column("fidelity", "fidelity", numeric=False)] if several else []),
        Column("statement", "claim", numeric=False),
        Column("verdict", "verdict", numeric=False),
        Column("numbers", "numbers", numeric=False),
        Column("metric", "metric", numeric=False),
        Column("test", "test", numeric=False),
        Column("threshold", "threshold", numeric=False),
        Column("place", "in the paper", numeric=False),
    )
    rows = []
    for verdict in verdicts:
        claim = verdict.claim
        words = (claim.statement, verdict.verdict, verdict.numbers, claim.metric, claim.test, claim.threshold)
        fidelity = [word(verdict.fidelity)] if several else []
        rows.append((count(claim.number), *fidelity, *(word(w) for w in words), word(claim.source)))
    return Table("claims", "The paper's claims", columns, tuple(rows), CLAIMS_NOTES if rows else ())


def differences_table(members: pd.DataFrame, names: Mapping[str, str], metric: str = "fid") -> Table | Unavailable:
    """Every cell against the paper's main model, paired by seed."""
    baseline = members_of(members, BASELINE)
    if baseline.empty or pd.isna(baseline["cell_id"].iloc[0]):
        return Unavailable(f"the baseline, {label(BASELINE)}: {lacking(members, BASELINE) or 'it has no cell_id'}")
    columns_ = ("cell_id", "seed", "status", *DESCRIBING, metric, metric + BERNOULLI)
    few = members[[c for c in dict.fromkeys(columns_) if c in members]]  # pandas takes apart narrow frames faster
    found = compare_to_baseline(few, metric, baseline["cell_id"].iloc[0])
    if found.empty:
        return Unavailable("the baseline is the study's only cell")
    order = {cell_id: i for i, cell_id in enumerate(names)}
    ratio = is_ratio(metric)
    what = (
        Column("ratio", "ratio", "geometric mean over the pairs [95% t interval of the logarithms]")
        if ratio
        else Column("difference", "difference", "mean over the pairs [95% t interval]")
    )
    columns = (
        Column("cell", "cell", numeric=False),
        Column("n", "pairs", "seeds that both have finished"),
        what,
        Column("effect", "effect", "Hedges' g_av" + " of the logarithms" * ratio + ", from three pairs on"),
        Column("p", "p", "paired t test" + " of the logarithms" * ratio + ", two-sided"),
        Column("p_holm", "p (Holm)", "adjusted over all rows"),
        Column("p_wilcoxon", "p (Wilcoxon)", "signed-rank test, as a check"),
    )
    rows = tuple(
        (
            word(names.get(row["cell_id"], row["cell_id"]) + labels.BINARIZATIONS[row["binarization"]]),
            count(row["n"]),
            interval(row["mean"], row["low"], row["high"]),
            hundredths(row["effect"]),
            probability(row["p"]),
            probability(row["p_holm"]),
            replace(probability(row["p_wilcoxon"]), parts={"": row["p_wilcoxon"], "_note": row["note"]}),
        )
        for row in sorted(found.to_dict("records"), key=lambda row: order[row["cell_id"]])
    )
    title = f"{labels.COLUMNS[metric]}: {'ratios' if ratio else 'differences'} to WGAN-GP, MLP, DBN"
    unsaid = Counter(note for note in found["note"] if note)
    notes = (
        f"Above {1 if ratio else 0}: a higher value than the baseline's. Pairs share a seed, so their latents and "
        "order of data.",
        *(f"{n} of {len(rows)} rows: {note}." for note, n in unsaid.items()),
    )
    return Table(f"differences-{metric}", title, columns, rows, notes)


def anova_table(members: pd.DataFrame, metric: str = "fid") -> Table | Unavailable:
    """What share of the variance of log FID each choice has."""
    found = anova(members, metric=metric)
    if isinstance(found, Unavailable):
        return found
    columns = (
        Column("term", "term", numeric=False),
        Column("df", "df"),
        Column("sum_of_squares", "sum of squares"),
        Column("f", "F"),
        Column("p", "p"),
        Column("p_holm", "p (Holm)"),
        Column("partial_eta_squared", "partial η²", "its sum of squares over that and the residual's"),
        Column("share", "share", "of the total sum of squares; in an unbalanced design they need not add up to 1"),
    )
    rows = tuple(
        (
            word(row["term"]),
            count(row["df"]),
            measure(row["sum_of_squares"]),
            measure(row["f"]),
            probability(row["p"]),
            probability(row["p_holm"]),
            hundredths(row["partial_eta_squared"]),
            hundredths(row["share"]),
        )
        for row in found.table.to_dict("records")
    )
    title = f"Type-II analysis of variance of log {labels.COLUMNS[metric]}"
    notes = (f"{found.members} runs, R² {found.r_squared:.3f}.", *found.notes)
    return Table(f"anova-{metric}", title, columns, rows, notes)


def ranks_table(members: pd.DataFrame, names: Mapping[str, str], metric: str = "fid") -> Table | Unavailable:
    """Mean ranks over seeds."""
    found = critical_difference(members, metric)
    if isinstance(found, Unavailable):
        return found
    columns = (Column("cell", "cell", numeric=False), Column("mean_rank", "mean rank", "over the seeds; 1 is best"))
    rows = tuple(
        (
            word(names.get(row["cell_id"], row["cell_id"]) + labels.BINARIZATIONS[row["binarization"]]),
            measure(row["mean_rank"], text=f"{row['mean_rank']:.2f}"),
        )
        for row in found.table.to_dict("records")
    )
    notes = (
        f"Friedman's test over {len(found.seeds)} seeds: χ² {found.statistic:.3g}, p {found.p:.2g}; Nemenyi's critical "
        f"difference at {found.alpha:g}: {found.critical_difference:.2f} ranks.",
        *found.notes,
    )
    return Table(f"ranks-{metric}", f"Mean ranks by {labels.COLUMNS[metric]}", columns, rows, notes)
