"""The sections of the report, in the order of the page."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import pandas as pd

from analysis import labels
from analysis.claims.verdicts import Verdict
from analysis.experiments import EXPERIMENTS, Experiment
from analysis.figures.registry import OWN, STATISTICS, TRAINING
from analysis.own_study import Axis, axes_of
from analysis.report.contents import Contents
from analysis.report.page import Section
from analysis.results.command import command
from analysis.results.study import Study
from analysis.search.trials import STATES, Trials
from analysis.statistics.compared import compared, leader
from analysis.statistics.summaries import Unavailable
from analysis.tables import tables
from analysis.tables.architecture_tables import architecture_tables, counts_note
from analysis.tables.entries import MOST_ROWS, spread
from analysis.tables.own_tables import axes_table
from analysis.tables.provenance_tables import environment_table, failures_table, time_table
from analysis.tables.rows import NAMING, OURS, REAL_IMAGES, RELEASED, Row, beside, rows_of
from analysis.tables.search_tables import BEST
from analysis.tables.statistics_tables import (
    CLAIMS_NOTES,
    anova_table,
    claims_table,
    differences_table,
    ranks_table,
)
from binarygan.paper import FIDELITIES

OWN_NOTES = (
    "From the study's own file. Each verdict is at level 0.05 by itself; p of all is adjusted for the claims that are "
    "judged together (Holm). Brackets hold 90% intervals of the same tests, and behind p stand the margins at which "
    "the verdict would be the same and the contrary one.",
)
LUCKY = (
    "The lowest of many means is also the luckiest: trained again it will rarely be as low. Differences are ratios "
    "over pairs that share a seed."
)


def summary(contents: Contents, verdicts: Sequence[Verdict]) -> Section:
    members = contents.study.members
    counts = members["status"].value_counts()
    listed = ", ".join(f"{counts[s]:,} {word_}" for s, word_ in labels.STATUSES.items() if s in counts)
    facts = [("Shows", file.shows)] if (file := contents.study.file) and file.shows else []
    facts += [("Runs", listed), *_not_begun(contents.study), ("Training", _training(members))]
    if tally := Counter(v.verdict for v in verdicts):
        facts.append(("The paper's claims", ", ".join(f"{n} {verdict}" for verdict, n in tally.items())))
    facts += _best(contents.rows)
    hours = members["seconds"].sum() / 3600
    facts.append(("Time", f"{hours:,.1f} hours of training and evaluation, all runs' together"))
    if (members["split"] == "all").any():
        said = "nothing: runs of split `all` trained on the test images, too, as the released code does"
        facts.append(("Held out of training", said))
    if (members["reference"] == "validation").any():
        said = "images that are held out of the train split, by extractors that did not see them; no test image"
        facts.append(("Compared with", said))
    of_the_paper = not contents.study.is_search and not axes_of(contents.study)
    missing = [line for e in EXPERIMENTS for line in e.missing(members)] if of_the_paper else []
    text = (
        "Every number is over the seeds of a cell that are done. Runs that failed, diverged or were stopped early "
        "are counted, never averaged and never dropped.",
    )
    return Section(
        name="summary",
        title="Summary",
        text=text,
        facts=tuple(facts),
        warnings=tuple(contents.problems),
        warnings_title="Read first: what is wrong with the files",
        command="" if contents.study.is_search else command(contents.study),
        missing=tuple(dict.fromkeys(missing)),
    )


def _not_begun(study: Study) -> list[tuple[str, str]]:
    """How many of the runs that the study's file asks for have no row yet."""
    if study.is_search or not study.file:
        return []
    planned = max(len(study.file.configurations), 1) * (study.file.seeds or 1)
    if (count := planned - len(study.members)) <= 0:
        return []
    return [("Not begun", f"{count:,} of the {planned:,} runs that study.toml asks for")]


def _training(members: pd.DataFrame) -> str:
    epochs, images = members["epochs"].dropna(), members["train_images"].dropna()
    parts = [f"{_span(epochs)} epochs of {_span(images)} images"] if len(epochs) and len(images) else []
    seeds = members[members["status"] == "done"].groupby("cell_id")["seed"].nunique()
    unit = "seed" if seeds.max() == 1 else "seeds"
    parts += [f"{_span(seeds)} finished {unit} a cell"] if len(seeds) else ["no run is done yet"]
    return "; ".join([*parts, ", ".join(sorted(members["data"].dropna().unique()))])


