"""How every figure looks: widths of a two-column page, fonts, and logarithmic axes with plain numbers."""

from collections.abc import Callable
from math import inf
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

COLUMN, PAGE = 3.4, 7.1
"""Widths of one column and of both, inches."""
SMALL, TINY = 6.5, 6.0
"""Font sizes of captions within a figure, points."""
DPI = 200
"""Of PNG files of charts."""

STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))
SPAN = 3
"""Limits whose ratio is smaller have a linear axis."""

RC: Any = {  # all settings: none is left to a matplotlibrc or a style of the user's
    **{name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"},
    "axes.axisbelow": True,
    "axes.edgecolor": "0.3",
    "axes.grid": True,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8,
    "font.family": ["DejaVu Sans"],  # shipped with matplotlib: the same letters everywhere
    "font.size": 7.5,
    "grid.color": "0.9",
    "grid.linewidth": 0.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "pdf.fonttype": 42,  # fonts embedded as TrueType
    "xtick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.labelsize": 7,
    "ytick.major.width": 0.6,
}


def chart(height: float, width: float = PAGE, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """An empty figure of so many inches."""
    return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def value_axis(axis: Axis, name: str) -> None:
    """Name an axis of values, on a logarithmic scale where they span one."""
    axis.set_label_text(f"{name} (log)" if log_scale(axis) else name)


def log_scale(axis: Axis) -> bool:
    """Make an axis logarithmic, with plain numbers on it; False where it spans little and stays linear."""
    low, high = axis.get_data_interval()
    if not 0 < low < high < inf or high / low < SPAN:
        return False
    name = "x" if isinstance(axis, XAxis) else "y"
    axis.axes.set(**{f"{name}scale": "log"})
    limits = axis.get_view_interval()
    set_ticks(axis, ticks_between(*sorted(limits)), "{:g}".format)
    return True


def set_ticks(axis: Axis, ticks: list[float], form: Callable[[float], str]) -> None:
    """These ticks and no others, as `form` writes them."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: form(value)))


def ticks_between(low: float, high: float) -> list[float]:
    """Round numbers within the limits: the finest steps that leave six at most.

    >>> ticks_between(9, 180)
    [10.0, 20.0, 50.0, 100.0]
    """
    best: list[float] = []
    for steps in STEPS:
        ticks = [step * 10.0**power for power in range(-8, 9) for step in steps]
        ticks = [t for t in ticks if low <= t <= high]
        if len(ticks) <= 6:
            best = ticks
    return best
