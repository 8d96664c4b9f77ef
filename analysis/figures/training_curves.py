"""Losses and FID by epoch: a row of panels for each family of cells, a thin line for each seed."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis import labels
from analysis.figures.drawn import TRAINING, Drawn, figure
from analysis.figures.picks import number
from analysis.figures.style import chart, value_axis
from analysis.results.load import Study
from analysis.results.naming import cells_of, trained
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
    cells = cells_of(study.members)
    cells = cells[cells["cell_id"].isin(by_cell)]
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
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        if not panel.lines:
            panel.text(0.5, 0.5, "not measured", ha="center", va="center", transform=panel.transAxes, color="0.4")
            panel.set(xticks=[], yticks=[])
            continue
        panel.autoscale_view()
        if metric == "fid":
            value_axis(panel.yaxis, name)


def _sentence(name: str, members: pd.DataFrame) -> str:
    done = members[members["status"] == "done"]
    counts = ", ".join(f"{n} {status}" for status, n in members["status"].value_counts().items())
    if done.empty or done["fid"].isna().all():
        return f"{name}: {counts}."
    low, high = (number(float(f(done["fid"]))) for f in (np.min, np.max))
    return f"{name}: {counts}, FID at the end {low if low == high else f'{low} to {high}'}."
