"""The history of a search: each trial's value in order, and the best so far."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.picks import number
from analysis.figures.registry import SEARCH, Drawn, figure
from analysis.figures.search.axes import strip
from analysis.figures.style import chart, value_axis
from analysis.labels import BLACK, BLUE, ORANGE, VERMILLION, Look
from analysis.results.study import Study
from analysis.search.trials import STATES, Trials, trials_to_draw

LOOKS = {
    "complete": Look(BLUE, "none", "o"),
    "stopped": Look(ORANGE, "none", "s"),
    "failed": Look(VERMILLION, "none", "x"),
    "unfinished": Look("0.45", "none", "+"),
}
"""By state."""
MOST_BARS = 150
"""Trials beyond which bars of seeds would be a grey band."""
ROW = 2.1
"""Inches."""


@figure("search-history", "Trials in order", section=SEARCH, order=1)
def search_history(study: Study) -> Drawn | None:
    """A panel for each metric."""
    trials = trials_to_draw(study)
    if trials is None:
        return None
    metrics = trials.search.metrics
    figure = chart(ROW * len(metrics) + 0.45)
    panels = figure.subplots(len(metrics), squeeze=False)[:, 0]
    for i, axes in enumerate(panels):
        _draw(axes, trials, i)
    panels[-1].set_xlabel("trial")
    figure.legend(handles=_handles(trials), loc="outside upper center", ncols=5, handlelength=1.6, columnspacing=1.4)
    return Drawn(figure, _alt(trials))


def _draw(axes: Axes, trials: Trials, metric: int) -> None:
    dense = len(trials.all) > MOST_BARS
    for state, look in LOOKS.items():
        those = trials.of(state)
        if state == "failed":
            strip(axes, [t.number for t in those], look.marker, look.colour)
            continue
        having = [(t.number, t.value(metric)) for t in those if not np.isnan(t.value(metric))]
        if having:
            size = 2.2 if dense else 3.6
            axes.plot(*zip(*having, strict=True), look.marker, color=look.colour, mfc="none", ms=size, mew=0.7)
    for t in () if dense else trials.complete:
        if len(known := t.seeds[metric]) > 1:
            axes.plot([t.number] * 2, [min(known), max(known)], color=BLUE, linewidth=0.7)
    if trials.complete:
        sign = trials.search.metrics[metric].sign
        best = sign * np.minimum.accumulate([sign * t.value(metric) for t in trials.complete])
        numbers = [*(t.number for t in trials.complete), len(trials.all) - 1]
        axes.step(numbers, [*best, best[-1]], where="post", color=BLACK, linewidth=1.1, zorder=1.9)
    if not axes.lines or not np.isfinite(axes.dataLim.intervaly).all():
        axes.text(0.5, 0.5, "no trial has a value", ha="center", va="center", transform=axes.transAxes, color="0.4")
        axes.set_yticks([])
    value_axis(axes.yaxis, trials.search.metrics[metric].label)
    axes.set_xlim(-0.5 - 0.01 * len(trials.all), len(trials.all) - 0.5 + 0.01 * len(trials.all))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))


def _handles(trials: Trials) -> list[Line2D]:
    bars = len(trials.all) <= MOST_BARS and any(len(t.member_ids) > 1 for t in trials.complete)
    names = {
        "complete": "complete: mean" + (", lowest to highest seed" if bars else ""),
        "stopped": "stopped early, at its last epoch",
        "failed": "failed",
        "unfinished": "not at its end",
    }
    handles = [
        Line2D([], [], linestyle="none", marker=look.marker, color=look.colour, mfc="none", ms=4, label=names[state])
        for state, look in LOOKS.items()
        if trials.of(state)
    ]
    return [*handles, *([Line2D([], [], color=BLACK, label="best so far")] if trials.complete else [])]


def _alt(trials: Trials) -> str:
    counts = ", ".join(f"{n} {STATES[state]}" for state, n in trials.counts.items())
    parts = [f"Values of {len(trials.all)} trials in the order in which they started: {counts}."]
    for i, metric in enumerate(trials.search.metrics):
        if trials.complete:
            first, best = trials.complete[0], trials.best(i)
            parts.append(
                f"{metric.label}: the first complete trial has {number(first.value(i))}, "
                f"the best, trial {best.number}, {number(best.value(i))}."
            )
    return " ".join(parts)
