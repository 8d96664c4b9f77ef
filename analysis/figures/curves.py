"""Numbers by epoch: losses and FID of every cell, and how good the estimators' gradients are."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis import labels
from analysis.experiments import EXPERIMENTS
from analysis.figures.picks import number
from analysis.figures.registry import TRAINING, Drawn, figure
from analysis.figures.style import SMALL, chart, value_axis
from analysis.labels import LOOKS
from analysis.results.cells import by_status, trained
from analysis.results.study import Study
from analysis.statistics.compared import Group, compared
from binarygan.metrics.names import BERNOULLI

FAMILIES, SEEDS = 8, 30
"""Drawn at most, families of cells and seeds of each cell."""
PANELS = {"discriminator_loss": "D loss", "generator_loss": "G loss", "fid": "FID"}
ROW = 1.15
"""Inches."""


@figure("training-curves", "Losses and FID by epoch", section=TRAINING, order=1)
def training_curves(study: Study) -> Drawn | None:
    """Each cell's losses and FID; the thick line is the mean of the seeds that are done."""
    of_members = trained(study.members)[["member_id", "cell_id", "seed", "status"]]
    curves = study.curves().merge(of_members, on="member_id").sort_values(["seed", "epoch"], kind="stable")
    by_cell = dict(list(curves.groupby("cell_id")))
    cells = study.cells[study.cells["cell_id"].isin(by_cell)]
    if cells.empty:
        return None
    families = [(str(family), rows) for family, rows in cells.groupby("family", sort=False)]
    shown = families[:FAMILIES]
    figure = chart(ROW * len(shown) + 0.5)
    grid = figure.subplots(len(shown), len(PANELS), squeeze=False)
    sentences = [
        "Losses of discriminator and generator, and FID, by epoch; a thin line for each seed, a thick one the mean of "
        "those that are done."
    ]
    outputs: dict[tuple[str, str], None] = {}
    for axes, (family, rows) in zip(grid, shown, strict=True):
        for cell in rows.to_dict("records"):
            outputs |= dict.fromkeys(_draw_cell(axes, cell["neuron"], by_cell[cell["cell_id"]]))
            sentences.append(_sentence(cell["name"], study.members[study.members["cell_id"] == cell["cell_id"]]))
        axes[0].set_title(family, loc="left")
        _finish(axes, last=family == shown[-1][0])
    handles = []
    for neuron, kind in sorted(outputs, key=lambda o: (labels.rank("neuron", o[0]), o[0])):
        look = labels.look(neuron, kind)
        handles.append(Line2D([], [], color=look.colour, linestyle=look.line, label=labels.neuron(neuron, kind)))
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), handlelength=3.6)
    missing = []
    if left := len(families) - len(shown):
        missing.append(f"{left} more families of cells, {families[FAMILIES][0]} and after: a page holds {FAMILIES}")
    if any(count > SEEDS for count in study.members.groupby("cell_id").size()):
        missing.append(f"seeds after the first {SEEDS} of a cell: left out, the means hold them")
    return Drawn(figure, " ".join(sentences), missing)


def _draw_cell(axes: np.ndarray, neuron: str, curves: pd.DataFrame) -> list[tuple[str, str]]:
    """A cell's lines in the three panels; the neuron with each of the binarizations that were drawn."""
    kinds = ("threshold", "bernoulli") if labels.is_real_valued(neuron) else ("none",)
    for panel, metric in zip(axes, PANELS, strict=True):
        for kind in kinds if metric == "fid" else kinds[:1]:
            look = labels.look(neuron, kind)
            _draw_lines(panel, look, metric + (BERNOULLI if kind == "bernoulli" else ""), curves)
    return [(neuron, kind) for kind in kinds]


def _draw_lines(axes: Axes, look: labels.Look, column: str, curves: pd.DataFrame) -> None:
    curves = curves[curves[column].notna()]
    if curves.empty:
        return
    seeds = sorted(curves["seed"].unique())
    first = curves[curves["seed"].isin(seeds[:SEEDS])].groupby("seed")
    lines = [rows[["epoch", column]].to_numpy(float) for _, rows in first]
    width, alpha = (1.1, 1.0) if len(lines) == 1 else (0.5, 0.6)
    axes.add_collection(
        LineCollection(lines, colors=look.colour, linestyles=[look.line], linewidths=width, alpha=alpha)
    )
    axes.plot(*np.array([line[-1] for line in lines]).T, look.marker, color=look.colour, markersize=2.5)
    done = curves[curves["status"] == "done"]
    if done["seed"].nunique() > 1:
        mean = done.groupby("epoch")[column].mean()
        axes.plot(mean.index, mean, color=look.colour, linestyle=look.line, linewidth=1.4)


