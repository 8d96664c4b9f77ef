"""Slices of a search: the value over one parameter at a time."""

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D

from analysis.figures.picks import number
from analysis.figures.registry import PARAMETERS, Drawn, figure
from analysis.figures.search.axes import parameter_axis, position, short, strip
from analysis.figures.search.history import LOOKS
from analysis.figures.style import PAGE, chart, value_axis
from analysis.labels import choice
from analysis.results.study import Study
from analysis.search.importances import BEST_SHARE, FEWEST_BEST
from analysis.search.search import Parameter
from analysis.search.trials import Trials, trials_to_draw

COLUMNS, ROW, TOP, LEFT, GAP = 4, 1.5, 0.5, 0.5, 0.16
"""Panels beside each other; inches of a row, above the first one, left of them and between them."""
PANEL = ((PAGE - LEFT - 0.12 - (COLUMNS - 1) * GAP) / COLUMNS, 1.0)
"""Inches of a panel."""
MOST_PANELS, DENSE = 32, 300
"""Panels of a page; trials beyond which marks are small."""
COLOURS = "cividis"
"""By order, light to dark in greyscale, too."""


@figure("search-slices", "Values by one parameter at a time", section=PARAMETERS, order=2)
def search_slices(study: Study) -> Drawn | None:
    """A panel for each parameter and metric."""
    trials = trials_to_draw(study)
    if trials is None or not trials.varied or not trials.complete:
        return None
    wanted = [(i, p) for i in range(len(trials.search.metrics)) for p in trials.varied]
    panels = wanted[:MOST_PANELS]
    over = len(wanted) - MOST_PANELS
    missing = [f"{over} more panels: a page holds {MOST_PANELS}"] if over > 0 else []
    rows = []
    for metric in range(len(trials.search.metrics)):
        own = [(i, p) for i, p in panels if i == metric]
        rows += [own[k : k + COLUMNS] for k in range(0, len(own), COLUMNS)]
    width, height = PAGE, TOP + ROW * len(rows)
    figure = chart(height, layout=None)
    norm = Normalize(0, max(1, len(trials.all) - 1))
    for y, row in enumerate(rows):
        for x, (metric, parameter) in enumerate(row):
            left, bottom = LEFT + x * (PANEL[0] + GAP), height - TOP - y * ROW - PANEL[1]
            axes = figure.add_axes((left / width, bottom / height, PANEL[0] / width, PANEL[1] / height))
            _draw(axes, trials, metric, parameter, norm, labelled=x == 0)
    _key(figure, trials, norm)
    return Drawn(figure, _alt(trials), missing)


def _draw(axes: Axes, trials: Trials, metric: int, parameter: Parameter, norm: Normalize, *, labelled: bool) -> None:
    having = [t for t in trials.all if parameter.name in t.params]
    stopped = [t for t in having if t.state == "stopped" and not np.isnan(t.value(metric))]
    look, dense = LOOKS["stopped"], len(trials.all) > DENSE
    at_end = [position(parameter, t) for t in stopped], [t.value(metric) for t in stopped]
    axes.plot(*at_end, look.marker, color="0.6", mfc="none", ms=1.9 if dense else 2.6, mew=0.6)
    complete = [t for t in having if t.state == "complete"]
    positions, values = [position(parameter, t) for t in complete], [t.value(metric) for t in complete]
    order = [t.number for t in complete]
    axes.scatter(positions, values, 5 if dense else 11, order, cmap=COLOURS, norm=norm, linewidths=0, zorder=3)
    failed = [t for t in having if t.state == "failed"]
    strip(axes, [position(parameter, t) for t in failed], LOOKS["failed"].marker, LOOKS["failed"].colour)
    all_values = [t.value(metric) for t in (*trials.complete, *trials.of("stopped")) if not np.isnan(t.value(metric))]
    axes.update_datalim([(axes.dataLim.x0, min(all_values)), (axes.dataLim.x0, max(all_values))])  # all panels alike
    axes.autoscale_view(scalex=False)
    value_axis(axes.yaxis, trials.search.metrics[metric].label)
    if not labelled:
        axes.set_ylabel("")
        axes.tick_params(labelleft=False)
    parameter_axis(axes, parameter)


def _key(figure: matplotlib.figure.Figure, trials: Trials, norm: Normalize) -> None:
    """What marks and colours are, above the panels."""
    width, height = figure.get_size_inches()
    box = (LEFT / width, 1 - 0.2 / height, 1.3 / width, 0.08 / height)
    bar = figure.colorbar(ScalarMappable(norm, COLOURS), cax=figure.add_axes(box), orientation="horizontal")
    last = max(1, len(trials.all) - 1)
    bar.set_ticks([0, last], labels=["", ""])
    bar.ax.tick_params(length=0)
    bar.outline.set_linewidth(0.4)
    words = f"complete, trial 0 to {len(trials.all) - 1}"
    figure.text((LEFT + 1.4) / width, 1 - 0.16 / height, words, ha="left", va="center", fontsize=7)
    handles = []
    if trials.of("stopped"):
        marker = LOOKS["stopped"].marker
        label = "stopped early, at its last epoch"
        handles.append(Line2D([], [], ls="none", marker=marker, color="0.6", mfc="none", ms=3.5, label=label))
    if trials.of("failed"):
        look = LOOKS["failed"]
        handles.append(Line2D([], [], ls="none", marker=look.marker, color=look.colour, ms=4, label="failed"))
    if handles:
        corner = (1 - 0.1 / width, 1 - 0.16 / height)
        figure.legend(handles=handles, loc="center right", bbox_to_anchor=corner, ncols=2, handlelength=1.6)


def _alt(trials: Trials) -> str:
    """Of each parameter medians by choice, or the range of the best trials."""
    best = max(FEWEST_BEST, round(BEST_SHARE * len(trials.complete)))
    parts = [f"The value of each of {len(trials.complete)} complete trials over each of its parameters."]
    for i, metric in enumerate(trials.search.metrics):
        sentences = [f"{p.label}: {words}" for p in trials.varied if (words := _found(trials, i, p, best))]
        parts.append(f"{metric.label} by {'; '.join(sentences)}." if sentences else "")
    return " ".join(p for p in parts if p)


def _found(trials: Trials, metric: int, parameter: Parameter, best: int) -> str:
    sign = trials.search.metrics[metric].sign
    complete = [t for t in trials.complete if parameter.name in t.params]
    having = sorted(((sign * t.value(metric), t.params[parameter.name]) for t in complete), key=lambda entry: entry[0])
    if parameter.categorical:
        groups = {c: [sign * value for value, own in having if own == c] for c in parameter.choices}
        medians = {c: number(float(np.median(values))) for c, values in groups.items() if values}
        return ", ".join(f"{choice(parameter.name, c)} median {median}" for c, median in medians.items())
    if len(having) <= best:
        return ""
    low, high = (f([value for _, value in having[:best]]) for f in (min, max))
    return f"the best {best} from {short(low)} to {short(high)}"
