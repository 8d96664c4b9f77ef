"""The sections of a search in the report."""

import math
from functools import partial

import numpy as np

from analysis.figures.registry import PARAMETERS, SEARCH
from analysis.labels import number
from analysis.report.contents import Contents
from analysis.report.page import Section
from analysis.results.command import command
from analysis.search.importances import Importances, importances
from analysis.search.trials import Trials, described
from analysis.statistics.summaries import Unavailable
from analysis.tables.search_tables import (
    RETRAIN_SEEDS,
    all_table,
    best_table,
    counted,
    failures_table,
    importances_table,
    spread,
)

NOT_SAID = "What cannot be said"
READING = (
    "In the parallel coordinates a line is a complete trial, the darker the better; the nearer a parameter stands to "
    "the metric, the more it matters by fANOVA; – means that the trial has no use for the parameter."
)


def search_sections(contents: Contents) -> list[Section]:
    """What was found, then what the parameters do; one line where study.json does not allow it, nothing for a grid."""
    trials = contents.trials
    if trials is None:
        return []
    if isinstance(trials, Unavailable):
        return [Section(name=SEARCH, title="Search", warnings=(trials.reason,), warnings_title=NOT_SAID)]
    best = contents.attempt("the table of the best trials", lambda: best_table(trials)) if trials.complete else None
    failed = contents.attempt("the table of trials that failed", lambda: failures_table(trials))
    contents.keep(contents.attempt("the table of all trials", lambda: all_table(trials)))  # a file
    first = Section(
        name=SEARCH,
        title="Search",
        text=_sentences(trials),
        facts=_facts(trials),
        warnings=trials.search.problems,
        warnings_title=NOT_SAID,
        command=command(contents.study),
        command_title="Made by",
        pictures=contents.pick(SEARCH),
        tables=contents.keep(best),
        folded=tuple((t.title, t) for t in contents.keep(failed)),
    )
    return [first, *_of_parameters(contents, trials)]


def _sentences(trials: Trials) -> tuple[str, ...]:
    """How many trials became what, and what the best one is worth."""
    search = trials.search
    by = f" by {search.sampler}" if search.sampler else ""
    space = f" from the space {search.space}" if search.space else ""
    each = f", {search.seeds} run{'s' * (search.seeds > 1)} each" if search.seeds else ""
    epochs = f", {search.epochs} epoch{'s' * (search.epochs > 1)} at most" if search.epochs else ""
    count = f"{len(trials.all):,}"
    if search.asked and search.asked > len(trials.all):
        count += f" of {search.asked:,}"
    noun = "trial" if count == "1" else "trials"
    first = f"{count} {noun} drawn{by}{space}{each}{epochs}: {counted(trials)}."
    if not trials.complete:
        return first, "No trial is complete, so there is no best one."
    return (
        first,
        "The best of many trials is also the luckiest: trained again it will rarely be as good. Train it with "
        f"{RETRAIN_SEEDS} seeds before it is compared with anything; the commands stand in the table (with "
        "--results DIR, where the search is not in results/).",
    )


def _facts(trials: Trials) -> tuple[tuple[str, str], ...]:
    """The best and the median of each metric, and the size of the front."""
    if not trials.complete:
        return ()
    facts = []
    for i, metric in enumerate(trials.search.metrics):
        best = trials.best(i)
        name = f"{'Highest' if metric.maximize else 'Lowest'} {metric.label}"
        facts.append((name, f"{spread(best, i).text}, trial {best.number}: {described(best, trials)}"))
        middle = float(np.median([t.value(i) for t in trials.complete]))
        facts.append((f"Median {metric.label}", f"{number(middle)} over {len(trials.complete):,} complete trials"))
    if len(trials.search.metrics) > 1:
        facts.append(("Pareto front", f"{len(trials.front)} trials that none beats in every metric"))
    return tuple(facts)


def _of_parameters(contents: Contents, trials: Trials) -> list[Section]:
    """What the parameters do; nothing where none varied."""
    if not trials.varied or not trials.complete:
        return []
    found: list[Importances] = []
    unsaid: list[str] = []
    for i, metric in enumerate(trials.search.metrics):
        one = contents.attempt(f"importances for {metric.label}", partial(importances, trials, i))
        if isinstance(one, Unavailable):
            unsaid.append(f"Importances for {metric.label}: {one.reason}.")
        elif one is not None:
            found.append(one)
    table = None
    if found and found[0].rows:
        table = contents.attempt("the table of importances", lambda: importances_table(found))
    return [
        Section(
            name=PARAMETERS,
            title="What the parameters do",
            short="Parameters",
            text=(*((_leaders(found),) if table else ()), READING),
            warnings=tuple(unsaid),
            warnings_title=NOT_SAID,
            pictures=contents.pick(PARAMETERS),
            tables=contents.keep(table),
        )
    ]


def _leaders(found: list[Importances]) -> str:
    """The parameter that leads by each evaluator, a sentence for each metric."""
    sentences = []
    for f in found:
        fanova = max(f.rows, key=lambda r: r.fanova if not math.isnan(r.fanova) else -1.0)
        ped = max(f.rows, key=lambda r: r.ped_anova if not math.isnan(r.ped_anova) else -1.0)
        sentences.append(
            f"{f.metric.label} is moved most by {fanova.parameter.label} ({fanova.fanova:.0%} of the variance by "
            f"fANOVA); the best trials stand out most by {ped.parameter.label} (PED-ANOVA)."
        )
    return " ".join(sentences)