def _finish(axes: np.ndarray, *, last: bool) -> None:
    """Whole epochs; FID on a logarithmic scale where it spans one."""
    for panel, (metric, name) in zip(axes, PANELS.items(), strict=True):
        panel.set_ylabel(name)
        if last:
            panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
        if not panel.lines:
            panel.text(0.5, 0.5, "not measured", ha="center", va="center", transform=panel.transAxes, color="0.4")
            panel.set(xticks=[], yticks=[])
            continue
        panel.autoscale_view()
        if metric == "fid":
            value_axis(panel.yaxis, name)


def _sentence(name: str, members: pd.DataFrame) -> str:
    done = members[members["status"] == "done"]
    counts = by_status(members)
    if done.empty or done["fid"].isna().all():
        return f"{name}: {counts}."
    low, high = (number(float(f(done["fid"]))) for f in (np.min, np.max))
    return f"{name}: {counts}, FID at the end {low if low == high else f'{low} to {high}'}."


GRADIENTS = {"gradient_cosine": "cosine to the gradient", "gradient_variance": "variance, relative"}
LINES: tuple[object, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
"""Estimators of one colour, in turn."""
ESTIMATORS = next(e for e in EXPERIMENTS if e.name == "estimators")


@figure("estimators-gradients", "How good the estimators' gradients are", section="estimators", order=1)
def estimators_gradients(study: Study) -> Drawn | None:
    """Means over the seeds that are done, by epoch; a faint line for each seed."""
    own = ESTIMATORS.members(study.members)
    own = own[own["status"] == "done"]
    if own.empty:
        return None
    groups, missing = compared(own, ESTIMATORS.varies)
    curves = study.curves().merge(own[["member_id", "cell_id", "seed"]], on="member_id")
    curves = curves[["cell_id", "seed", "epoch", *GRADIENTS]].dropna(subset=[*GRADIENTS])
    measured = set(curves["cell_id"])
    shown = [group for group in groups if measured & set(group.names)]
    if not shown:
        return None
    longest = max(shown, key=lambda group: len(group.names))
    order = list(dict.fromkeys(name for group in (longest, *shown) for name in group.names.values()))
    heights = [max(1.7, 0.3 + 0.15 * len(measured & set(group.names))) for group in shown]
    figure = chart(sum(heights) + 0.3)
    grid = figure.subplots(len(shown), len(GRADIENTS), squeeze=False, height_ratios=heights)
    sentences = [
        "Cosine of the estimated gradient to that which follows from flipping single outputs, and the estimate's "
        "variance relative to its mean, by epoch."
    ]
    for axes, group in zip(grid, shown, strict=True):
        sentences += _draw_estimators(axes, group, curves, order)
        without = [name for cell_id, name in group.names.items() if cell_id not in measured]
        missing += [f"{name} with {group.name}: not measured" for name in without]
    for panel in grid[-1]:
        panel.set_xlabel("epoch")
    return Drawn(figure, " ".join(sentences), missing)


def _draw_estimators(axes: np.ndarray, group: Group, curves: pd.DataFrame, order: list[str]) -> list[str]:
    """A group's panels, and a sentence for each of its estimators."""
    sentences = []
    for cell_id, name in sorted(group.names.items(), key=lambda item: order.index(item[1])):
        rows = curves[curves["cell_id"] == cell_id]
        if rows.empty:
            continue
        at = order.index(name)
        look = {"color": LOOKS[at % len(LOOKS)].colour, "linestyle": LINES[at // len(LOOKS) % len(LINES)]}
        name += " (the paper's)" if cell_id == group.paper else ""
        last = [_draw_gradients(panel, rows, column, name, look) for panel, column in zip(axes, GRADIENTS, strict=True)]
        cosine, variance = map(number, last)
        sentences.append(f"{group.name}, {name}: cosine {cosine}, variance {variance} at the end.")
    for panel, label in zip(axes, GRADIENTS.values(), strict=True):
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
        panel.margins(x=0.02)
        panel.set_ylabel(label)
    value_axis(axes[-1].yaxis, GRADIENTS["gradient_variance"])
    axes[0].set_title(group.name, loc="left")
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), borderaxespad=0, fontsize=SMALL, labelspacing=0.3)
    return sentences


def _draw_gradients(axes: Axes, rows: pd.DataFrame, column: str, name: str, look: dict[str, Any]) -> float:
    """Each seed's line and their mean's; its last value."""
    seeds = [own[["epoch", column]].to_numpy(float) for _, own in rows.groupby("seed")]
    axes.add_collection(LineCollection(seeds, colors=look["color"], linewidths=0.4, alpha=0.35))
    mean = rows.groupby("epoch")[column].mean()
    axes.plot(mean.index, mean, label=name, linewidth=1.2, **look)
    return float(mean.iloc[-1])
