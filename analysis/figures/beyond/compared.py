"""FID of the configurations of our own sections: a group for each neuron, the lowest mean first."""

from dataclasses import replace
from functools import partial

import numpy as np

from analysis.experiments import EXPERIMENTS, Experiment
from analysis.figures.drawn import Drawn, figure
from analysis.figures.scores import Row, cell_rows, drawn_rows
from analysis.labels import BINARIZATIONS
from analysis.results.load import Study, anchors_for
from analysis.statistics.compared import Group, compared, heading

MOST = 20
"""Rows of a group."""


def draw_compared(experiment: Experiment, study: Study) -> Drawn | None:
    """A row for each configuration and binarization, the paper's on a grey ground."""
    own = experiment.members(study.members)
    if own.empty:
        return None
    anchors = anchors_for(study)
    groups, missing = compared(own, experiment.varies)
    shown: list[Row] = []
    for group in groups:
        rows = [_named(row, group) for row in cell_rows(group.members, anchors)]
        scored = [row for row in rows if len(row.fids) or len(row.unfinished)]
        without = [row for row in rows if row not in scored]
        missing += [f"{row.name} with {group.name}: no FID ({row.others or 'done without one'})" for row in without]
        scored.sort(key=lambda row: row.summary.mean if len(row.fids) else np.inf)
        kept = [row for i, row in enumerate(scored) if i < MOST or row.marked]
        if left := len(scored) - len(kept):
            missing.append(f"{left} {experiment.things} of higher FID with {group.name}: the table has them")
        shown += kept
    if not shown:
        return None
    return drawn_rows(shown, missing, anchors, heading(experiment.varies))


def _named(row: Row, group: Group) -> Row:
    """The row as its group calls it."""
    marked = row.cell_id == group.paper
    name = group.names[row.cell_id] + BINARIZATIONS[row.binarization] + (" (the paper's)" if marked else "")
    return replace(row, name=name, family=group.name, marked=marked)


for _experiment in EXPERIMENTS:
    if _experiment.things:
        title = f"FID of {_experiment.things}"
        figure(_experiment.name, title, section=_experiment.name)(partial(draw_compared, _experiment))
