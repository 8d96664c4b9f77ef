"""Figures 1, 3, 5, 6 and 7: grids of 64 images."""

import matplotlib as mpl

from analysis import labels
from analysis.figures.drawn import Drawn
from analysis.figures.panels import Page, Panel, draw_panels, tile
from analysis.figures.style import COLUMN, RC
from analysis.results.cells import Cell
from analysis.results.load import Study

BINARY = ("deterministic", "stochastic")


@mpl.rc_context(RC)
def figure_1(study: Study) -> Drawn | None:
    """64 training images."""
    images = study.training_images()
    if images is None:
        return None
    page = Page(1, 1, top=0.02, width=COLUMN, largest=COLUMN)
    page.draw(0, 0, tile(images), caption="64 training images of binarized MNIST: pixel > 0 is 1")
    alt = (
        "An 8 by 8 grid of handwritten digits of 28 by 28 pixels, white on black: training images of binarized "
        f"MNIST. {images.mean():.0%} of the pixels are ink."
    )
    return Drawn(page.figure, alt)


@mpl.rc_context(RC)
def figure_3(study: Study) -> Drawn | None:
    """DBN and SBN samples, each beside its preactivated outputs."""
    row = [
        Panel(title=labels.NEURONS[n] + extra, cell=Cell(objective="wgan-gp", neuron=n), show=show)
        for n in BINARY
        for show, extra in (("bits", ""), ("preactivated", ", preactivated"))
    ]
    intro = (
        "Four 8 by 8 grids of generated digits: binary samples, white on black, each beside its preactivated outputs "
        "in a colour map from 0 (black) over red to 1 (yellow)."
    )
    return draw_panels(study, [row], intro, colours="inferno", colour_bar=True)


@mpl.rc_context(RC)
def figure_5(study: Study) -> Drawn | None:
    """The real-valued model's outputs raw and binarized in two ways."""
    cell = Cell(objective="wgan-gp", neuron="real")
    row = [
        Panel(title="Raw outputs", cell=cell, show="preactivated"),
        Panel(title="Threshold 0.5", cell=cell),
        Panel(title="Bernoulli sampling", cell=cell, show="bernoulli"),
    ]
    intro = (
        "Three 8 by 8 grids of digits from one real-valued model: its raw outputs in grey, then the same outputs "
        "thresholded at 0.5 and drawn by Bernoulli sampling."
    )
    return draw_panels(study, [row], intro)


@mpl.rc_context(RC)
def figure_6(study: Study) -> Drawn | None:
    """GAN and WGAN, each with DBN and SBN."""
    row = [
        Panel(title=f"{labels.OBJECTIVES[o]}, {labels.NEURONS[n]}", cell=Cell(objective=o, neuron=n))
        for o in ("gan", "wgan")
        for n in BINARY
    ]
    return draw_panels(study, [row], "Four 8 by 8 grids of binary samples, white on black: GAN and WGAN, DBN and SBN.")


@mpl.rc_context(RC)
def figure_7(study: Study) -> Drawn | None:
    """The CNN with each neuron; real-valued outputs binarized in two ways."""
    of = {n: Cell(objective="wgan-gp", neuron=n, architecture="cnn") for n in (*BINARY, "real")}
    row = [
        Panel(title="CNN, DBN", cell=of["deterministic"]),
        Panel(title="CNN, SBN", cell=of["stochastic"]),
        Panel(title="CNN, real, threshold", cell=of["real"]),
        Panel(title="CNN, real, Bernoulli", cell=of["real"], show="bernoulli"),
    ]
    intro = (
        "Four 8 by 8 grids of binary samples of the convolutional network, white on black: DBN, SBN, and real-valued "
        "outputs by threshold and by Bernoulli sampling."
    )
    return draw_panels(study, [row], intro)
