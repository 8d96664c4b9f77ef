"""How every figure looks: widths of a two-column page; a line and a marker beside each colour, so that grey will do."""

from dataclasses import dataclass
from typing import Any

COLUMN, PAGE = 3.4, 7.1
"""Widths of one column and of both, inches."""
SMALL, TINY = 6.5, 6.0
"""Font sizes of captions within a figure, points."""
DPI = 200
"""Of PNG files of charts."""

RC: Any = {
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


@dataclass(frozen=True)
class Look:
    """A series' colour (Okabe and Ito's palette, light to dark in greyscale, too), line and marker."""

    colour: str
    line: Any
    marker: str


BLUE, ORANGE, BLACK, GREEN = "#0072B2", "#E69F00", "#000000", "#009E73"
PURPLE, SKY, VERMILLION = "#CC79A7", "#56B4E9", "#D55E00"
OUTPUTS = {
    "deterministic": Look(BLUE, "-", "o"),
    "stochastic": Look(ORANGE, (0, (5, 1.5)), "s"),
    "real": Look(BLACK, (0, (5, 1.5, 1, 1.5)), "^"),
    "real-bernoulli": Look(GREEN, (0, (1, 1.2)), "v"),
}
"""By neuron; a real-valued one's samples by threshold (`real`) and by Bernoulli sampling."""
CYCLE = (
    *OUTPUTS.values(),
    Look(PURPLE, (0, (8, 2)), "D"),
    Look(SKY, (0, (3, 1, 1, 1, 1, 1)), "P"),
)
"""For any other series, in turn."""
