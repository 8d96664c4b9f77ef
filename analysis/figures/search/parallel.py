"""Parallel coordinates of a search: a line for each complete trial through all its parameters to its value."""

import math

import matplotlib as mpl
import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from analysis.figures.drawn import PARAMETERS, Drawn, figure
from analysis.figures.picks import number
from analysis.figures.search.axes import GOLDEN, choices_of, plain, short, shown
from analysis.figures.style import DPI, PAGE, TINY
from analysis.labels import choice
from analysis.results.load import Study
from analysis.search.importances import LOG_SPAN, Importances, importances
from analysis.search.search import Parameter
from analysis.search.trials import Trial, Trials

ABSENT = -0.14
"""Where a line goes for a parameter that its trial has no use for."""
BEST = 5
"""Trials drawn thick."""
COLOURS = "cividis"
JITTER = 0.05
"""Of lines about a choice."""


@figure("search-parallel", "Parallel coordinates of the trials", section=PARAMETERS, order=3)
def search_parallel(study: Study) -> Drawn | None:
    """Metrics last, parameters the nearer to them the more they matter; the best trials are drawn last and thick."""
    trials = shown(study)
    if trials is None or not trials.varied or len(trials.complete) < 2:
        return None
    parameters = ordered(trials)
    metrics = [_Scale([t.value(i) for t in trials.complete]) for i in range(len(trials.search.metrics))]
    figure = mpl.figure.Figure(figsize=(PAGE, 3.3), dpi=DPI)
    axes = figure.add_axes((0.055, 0.02, 0.88, 0.74))
    axes.set_axis_off()
    count = len(parameters) + len(metrics)
    axes.set(xlim=(0, count - 1), ylim=(ABSENT - 0.06, 1))
    _draw_lines(axes, trials, parameters, metrics)
    optional = {p.name for p in parameters if any(p.name not in t.params for t in trials.complete)}
    for x, parameter in enumerate(parameters):
        _draw_axis(axes, x, parameter.label, _ticks(parameter), absent=parameter.name in optional)
    for x, (metric, scale) in enumerate(zip(trials.search.metrics, metrics, strict=True), len(parameters)):
        _draw_axis(axes, x, metric.label, scale.ticks, right=x == count - 1)
    return Drawn(figure, _alt(trials, parameters, bool(optional)))


def ordered(trials: Trials) -> tuple[Parameter, ...]:
    """Those that only some trials have, then the others; of each kind the most important for the first metric last."""
    found = importances(trials, 0)
    parameters = (
        [row.parameter for row in reversed(found.rows)] if isinstance(found, Importances) else list(trials.varied)
    )
    return tuple(sorted(parameters, key=lambda p: all(p.name in t.params for t in trials.complete)))


class _Scale:
    """From values to 0 … 1, logarithmic where they span one."""

    def __init__(self, values: list[float]) -> None:
        low, high = min(values), max(values)
        self._log = low > 0 and high / low >= LOG_SPAN
        self._ends = self._raw(low), self._raw(high)
        middle = math.sqrt(low * high) if self._log else (low + high) / 2
        self.ticks = [(self.scaled(v), short(v)) for v in dict.fromkeys((low, middle, high))]

    def _raw(self, value: float) -> float:
        return math.log(value) if self._log else value

    def scaled(self, value: float) -> float:
        """Between 0 and 1."""
        low, high = self._ends
        return (self._raw(value) - low) / (high - low) if high > low else 0.5


def _draw_lines(axes: Axes, trials: Trials, parameters: tuple[Parameter, ...], metrics: list[_Scale]) -> None:
    """The worst first, so that the best lie on top."""
    first = trials.search.metrics[0]
    by_value = sorted(trials.complete, key=lambda t: (first.sign * t.value(), t.number))
    best = {t.number for t in by_value[:BEST]} if len(by_value) > 2 * BEST else {by_value[0].number}
    drawn = by_value[::-1]
    lines = [_line(t, parameters, metrics) for t in drawn]
    ranks = np.linspace(0.92, 0, len(drawn))  # not values: of a good search most are near the best
    thin = 0.9 if len(drawn) <= 100 else 0.5
    axes.add_collection(
        LineCollection(
            lines,
            colors=mpl.colormaps[COLOURS](ranks),
            linewidths=[1.9 if t.number in best else thin for t in drawn],
            alpha=[1.0 if t.number in best else 0.65 for t in drawn],
            capstyle="round",
            clip_on=False,
        )
    )


def _line(trial: Trial, parameters: tuple[Parameter, ...], metrics: list[_Scale]) -> list[tuple[float, float]]:
    points = []
    for x, parameter in enumerate(parameters):
        y = ABSENT
        if (value := trial.params.get(parameter.name)) is not None:
            y = parameter.scaled(value)
            if parameter.categorical:
                y += JITTER * ((trial.number * GOLDEN) % 1 - 0.5)
        points.append((float(x), y))
    values = [(float(len(parameters) + i), metric.scaled(trial.value(i))) for i, metric in enumerate(metrics)]
    return [*points, *values]


def _ticks(parameter: Parameter) -> list[tuple[float, str]]:
    """Heights and words along a parameter's axis."""
    if parameter.categorical:
        return [(parameter.scaled(c), name) for c, name in zip(parameter.choices, choices_of(parameter), strict=True)]
    middle = math.sqrt(parameter.low * parameter.high) if parameter.log else (parameter.low + parameter.high) / 2
    if parameter.kind == "IntDistribution":
        middle = round(middle)
    return [(parameter.scaled(v), short(v)) for v in dict.fromkeys((parameter.low, middle, parameter.high))]


def _draw_axis(
    axes: Axes, x: int, name: str, ticks: list[tuple[float, str]], *, absent: bool = False, right: bool = False
) -> None:
    axes.plot([x, x], [0, 1], color="0.2", linewidth=0.8, clip_on=False, zorder=3)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.82, "pad": 0.6}
    gap = 3 if right else -2
    for y, words in [*ticks, *([(ABSENT, "–")] if absent else [])]:
        axes.annotate(
            words,
            (x, y),
            (gap, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=TINY - 0.5,
            bbox=box,
            zorder=4,
            annotation_clip=False,
        )
    axes.annotate(
        plain(name),
        (x, 1.0),
        (0, 8),
        textcoords="offset points",
        rotation=35,
        ha="left",
        va="bottom",
        fontsize=7,
        annotation_clip=False,
    )


def _alt(trials: Trials, parameters: tuple[Parameter, ...], optional: bool) -> str:
    best = trials.best()
    metric = trials.search.metrics[0]
    values = ", ".join(
        f"{p.label} {choice(p.name, best.params[p.name]) if p.name in best.params else '–'}" for p in parameters
    )
    low, high = (number(float(f([t.value() for t in trials.complete]))) for f in (np.min, np.max))
    gaps = " A dash stands for a parameter that a trial has no use for." if optional else ""
    return (
        f"Parallel coordinates of {len(trials.complete)} complete trials, {metric.label} {low} to {high}, dark lines "
        f"the best. The best, trial {best.number}: {values}, {metric.label} {number(best.value())}.{gaps}"
    )
