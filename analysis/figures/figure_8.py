"""Figure 8, the paper's appendix: objectives with and without normalization in D."""

import matplotlib as mpl

from analysis import labels
from analysis.figures.drawn import Drawn
from analysis.figures.panels import Panel, draw_panels
from analysis.figures.picks import name_in_d
from analysis.figures.style import RC
from analysis.results.cells import Cell
from analysis.results.load import Study

ROWS = [(objective, with_norm) for objective in ("wgan-gp", "wgan", "gan") for with_norm in (True, False)]
COLUMNS = [(neuron, show) for neuron in ("deterministic", "stochastic") for show in ("bits", "preactivated")]
LARGEST = 1.36
"""Inches of a panel: six rows fit a page."""


@mpl.rc_context(RC)
def figure_8(study: Study) -> Drawn | None:
    """Six rows; DBN and SBN samples, each beside its preactivated outputs."""
    rows = [
        [
            Panel(
                title=labels.NEURONS[neuron] + (", preactivated" if show == "preactivated" else ""),
                cell=Cell(objective=objective, neuron=neuron, norm_in_d=with_norm),
                show=show,
            )
            for neuron, show in COLUMNS
        ]
        for objective, with_norm in ROWS
    ]
    row_labels = [f"{labels.OBJECTIVES[o]}\n{name_in_d(study) if norm else labels.NORMS['none']}" for o, norm in ROWS]
    intro = (
        "Six rows of 8 by 8 grids of generated digits, WGAN-GP, WGAN and GAN with and without normalization in D; "
        "columns DBN and SBN, binary samples in white on black, each beside its preactivated outputs in grey."
    )
    return draw_panels(study, rows, intro, row_labels=row_labels, largest=LARGEST)
