"""How good the estimators' gradients are, by epoch: a row of panels for each neuron, a line for each estimator."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from analysis.experiments import EXPERIMENTS
from analysis.figures.drawn import Drawn, figure
from analysis.figures.picks import number
from analysis.figures.style import SMALL, chart, value_axis
from analysis.labels import LOOKS
from analysis.results.load import Study
from analysis.statistics.compared import Group, compared

PANELS = {"gradient_cosine": "cosine to a reference", "gradient_variance": "variance, relative"}
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
    curves = curves[["cell_id", "seed", "epoch", *PANELS]].dropna(subset=[*PANELS])
    measured = set(curves["cell_id"])
    shown = [group for group in groups if measured & set(group.names)]
    if not shown:
        return None
    longest = max(shown, key=lambda group: len(group.names))
    order = list(dict.fromkeys(name for group in (longest, *shown) for name in group.names.values()))
    counts = [len(measured & set(group.names)) for group in shown]
    heights = [max(1.7, 0.3 + 0.15 * n) for n in counts]
    figure = chart(sum(heights) + 0.3)
    grid = figure.subplots(len(shown), len(PANELS), squeeze=False, height_ratios=heights)
    sentences = ["Cosine of the estimated gradient to a reference, and its variance relative to its mean, by epoch."]
    for axes, group in zip(grid, shown, strict=True):
        sentences += _draw(axes, group, curves, order)
        without = [name for cell_id, name in group.names.items() if cell_id not in measured]
        missing += [f"{name} with {group.name}: not measured" for name in without]
    for panel in grid[-1]:
        panel.set_xlabel("epoch")
    return Drawn(figure, " ".join(sentences), missing)


def _draw(axes: np.ndarray, group: Group, curves: pd.DataFrame, order: list[str]) -> list[str]:
    """A group's panels, and a sentence for each of its estimators."""
    sentences = []
    for cell_id, name in sorted(group.names.items(), key=lambda item: order.index(item[1])):
        rows = curves[curves["cell_id"] == cell_id]
        if rows.empty:
            continue
        at = order.index(name)
        look = {"color": LOOKS[at % len(LOOKS)].colour, "linestyle": LINES[at // len(LOOKS) % len(LINES)]}
        name += " (the paper's)" if cell_id == group.paper else ""
        last = [_draw_lines(panel, rows, column, name, look) for panel, column in zip(axes, PANELS, strict=True)]
        cosine, variance = map(number, last)
        sentences.append(f"{group.name}, {name}: cosine {cosine}, variance {variance} at the end.")
    for panel, label in zip(axes, PANELS.values(), strict=True):
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        panel.margins(x=0.02)
        panel.set_ylabel(label)
    value_axis(axes[-1].yaxis, PANELS["gradient_variance"])
    axes[0].set_title(group.name, loc="left")
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), borderaxespad=0, fontsize=SMALL, labelspacing=0.3)
    return sentences


def _draw_lines(axes: Axes, rows: pd.DataFrame, column: str, name: str, look: dict[str, Any]) -> float:
    """Each seed's line and their mean's; its last value."""
    seeds = [own[["epoch", column]].to_numpy(float) for _, own in rows.groupby("seed")]
    axes.add_collection(LineCollection(seeds, colors=look["color"], linewidths=0.4, alpha=0.35))
    mean = rows.groupby("epoch")[column].mean()
    axes.plot(mean.index, mean, label=name, linewidth=1.2, **look)
    return float(mean.iloc[-1])
