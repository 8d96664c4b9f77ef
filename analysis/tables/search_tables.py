"""Tables of a search: its best trials, all of them, those that failed, and which parameters matter."""

import math
import shlex
from collections.abc import Sequence

from analysis import labels
from analysis.labels import NOTHING, number
from analysis.results.command import data_words
from analysis.search.importances import DEPTH, FEWEST_BEST, MINIMUM, TREES, Importances
from analysis.search.search import Metric, Parameter
from analysis.search.trials import STATES, Trial, Trials
from analysis.tables.entries import Column, Entry, Table, count, hundredths, measure, word

BEST = 20
"""Trials in the table for a reader."""
RETRAIN_SEEDS = 10
NUMBERED = "in the order in which they started, from 0; Optuna's own numbers can differ"
FANOVA = "share of the variance that the parameter explains by itself"
PED_ANOVA = "the parameter's part of what sets the best trials apart"


def best_table(trials: Trials) -> Table:
    """The best complete trials, ready to be trained again."""
    several = len(trials.search.metrics) > 1
    columns = (
        Column("trial", "trial", NUMBERED),
        *([Column("front", "front", "whether none beats it in every metric", numeric=False)] if several else []),
        *(_metric_column(m) for m in trials.search.metrics),
        *(_parameter_column(p) for p in trials.varied),
        Column("member_ids", "members", "by seed", numeric=False),
        Column("retrain", f"to train it with {RETRAIN_SEEDS} seeds", numeric=False),
    )
    rows = tuple(
        (
            count(t.number),
            *([word("yes" if t.number in trials.front else "no")] if several else []),
            *(spread(t, i) for i in range(len(trials.search.metrics))),
            *(_value(p, t) for p in trials.varied),
            word(" ".join(t.member_ids)),
            word(retrain(t)),
        )
        for t in trials.ranked[:BEST]
    )
    left = len(trials.complete) - len(rows)
    notes = (
        "Mean ± standard deviation over the trial's runs; a trial with one run has no deviation.",
        *([f"{left} more complete trials, and those that are not: tables/search-trials.csv."] if left > 0 else []),
    )
    return Table("search-best", f"The best {len(rows)} trials", columns, rows, notes)


def all_table(trials: Trials) -> Table:
    """Every trial in order, of whatever state."""
    columns = (
        Column("trial", "trial", NUMBERED),
        Column("state", "state", numeric=False),
        *(_metric_column(m) for m in trials.search.metrics),
        *(_parameter_column(p) for p in trials.search.parameters),
        Column("epochs_done", "epochs"),
        Column("seconds", "seconds", "all runs' together"),
        Column("cell_id", "cell", numeric=False),
        Column("member_ids", "members", "by seed", numeric=False),
        Column("reason", "reason", numeric=False),
    )
    rows = tuple(
        (
            count(t.number),
            word(t.state),
            *(spread(t, i) for i in range(len(trials.search.metrics))),
            *(_value(p, t) for p in trials.search.parameters),
            measure(t.epochs_done),
            measure(t.seconds),
            word(t.cell_id),
            word(" ".join(t.member_ids)),
            word(t.reason),
        )
        for t in trials.all
    )
    notes = ("Numbers of trials that are not complete are of their last epoch.",)
    return Table("search-trials", "All trials", columns, rows, notes)


def failures_table(trials: Trials) -> Table | None:
    """Trials that failed, with the reason; None where none did."""
    failed = trials.of("failed")
    if not failed:
        return None
    columns = (
        Column("trial", "trial"),
        Column("reason", "reason", numeric=False),
        Column("epochs_done", "epochs"),
        *(_parameter_column(p) for p in trials.varied),
    )
    rows = tuple(
        (count(t.number), word(t.reason), measure(t.epochs_done), *(_value(p, t) for p in trials.varied))
        for t in failed
    )
    return Table("search-failures", f"Trials that failed ({len(failed)})", columns, rows)


