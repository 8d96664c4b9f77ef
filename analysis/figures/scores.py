"""FID of every cell: all seeds, mean and confidence interval, and the released code's runs beside them."""

import math
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby, product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis import labels
from analysis.experiments import EXPERIMENTS, Experiment
from analysis.figures.picks import number
from analysis.figures.registry import STATISTICS, Drawn, figure
from analysis.figures.style import SMALL, chart, log_scale
from analysis.labels import BINARIZATIONS, VERMILLION
from analysis.results.anchors import anchors_for
from analysis.results.cells import by_status, cells_of, is_papers, with_norm
from analysis.results.study import Study
from analysis.statistics.compared import Group, compared, heading
from analysis.statistics.summaries import Summary, by_binarization, finished, summarize

ROOM = 1.25
"""How far beyond its seeds an interval widens the axis, as a factor."""
MOST, MOST_OF_GROUP = 40, 20
"""Rows that a page holds, and of a group of configurations that are compared."""
ROW = 0.185
"""Inches."""
ANCHOR = ["objective", "architecture", "neuron", "with_norm", "binarization"]


@dataclass(frozen=True, eq=False)
class Row:
    """A cell, or one binarization of a real-valued one."""

    cell_id: str
    name: str
    family: str
    neuron: str
    binarization: str
    fids: pd.Series
    """By seed, of those that are done."""
    unfinished: np.ndarray
    """FIDs so far of those that are not."""
    others: str
    """How many runs are not done, and what they are."""
    anchor: float
    """The released code's FID; NaN where it was not run, or was run with other settings."""
    marked: bool = False
    """Whether it stands out from others: the paper's configuration among those that are compared with it."""

    @cached_property
    def summary(self) -> Summary:
        """Over the seeds that are done."""
        return summarize(self.fids, "fid")

    @property
    def mean(self) -> float:
        """What rows are ranked by; infinite where none is done."""
        return self.summary.mean if len(self.fids) else np.inf


def apart(rows: list[Row], of: str = "") -> tuple[list[Row], list[str]]:
    """The rows that have an FID to draw, and a line on each other one; `of` stands after its name."""
    drawable = [row for row in rows if len(row.fids) or len(row.unfinished)]
    without = [row for row in rows if row not in drawable]
    return drawable, [f"{row.name}{of}: no FID ({row.others or 'done without one'})" for row in without]


@figure("scores", "FID of every cell", section=STATISTICS, order=1)
def scores(study: Study) -> Drawn | None:
    """A row for each cell and binarization, FID to the right."""
    anchors = anchors_for(study)
    drawable, without = apart(cell_rows(study.members, anchors))
    if not drawable:
        return None
    missing = without[:MOST]
    missing += [f"{len(without) - MOST} more cells have no FID"] if len(without) > MOST else []
    if len(drawable) > MOST:
        best = sorted(drawable, key=lambda row: row.mean)[:MOST]
        missing.append(f"{len(drawable) - MOST} cells of the highest FID: a page holds {MOST}")
        drawable = [row for row in drawable if row in best]
    return drawn_rows(drawable, missing, anchors)


def drawn_rows(drawable: list[Row], missing: list[str], anchors: pd.DataFrame, heading: str = "") -> Drawn:
    """Rows from top to bottom; with a `heading`, what their names consist of, each family's name stands above it."""
    lines: list[Row | str] = []
    borders = []
    for family, rows_of_family in groupby(drawable, key=lambda row: row.family):
        borders += [len(lines) - 0.5] if lines else []
        lines += [*([family] if heading else []), *rows_of_family]
    rows = [(y, line) for y, line in enumerate(lines) if isinstance(line, Row)]
    figure = chart(ROW * len(lines) + 0.85)
    axes = figure.subplots()
    for y, row in rows:
        if row.marked:
            axes.axhspan(y - 0.5, y + 0.5, color="0.92", linewidth=0)
        _draw_points(axes, y, row)
    for border in borders:
        axes.axhline(border, color="0.8", linewidth=0.5)
    axes.set(ylim=(len(lines) - 0.4, -0.6), yticks=range(len(lines)))
    axes.set_yticklabels([line.name if isinstance(line, Row) else line for line in lines])
    if heading:
        axes.set_ylabel(heading)
        for line, label in zip(lines, axes.get_yticklabels(), strict=True):
            label.set_fontweight("bold" if isinstance(line, str) else "normal")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.06)
    logarithmic = ["logarithmic"] if log_scale(axes.xaxis) else []
    axes.set_xlim(*axes.get_xlim())  # from here on wider intervals may not widen it
    for y, row in rows:
        _draw_mean(axes, y, row)
        words = _words(row)
        axes.text(1.015, y, words, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL)
    floor = anchors.loc[anchors["objective"].isna(), "fid"].tolist()
    said = [*logarithmic, *(f"real images: {number(fid)}" for fid in floor[:1])]
    axes.set_xlabel(f"FID ({'; '.join(said)})" if said else "FID")
    figure.legend(handles=_handles(drawable), loc="outside upper center", ncols=5, handlelength=1.2, columnspacing=1.2)
    return Drawn(figure, _alt(drawable, missing, *floor, heading=heading), missing)


