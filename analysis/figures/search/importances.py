"""How much each parameter of a search matters: bars by two evaluators."""

import numpy as np
from matplotlib.axes import Axes

from analysis.figures.registry import PARAMETERS, Drawn, figure
from analysis.figures.style import SMALL, chart
from analysis.labels import BLUE, ORANGE
from analysis.results.study import Study
from analysis.search.importances import Importances, importances
from analysis.search.trials import trials_to_draw

ROW = 0.27
"""Inches a parameter."""
MOST_METRICS = 3


@figure("search-importances", "Importances of parameters", section=PARAMETERS, order=1)
def search_importances(study: Study) -> Drawn | None:
    """A panel for each metric, two bars for each parameter."""
    trials = trials_to_draw(study)
    if trials is None or not trials.varied:
        return None
    wanted = range(len(trials.search.metrics))
    found = [one for i in wanted if isinstance(one := importances(trials, i), Importances)]
    if not found:
        return None
    panels = found[:MOST_METRICS]
    height = ROW * len(panels[0].rows) + 0.75
    figure = chart(height)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, one in zip(grid, panels, strict=True):
        _draw(axes, one)
    handles, names = grid[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2, handlelength=1.6)
    missing = [f"{one.metric.label}: no room" for one in found[MOST_METRICS:]]
    return Drawn(figure, _alt(panels), missing)


def _draw(axes: Axes, one: Importances) -> None:
    y = np.arange(len(one.rows))
    fanova = np.nan_to_num([row.fanova for row in one.rows])
    ped = np.nan_to_num([row.ped_anova for row in one.rows])
    axes.barh(y - 0.19, fanova, 0.34, color=BLUE, label="fANOVA: share of the variance that it explains")
    axes.barh(
        y + 0.19, ped, 0.34, facecolor="white", edgecolor=ORANGE, hatch="/////", lw=0.8,
        label="PED-ANOVA: what sets the best trials apart",
    )  # fmt: skip
    for bar, row in zip(y, one.rows, strict=True):
        few = np.isnan(row.fanova)
        words = "too few trials" if few else f"{row.fanova:.2f}, {row.ped_anova:.2f}"
        end = 0.0 if few else max(row.fanova, row.ped_anova)
        axes.annotate(words, (end, bar), (4, 0), textcoords="offset points", va="center", fontsize=SMALL, color="0.3")
    names = [r.parameter.label + f" ({r.trials} trials)" * (r.trials != one.trials) for r in one.rows]
    axes.set(ylim=(len(y) - 0.45, -0.55), yticks=y, yticklabels=names, xlabel=f"importance for {one.metric.label}")
    longest = max(0.1, fanova.max(), ped.max())
    axes.set(xlim=(0, 1.35 * longest), xticks=[tick / 5 for tick in range(6) if tick / 5 <= 1.1 * longest])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _alt(panels: list[Importances]) -> str:
    parts = []
    for one in panels:
        listed = "; ".join(
            f"{row.parameter.label} "
            + ("too few trials" if np.isnan(row.fanova) else f"{row.fanova:.2f} and {row.ped_anova:.2f}")
            for row in one.rows
        )
        parts.append(
            f"Importances of parameters for {one.metric.label} by fANOVA and PED-ANOVA, of {one.trials} complete "
            f"trials: {listed}."
        )
    return " ".join(parts)