def importances_table(found: Sequence[Importances]) -> Table:
    """Each parameter's importance by both evaluators, two columns for each metric."""
    several = len(found) > 1
    columns = [Column("parameter", "parameter", numeric=False)]
    columns.append(Column("trials", "trials", "complete ones that have the parameter: these alone are looked at"))
    for f in found:
        of, ending = (f" of {f.metric.label}", f"_{f.metric.name}") if several else ("", "")
        columns.append(Column(f"fanova{ending}", f"fANOVA{of}", FANOVA))
        columns.append(Column(f"ped_anova{ending}", f"PED-ANOVA{of}", PED_ANOVA))
    by_name = [{row.parameter.name: row for row in f.rows} for f in found]
    rows = []
    for first in found[0].rows:
        own = [of_metric[first.parameter.name] for of_metric in by_name]
        shares = [hundredths(x) for row in own for x in (row.fanova, row.ped_anova)]
        rows.append((word(first.parameter.label), count(first.trials), *shares))
    return Table("search-importances", "Which parameters matter", tuple(columns), tuple(rows), _notes(found))


def _notes(found: Sequence[Importances]) -> tuple[str, ...]:
    """What the numbers are, and what they are not."""
    total = found[0].trials
    notes = [
        f"What fANOVA measures: a random forest (Optuna's, {TREES} trees of depth {DEPTH}, seed 0) is fitted to the "
        "trials; the share of the variance of its prediction, over the whole space, that the parameter explains by "
        "itself, the others averaged out. What the column lacks of 1 is interactions.",
        "What PED-ANOVA measures (Optuna's): how far the parameter's distribution among the best trials (a tenth, "
        f"{FEWEST_BEST} at least) differs from that among all (Pearson divergence); parts of the parameters of the "
        "same trials add up to 1.",
        "So the first tells what moves the metric anywhere in the space, the second what it takes to be among the "
        "best: a parameter that matters only far from the best is high in the first and low in the second.",
        f"Of {total} complete trials. Trials that were stopped or failed are in neither: a parameter whose bad values "
        "were all stopped looks as if it did not matter, and what makes a training fail is not seen here.",
    ]
    logs = [f.metric.label for f in found if f.log]
    if logs:
        notes.append(f"Explained is the logarithm of {' and of '.join(logs)}, as the figures show it.")
    if any(row.trials < total for row in found[0].rows):
        notes.append(
            "A parameter that some trials have no use for is evaluated among those that have it: its share is of "
            "their variance, and does not add up with the others'."
        )
    few = [row.parameter.label for row in found[0].rows if row.trials < MINIMUM]
    if few:
        notes.append(f"Too few trials to say ({MINIMUM} are needed): {', '.join(few)}.")
    if total < 10 * len(found[0].rows):
        notes.append(
            f"{total} trials are few for {len(found[0].rows)} parameters: take the order of the first ones, not digits."
        )
    return tuple(notes)


def spread(trial: Trial, metric: int = 0) -> Entry:
    """Mean ± standard deviation over the trial's runs."""
    s = trial.summary(metric)
    text = number(s.mean) if s.n < 2 else f"{number(s.mean)} ± {number(s.sd, 2)}"
    return Entry(text, s.mean, {"": s.mean, "_sd": s.sd, "_n": s.n})


def retrain(trial: Trial) -> str:
    """The command that trains the trial's cell again, with more seeds."""
    words = ["--retrain", trial.member_ids[0], "--seeds", str(RETRAIN_SEEDS), *data_words(trial.data)]
    return shlex.join(["python", "study/run.py", *words])


def counted(trials: Trials) -> str:
    """`18 complete, 9 stopped early by asha, 3 failed`."""
    by = {"stopped": f" by {trials.search.scheduler}"} if trials.search.scheduler else {}
    return ", ".join(f"{n:,} {STATES[state]}{by.get(state, '')}" for state, n in trials.counts.items())


def _metric_column(metric: Metric) -> Column:
    return Column(metric.name, metric.label, labels.MEANINGS.get(metric.name, ""))


def _parameter_column(parameter: Parameter) -> Column:
    return Column(parameter.name, parameter.label, numeric=not parameter.categorical)


def _value(parameter: Parameter, trial: Trial) -> Entry:
    """A drawn value; a dash where the trial's cell has no use for the parameter."""
    value = trial.params.get(parameter.name)
    if value is None:
        return Entry(NOTHING, "" if parameter.categorical else math.nan, {"": ""})
    text = labels.choice(parameter.name, value)
    return Entry(text, text if parameter.categorical else float(value), {"": value})
