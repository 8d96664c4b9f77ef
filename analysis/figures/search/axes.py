"""What the figures of a search share: which trials, how parameters and metrics lie on axes."""

from collections.abc import Sequence
from itertools import pairwise
from math import log10
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis import labels
from analysis.figures.style import TINY, set_ticks, ticks_between
from analysis.search.search import Parameter
from analysis.search.trials import Trial

GOLDEN = 0.6180339887498949
LONGEST = 14
"""Letters of a choice on an axis."""
MOST_LETTERS = 48
"""Of two neighbouring choices times their number: more would run into each other."""


def plain(text: object) -> str:
    """A text from a file as it stands, for matplotlib reads formulas between dollars; cut where it is long."""
    words = " ".join(str(text).split())
    return (words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…").replace("$", r"\$")


def choices_of(parameter: Parameter) -> list[str]:
    """What axes call the choices."""
    return [plain(labels.choice(parameter.name, c)) for c in parameter.choices]


def parameter_axis(axes: Axes, parameter: Parameter) -> None:
    """The parameter's declared range along x on its own scale, a little wider than it is."""
    if parameter.categorical:
        names = choices_of(parameter)
        axes.set(xlim=(-0.6, len(names) - 0.4), xticks=range(len(names)))
        crowded = max(len(a) + len(b) for a, b in pairwise([*names, ""])) * (len(names) + 0.2) > MOST_LETTERS
        turned: Any = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
        axes.set_xticklabels(names, fontsize=TINY, **turned)
        axes.grid(visible=False, axis="x")
    elif parameter.log:
        pad = (parameter.high / parameter.low) ** 0.04
        axes.set(xscale="log", xlim=(parameter.low / pad, parameter.high * pad))
        set_ticks(axes.xaxis, _powers(parameter.low, parameter.high), short)
    else:
        pad = 0.04 * (parameter.high - parameter.low)
        axes.set_xlim(parameter.low - pad, parameter.high + pad)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=parameter.kind == "IntDistribution"))
    axes.set_xlabel(parameter.label)


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten within a range, four at most; round numbers where it has fewer than two."""
    slack = 1e-9
    powers = range(int(np.ceil(log10(low) - slack)), int(np.floor(log10(high) + slack)) + 1)
    if len(powers) < 2:
        return ticks_between(low * (1 - slack), high * (1 + slack))
    step = -(-len(powers) // 4)
    return [10.0**p for p in powers[::step]]


def short(value: float) -> str:
    """A number without superfluous digits.

    >>> short(1e-05), short(0.000316), short(0.001), short(100.0), short(0.98765)
    ('1e-5', '3.2e-4', '0.001', '100', '0.988')
    """
    words = f"{value:.1e}".replace(".0e", "e") if 0 < abs(value) < 1e-3 else f"{value:.3g}"
    return words.replace("e-0", "e-").replace("e+0", "e")


def position(parameter: Parameter, trial: Trial) -> float:
    """Where the trial lies along x; choices are spread about their tick, each trial always the same way."""
    value = trial.params[parameter.name]
    if not parameter.categorical:
        return float(value)
    return parameter.choices.index(value) + 0.5 * ((trial.number * GOLDEN) % 1 - 0.5)


def strip(axes: Axes, x: Sequence[float], marker: str, colour: str) -> None:
    """Marks above the axes, for trials that have no value."""
    above: Any = {"transform": axes.get_xaxis_transform(), "clip_on": False}
    axes.plot(x, [1.045] * len(x), marker, color=colour, markersize=3.2, mew=0.8, **above)
