"""The Pareto front of a search: trials by two metrics."""

from itertools import combinations

import numpy as np
from matplotlib.axes import Axes

from analysis.figures.picks import number
from analysis.figures.registry import SEARCH, Drawn, figure
from analysis.figures.style import COLUMN, PAGE, SMALL, chart, value_axis
from analysis.labels import BLUE
from analysis.results.study import Study
from analysis.search.trials import Trials, front, trials_to_draw

MOST_PANELS = 3
MOST_NAMES = 12
"""Trials named on the front."""


@figure("search-pareto", "The Pareto front", section=SEARCH, order=2)
def search_pareto(study: Study) -> Drawn | None:
    """A panel for each pair of metrics, the front of the pair as a staircase; None where there is one metric."""
    trials = trials_to_draw(study)
    if trials is None or len(trials.search.metrics) < 2 or not trials.complete:
        return None
    pairs = list(combinations(range(len(trials.search.metrics)), 2))
    panels = pairs[:MOST_PANELS]
    figure = chart(3.1, PAGE if len(panels) > 1 else COLUMN * 1.35)
    parts = [f"Trials by two metrics, {len(trials.complete)} complete ones."]
    for axes, (y, x) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        parts.append(_draw(axes, trials, x, y))
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2, handlelength=1.6)
    names_of = [m.label for m in trials.search.metrics]
    missing = [f"{names_of[a]} and {names_of[b]}: no room" for a, b in pairs[MOST_PANELS:]]
    return Drawn(figure, " ".join(parts), missing)


def _draw(axes: Axes, trials: Trials, x: int, y: int) -> str:
    """One panel, and the sentence about it."""
    metrics = trials.search.metrics
    values = trials.values[:, [x, y]]
    signs = np.array([metrics[x].sign, metrics[y].sign])
    on = front(values)
    order = np.lexsort((values[on][:, 1], values[on][:, 0]))
    best = values[on][order]
    shown_ = values * signs
    axes.plot(*shown_[~on].T, "o", color="0.6", mfc="none", markersize=3.2, mew=0.7, label="complete trial")
    axes.plot(*(best * signs).T, "o", color=BLUE, markersize=4.2, zorder=3, label="on the front, with its number")
    twice = np.repeat(best, 2, axis=0)
    corners = np.column_stack([twice[1:, 0], twice[:-1, 1]])
    axes.plot(*(corners * signs).T, color=BLUE, linewidth=0.9)
    value_axis(axes.xaxis, metrics[x].label)
    value_axis(axes.yaxis, metrics[y].label)
    those = [t for t, flag in zip(trials.complete, on, strict=True) if flag]
    named = [those[i] for i in order]
    if len(named) <= MOST_NAMES:
        for i, t in enumerate(named):  # neighbours on either side of the front, so that their numbers keep apart
            above = {"xytext": (3, 3)} if i % 2 == 0 else {"xytext": (-3, -3), "ha": "right", "va": "top"}
            point = t.value(x), t.value(y)
            axes.annotate(str(t.number), point, textcoords="offset points", fontsize=SMALL, **above)
    listed = "; ".join(f"trial {t.number} {number(t.value(x))} and {number(t.value(y))}" for t in named[:MOST_NAMES])
    more = f"; and {len(named) - MOST_NAMES} more" if len(named) > MOST_NAMES else ""
    return f"The front of {metrics[x].label} and {metrics[y].label}: {listed}{more}."