def cell_rows(members: pd.DataFrame, anchors: pd.DataFrame) -> list[Row]:
    """Every cell's row, in the order of all charts."""
    outputs = by_binarization(members, "fid")
    outputs = outputs.assign(with_norm=with_norm(outputs))
    outputs = outputs[["cell_id", "seed", "status", "value", *ANCHOR]]  # pandas takes apart narrow frames faster
    anchors = by_binarization(anchors, "fid")
    anchors = anchors.assign(with_norm=with_norm(anchors))
    theirs = anchors[anchors["objective"].notna()].set_index(ANCHOR)["value"].to_dict()
    groups = dict(list(outputs.groupby(["cell_id", "binarization"], sort=False)))
    found = []
    for cell, kind in product(cells_of(members).to_dict("records"), BINARIZATIONS):
        if (rows := groups.get((cell["cell_id"], kind))) is None:
            continue
        rest = rows[rows["status"] != "done"]
        so_far = rest["value"].to_numpy(float)
        found.append(
            Row(
                cell_id=cell["cell_id"],
                name=cell["name"] + BINARIZATIONS[kind],
                family=cell["family"],
                neuron=cell["neuron"],
                binarization=kind,
                fids=finished(rows, "value"),
                unfinished=so_far[np.isfinite(so_far)],
                others=by_status(rest),
                anchor=theirs.get(tuple(rows.iloc[0][ANCHOR]), math.nan) if is_papers(cell) else math.nan,
            )
        )
    return found


def _draw_points(axes: Axes, y: int, row: Row) -> None:
    look = labels.look(row.neuron, row.binarization)
    axes.plot(row.fids, np.full(len(row.fids), y), look.marker, color=look.colour, mfc="none", markersize=4, mew=0.8)
    axes.plot(row.unfinished, np.full(len(row.unfinished), y), "x", color="0.55", markersize=3.5, mew=0.8)
    if len(row.fids):  # the axis has room for the interval, unless it is much wider than what the seeds span
        ends = max(row.summary.low, min(row.fids) / ROOM), min(row.summary.high, max(row.fids) * ROOM)
        axes.plot(ends, [y, y], linestyle="none")
    axes.plot([row.anchor], [y], "D", color=VERMILLION, markersize=4.5, mfc="none", mew=1)


def _draw_mean(axes: Axes, y: int, row: Row) -> None:
    """Mean and interval; an end of the interval beyond the axis becomes an arrow."""
    summary = row.summary
    if summary.n == 0:
        return
    axes.plot([summary.mean], [y], "|", color="black", markersize=9, mew=1.6, zorder=4)
    if np.isnan(summary.low):
        return
    left, right = axes.get_xlim()
    low, high = max(summary.low, left), min(summary.high, right)
    axes.plot([low, high], [y, y], color="black", linewidth=1.0, zorder=3)
    for end, limit, arrow in ((summary.low, left, "<"), (summary.high, right, ">")):
        if not left <= end <= right:
            axes.plot([limit], [y], arrow, color="black", markersize=3.5, clip_on=False, zorder=4)


def _words(row: Row) -> str:
    """`11.2 [10.1, 12.3], 3 seeds`, and who is not done."""
    s = row.summary
    if s.n == 0:
        return row.others
    interval = "" if np.isnan(s.low) else f" [{number(s.low)}, {number(s.high)}]"
    words = f"{number(s.mean)}{interval}, {s.n} seed{'s' * (s.n > 1)}"
    return f"{words}; {row.others}" if row.others else words


def _handles(rows: list[Row]) -> list[Line2D]:
    plain: Any = {"linestyle": "none", "mfc": "none"}
    kinds = list(BINARIZATIONS)
    outputs = {(row.neuron, row.binarization) for row in rows}
    handles = []
    for neuron, kind in sorted(outputs, key=lambda o: (labels.rank("neuron", o[0]), o[0], kinds.index(o[1]))):
        look, name = labels.look(neuron, kind), f"{labels.neuron(neuron, kind)}, a seed"
        handles.append(Line2D([], [], marker=look.marker, color=look.colour, ms=4, label=name, **plain))
    handles.append(Line2D([], [], marker="|", color="black", ms=9, mew=1.6, label="mean, 95% CI", linewidth=1.0))
    if any(len(row.unfinished) for row in rows):
        handles.append(Line2D([], [], marker="x", color="0.55", ms=3.5, label="not done, so far", **plain))
    if any(row.anchor == row.anchor for row in rows):
        handles.append(Line2D([], [], marker="D", color=VERMILLION, ms=4.5, label="released code, 1 seed", **plain))
    return handles


def _alt(rows: list[Row], missing: list[str], *floor: float, heading: str) -> str:
    parts = ["FID of each cell with 95% confidence intervals of the mean."]
    parts += [f"Real images have {number(fid)}." for fid in floor]
    for row in rows:
        theirs = "" if np.isnan(row.anchor) else f"; the released code: {number(row.anchor)}"
        name = f"{row.family}, {row.name}" if heading else row.name
        parts.append(f"{name}: {_words(row)}{theirs}.")
    parts += [f"Missing: {'; '.join(missing)}."] if missing else []
    return " ".join(parts)


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
        scored, without = apart(rows, of=f" with {group.name}")
        missing += without
        scored.sort(key=lambda row: row.mean)
        kept = [row for i, row in enumerate(scored) if i < MOST_OF_GROUP or row.marked]
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