def _span(values: pd.Series) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _best(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The lowest mean FID, beside the released code's lowest and the floor."""
    found = []
    for source, title in (
        (OURS, "Lowest mean FID"),
        (RELEASED, "Lowest FID of the released code"),
        (REAL_IMAGES, "FID of real images"),
    ):
        scored = [(s.mean, s, row) for row in rows if row.source == source and (s := row.summary("fid")).n]
        if not scored:
            continue
        _, s, row = min(scored, key=lambda entry: entry[0])
        named = (row.fields[f] for f in (*NAMING, "settings"))
        what = ", ".join(filter(None, named)) if source != REAL_IMAGES else "train against test"
        seeds = f"; {s.n} seed{'s' if s.n > 1 else ''}" if source != REAL_IMAGES else ""
        found.append((title, f"{spread(s).text} ({what}{seeds})"))
    return found


def verdict_section(contents: Contents, verdicts: Sequence[Verdict]) -> Section:
    contents.keep(claims_table(verdicts, notes=CLAIMS_NOTES) if verdicts else None)
    fidelities = list(dict.fromkeys(v.fidelity for v in verdicts))
    groups = [(f if len(fidelities) > 1 else "", [v for v in verdicts if v.fidelity == f]) for f in fidelities]
    text: tuple[str, ...] = (
        *CLAIMS_NOTES,
        "Not tested: cells are missing. Inconclusive: neither shown nor refuted, as a rule for want of runs or epochs.",
    )
    untested = all(v.verdict == "not tested" for v in verdicts)
    if untested and (contents.study.is_search or axes_of(contents.study)):
        groups = []
        text = ("None of them is tested: the configurations that they compare are not all among this study's.",)
    return Section(name="claims", title="The paper's claims", short="Claims", text=text, verdicts=tuple(groups))


def own_sections(contents: Contents, verdicts: Sequence[Verdict]) -> list[Section]:
    """What a study of the user's own varies and claims; nothing for one that has no axes and no claims."""
    found = []
    if verdicts:
        title = "The claims of this study"
        contents.keep(claims_table(verdicts, "own-claims", title, OWN_NOTES))
        fidelities = list(dict.fromkeys(v.fidelity for v in verdicts))
        groups = [(f if len(fidelities) > 1 else "", [v for v in verdicts if v.fidelity == f]) for f in fidelities]
        found.append(
            Section(name="own-claims", title=title, short="Own claims", text=OWN_NOTES, verdicts=tuple(groups))
        )
    if axes := contents.attempt("the study's axes", lambda: axes_of(contents.study)):
        names = ", ".join(_named(axis) for axis in axes)
        made = contents.attempt("the table of configurations", lambda: axes_table(contents.study))
        found.append(
            Section(
                name="axes",
                title="What this study varies",
                short="Axes",
                text=(f"Its configurations differ in {names}; all else is the same in all of them.",),
                command=command(contents.study),
                pictures=contents.pick(OWN),
                tables=contents.keep(made),
            )
        )
    return found


def _named(axis: Axis) -> str:
    """The axis, and what cannot be told from it."""
    with_it = ", ".join(labels.field(name) for name in axis.with_it)
    return labels.field(axis.name) + (f" (and with it {with_it})" if with_it else "")


def pictures_section(contents: Contents, name: str, title: str, short: str = "") -> list[Section]:
    """The figures that stand by themselves; nothing where there are none."""
    pictures = contents.pick(name)
    return [Section(name=name, title=title, short=short, pictures=pictures)] if pictures else []


def experiment_section(contents: Contents, experiment: Experiment) -> Section:
    members = contents.study.members
    own = experiment.members(members)
    name, made = f"experiment-{experiment.name}", None
    if len(own):
        rows = beside(rows_of(own, contents.anchors.iloc[:0], show=experiment.varies), contents.rows)
        made = contents.attempt(name, lambda: tables.scores(rows, name, f"Scores: {experiment.title}"))
    text, networks = [experiment.shows, *(contents.attempt(name, lambda: _leaders(experiment, own)) or ())], None
    if experiment.name == "architectures":
        text.append(counts_note())
        fidelities = [f for f in FIDELITIES if (members["fidelity"] == f).any()]
        networks = contents.attempt("tables 1 to 4", lambda: architecture_tables(*fidelities))
    if experiment.says is not None and len(own):
        says = experiment.says
        text += [said] if (said := contents.attempt(f"{name}'s sentence", lambda: says(own))) else []
    missing = experiment.missing(members)
    if experiment.choose is not None and not len(own):
        missing = ["Not part of this study."]
    return Section(
        name=experiment.name,
        title=experiment.title,
        short=experiment.short,
        text=tuple(text),
        command=command(contents.study, experiment.grid),
        command_title="Trained by" if contents.study.description.get("grid") == experiment.grid else "To train it:",
        missing=tuple(missing),
        pictures=contents.pick(experiment.name),
        tables=contents.keep(made),
        folded=tuple((table.title, table) for table in contents.keep(*(networks or ()), of_runs=False)),
    )


def _leaders(experiment: Experiment, own: pd.DataFrame) -> list[str]:
    """A sentence for each neuron on what has the lowest mean FID; nothing for the paper's experiments."""
    groups = compared(own, experiment.varies)[0] if experiment.things and len(own) else []
    found = [said for group in groups if (said := leader(group, experiment.things))]
    return [*found, LUCKY] if found else []


def of_grids(contents: Contents) -> list[Section]:
    """What compares cells that were chosen to be compared: a search's were not."""
    pictures = contents.pick(TRAINING)
    missing = () if pictures else ("No epoch is done yet.",)
    title = "Training over the epochs"
    training = Section(name="training", title=title, short="Training", pictures=pictures, missing=missing)
    members = contents.study.members
    of_others = bool(axes_of(contents.study))  # then what it has nothing of is no part of it
    shown = [e for e in EXPERIMENTS if not of_others or len(e.members(members))]
    experiments = [experiment_section(contents, e) for e in shown]
    return [*experiments, training, statistics_section(contents)]


def statistics_section(contents: Contents) -> Section:
    members, unsaid, made = contents.study.members, [], []
    of_others = not any(len(e.members(members)) for e in EXPERIMENTS)
    for what, make in (
        ("Differences to the baseline", lambda: differences_table(members, contents.names)),
        ("Analysis of variance", lambda: anova_table(contents.study)),
        ("Ranks", lambda: ranks_table(members, contents.names)),
    ):
        found = None if of_others and what.startswith("Diff") else contents.attempt(what, make)
        if isinstance(found, Unavailable):
            unsaid.append(f"{what}: {found.reason}")
        elif found is not None:
            made.append(found)
    return Section(
        name="statistics",
        title="Statistics over seeds",
        short="Statistics",
        text=("What the seeds allow to say, all of FID.",),
        warnings=tuple(unsaid),
        warnings_title="What cannot be said",
        pictures=contents.pick(STATISTICS),
        tables=contents.keep(*made),
    )


def scores_section(contents: Contents) -> Section:
    """All cells and numbers; on the page folded."""
    rows = contents.rows
    made = [contents.attempt("the table of cells", lambda: tables.scores(rows, "cells", "All cells"))]
    for name, (title, numbers) in tables.SECTIONS.items():
        if name == "gates" and not any(row.values(number) for row in rows for number in numbers):
            continue  # most studies have none
        made.append(contents.attempt(title, partial(tables.means, rows, f"all-{name}", title, numbers)))
    text = "Every cell of the study, then the released code's runs, then real images, measured by the same code."
    if contents.study.is_search:
        text = "Every cell, the best trials first, and in the files the released code's runs and real images."
    kept = contents.keep(*made, most=BEST if contents.study.is_search else MOST_ROWS)
    return Section(name="scores-all", title="All scores", text=(text,), folded=tuple((t.title, t) for t in kept))


def environment_section(contents: Contents) -> Section:
    members = contents.study.members
    failures = contents.attempt("the table of failures", lambda: failures_table(members, contents.names))
    made = contents.keep(failures, contents.attempt("the environment", lambda: environment_table(members)))
    stopped = int((members["status"] == "stopped").sum())
    text = [] if failures else ["No run failed, diverged or was cut off."]
    text += [f"{stopped:,} runs were stopped early, as their search's scheduler is meant to do."] if stopped else []
    return Section(
        name="environment", title="Failures, versions, commits", short="Environment", text=tuple(text), tables=made
    )


def time_section(contents: Contents) -> Section:
    names = contents.names
    if isinstance(contents.trials, Trials):
        names = {t.cell_id: f"trials {STATES[t.state]}" for t in contents.trials.best_first}
    made = contents.keep(contents.attempt("the table of time", lambda: time_table(contents.study, names)))
    return Section(name="time", title="How long it took", short="Time", tables=made)
