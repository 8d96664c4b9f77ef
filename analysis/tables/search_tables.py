"""Tables of a search: its best trials, all of them, those that failed, and which parameters matter."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from analysis import labels
from analysis.labels import NOTHING, number
from analysis.search.importances import DEPTH, FEWEST_BEST, MINIMUM, TREES, Importance, Importances
from analysis.search.search import Parameter
from analysis.search.trials import STATES, Trial, Trials
from analysis.tables.entries import Column, Entry, Table, column, count, hundredths, measure, tabled
from binarygan.config import FILE_ENDING

BEST = 20
"""Trials in the table for a reader."""
RETRAIN_SEEDS = 10
NUMBERED = "in the order in which they started, from 0; Optuna's own numbers can differ"
TRIAL = column("trial", "trial", count, NUMBERED, of=lambda t: t.number)
EPOCHS = column("epochs_done", "epochs", measure, of=lambda t: t.epochs_done)
MEMBERS = column("member_ids", "members", meaning="by seed", of=lambda t: " ".join(t.member_ids))
REASON = column("reason", "reason", of=lambda t: t.reason)
TRIALS_MEANING = "complete ones that have the parameter: these alone are looked at"
FANOVA = "share of the variance that the parameter explains by itself"
PED_ANOVA = "the parameter's part of what sets the best trials apart"


def best_table(trials: Trials) -> Table:
    """The best complete trials, ready to be trained again."""
    front = column(
        "front",
        "front",
        meaning="whether none beats it in every metric",
        of=lambda t: "yes" if t.number in trials.front else "no",
    )
    columns = (
        TRIAL,
        *([front] if len(trials.search.metrics) > 1 else []),
        *_metric_columns(trials),
        *map(_parameter_column, trials.varied),
        MEMBERS,
        column("retrain", f"to train it with {RETRAIN_SEEDS} seeds", of=partial(_retrain, trials)),
    )
    best = trials.ranked[:BEST]
    left = len(trials.complete) - len(best)
    notes = (
        "Mean ± standard deviation over the trial's runs; a trial with one run has no deviation.",
        *([f"{left} more complete trials, and those that are not: tables/search-trials.csv."] if left > 0 else []),
    )
    return tabled("search-best", f"The best {len(best)} trials", columns, best, notes)


def all_table(trials: Trials) -> Table:
    """Every trial in order, of whatever state."""
    columns = (
        TRIAL,
        column("state", "state", of=lambda t: t.state),
        *_metric_columns(trials),
        *map(_parameter_column, trials.search.parameters),
        EPOCHS,
        column("seconds", "seconds", measure, "all runs' together", of=lambda t: t.seconds),
        column("cell_id", "cell", of=lambda t: t.cell_id),
        MEMBERS,
        REASON,
    )
    notes = ("Numbers of trials that are not complete are of their last epoch.",)
    return tabled("search-trials", "All trials", columns, trials.all, notes)


def failures_table(trials: Trials) -> Table | None:
    """Trials that failed, with the reason; None where none did."""
    failed = trials.of("failed")
    columns = (replace(TRIAL, meaning=""), REASON, EPOCHS, *map(_parameter_column, trials.varied))
    title = f"Trials that failed ({len(failed)})"
    return tabled("search-failures", title, columns, failed) if failed else None


def importances_table(found: Sequence[Importances]) -> Table:
    """Each parameter's importance by both evaluators, two columns for each metric."""
    columns = [
        column("parameter", "parameter", of=lambda row: row.parameter.label),
        column("trials", "trials", count, TRIALS_MEANING, of=lambda row: row.trials),
    ]
    for f in found:
        of, ending = (f" of {f.metric.label}", f"_{f.metric.name}") if len(found) > 1 else ("", "")
        rows = {row.parameter: row for row in f.rows}
        for name, label, meaning in (("fanova", "fANOVA", FANOVA), ("ped_anova", "PED-ANOVA", PED_ANOVA)):
            shares = {parameter: float(getattr(row, name)) for parameter, row in rows.items()}
            share = partial(_of_parameter, shares)
            columns.append(column(name + ending, label + of, hundredths, meaning, of=share))
    return tabled("search-importances", "Which parameters matter", columns, found[0].rows, _notes(found))


def _of_parameter(shares: Mapping[Parameter, float], row: Importance) -> float:
    return shares[row.parameter]


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


def _retrain(trials: Trials, trial: Trial) -> str:
    """The command that trains the trial's cell again, with more seeds."""
    of_file = trials.data.endswith(FILE_ENDING)  # which has no test split
    held_out = trials.search.reference == "validation" and not of_file
    report = ["--reference", "test"] if held_out else []
    words = ["--retrain", trial.member_ids[0], "--seeds", str(RETRAIN_SEEDS), *report, *trials.surroundings]
    return shlex.join(["python", "study/run.py", *words])


def counted(trials: Trials) -> str:
    """`18 complete, 9 stopped early by asha, 3 failed`."""
    by = {"stopped": f" by {trials.search.scheduler}"} if trials.search.scheduler else {}
    return ", ".join(f"{n:,} {STATES[state]}{by.get(state, '')}" for state, n in trials.counts.items())


def _metric_columns(trials: Trials) -> list[Column]:
    return [
        Column(m.name, m.label, labels.MEANINGS.get(m.name, ""), entry=partial(spread, metric=i))
        for i, m in enumerate(trials.search.metrics)
    ]


def _parameter_column(parameter: Parameter) -> Column:
    return Column(parameter.name, parameter.label, "", not parameter.categorical, partial(_value, parameter))


def _value(parameter: Parameter, trial: Trial) -> Entry:
    """A drawn value; a dash where the trial's cell has no use for the parameter."""
    value = trial.params.get(parameter.name)
    if value is None:
        return Entry(NOTHING, "" if parameter.categorical else math.nan, {"": ""})
    text = labels.choice(parameter.name, value)
    return Entry(text, text if parameter.categorical else float(value), {"": value})
