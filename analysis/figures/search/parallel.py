"""Parallel coordinates of a search: a line for each complete trial through all its parameters to its value."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from analysis.figures.picks import number
from analysis.figures.registry import PARAMETERS, Drawn, figure
from analysis.figures.search.axes import GOLDEN, choices_of, plain, short
from analysis.figures.style import TINY, chart
from analysis.labels import choice
from analysis.results.study import Study
from analysis.search.importances import LOG_SPAN, Importances, importances
from analysis.search.search import Parameter
from analysis.search.trials import Trial, Trials, trials_to_draw

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
    trials = trials_to_draw(study)
    if trials is None or not trials.varied or len(trials.complete) < 2:
        return None
    parameters = ordered(trials)
    metrics = range(len(trials.search.metrics))
    columns = [*(_of_parameter(p, trials) for p in parameters), *(_of_metric(i, trials) for i in metrics)]
    figure = chart(3.3, layout=None)
    axes = figure.add_axes((0.055, 0.02, 0.88, 0.74))
    axes.set_axis_off()
    axes.set(xlim=(0, len(columns) - 1), ylim=(ABSENT - 0.06, 1))
    _draw_lines(axes, trials, columns)
    for x, column in enumerate(columns):
        _draw_column(axes, x, column, right=x == len(columns) - 1)
    return Drawn(figure, _alt(trials, parameters, any(c.optional for c in columns)))


def ordered(trials: Trials) -> tuple[Parameter, ...]:
    """Those that only some trials have, then the others; of each kind the most important for the first metric last."""
    found = importances(trials, 0)
    by_importance = [row.parameter for row in reversed(found.rows)] if isinstance(found, Importances) else trials.varied
    return tuple(sorted(by_importance, key=lambda p: all(p.name in t.params for t in trials.complete)))


@dataclass(frozen=True)
class _Column:
    """A vertical axis: a parameter's or a metric's."""

    name: str
    height: Callable[[Trial], float]
    """Where a trial's line crosses it, from 0 to 1."""
    ticks: list[tuple[float, str]]
    optional: bool = False
    """Whether some trials have no use for the parameter."""


def _of_parameter(parameter: Parameter, trials: Trials) -> _Column:
    scaled: Callable[[Any], float]
    if parameter.categorical:
        heights = np.linspace(0, 1, len(parameter.choices)).tolist()
        scaled = dict(zip(parameter.choices, heights, strict=True)).__getitem__
        ticks = list(zip(heights, choices_of(parameter), strict=True))
    else:
        scaled, ticks = _scale(parameter.low, parameter.high, parameter.log, parameter.kind == "IntDistribution")
    jitter = JITTER if parameter.categorical else 0.0

    def height(trial: Trial) -> float:
        if (value := trial.params.get(parameter.name)) is None:
            return ABSENT
        return scaled(value) + jitter * ((trial.number * GOLDEN) % 1 - 0.5)

    optional = any(parameter.name not in t.params for t in trials.complete)
    return _Column(parameter.label, height, ticks, optional)


def _of_metric(metric: int, trials: Trials) -> _Column:
    values = [t.value(metric) for t in trials.complete]
    low, high = min(values), max(values)
    scaled, ticks = _scale(low, high, low > 0 and high / low >= LOG_SPAN)
    return _Column(trials.search.metrics[metric].label, lambda trial: scaled(trial.value(metric)), ticks)


def _scale(
    low: float, high: float, log: bool, whole: bool = False
) -> tuple[Callable[[Any], float], list[tuple[float, str]]]:
    """From values to 0 … 1, and the ends and the middle on that scale."""

    def scaled(value: float) -> float:
        a, b, x = (math.log(v) if log else v for v in (low, high, value))
        return (x - a) / (b - a) if b > a else 0.5

    middle = math.sqrt(low * high) if log else (low + high) / 2
    middle = round(middle) if whole else middle
    return scaled, [(scaled(v), short(v)) for v in dict.fromkeys((low, middle, high))]


def _draw_lines(axes: Axes, trials: Trials, columns: list[_Column]) -> None:
    """The worst first, so that the best lie on top."""
    first = trials.search.metrics[0]
    by_value = sorted(trials.complete, key=lambda t: (first.sign * t.value(), t.number))
    best = {t.number for t in by_value[:BEST]} if len(by_value) > 2 * BEST else {by_value[0].number}
    drawn = by_value[::-1]
    lines = [[(float(x), column.height(t)) for x, column in enumerate(columns)] for t in drawn]
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


def _draw_column(axes: Axes, x: int, column: _Column, *, right: bool) -> None:
    axes.plot([x, x], [0, 1], color="0.2", linewidth=0.8, clip_on=False, zorder=3)
    style: Any = {"textcoords": "offset points", "annotation_clip": False}
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.82, "pad": 0.6}
    beside: Any = {"ha": "left" if right else "right", "va": "center", "fontsize": TINY - 0.5, "bbox": box, "zorder": 4}
    for y, words in [*column.ticks, *([(ABSENT, "–")] if column.optional else [])]:
        axes.annotate(words, (x, y), (3 if right else -2, 0), **style, **beside)
    axes.annotate(plain(column.name), (x, 1.0), (0, 8), rotation=35, ha="left", va="bottom", fontsize=7, **style)


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
