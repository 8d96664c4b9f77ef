"""Figures 1, 3, 5, 6, 7 and 8: grids of 64 images."""

from analysis import labels
from analysis.figures.drawn import DATA, Drawn, figure
from analysis.figures.panels import Page, Panel, draw_panels, tile
from analysis.figures.picks import name_in_d
from analysis.figures.style import COLUMN
from analysis.results.load import Study
from binarygan.paper import BINARY, EXPERIMENTS

APPENDIX_LARGEST = 1.36
"""Inches of a panel of Figure 8: six rows fit a page."""


@figure("figure-1", "Training images", section=DATA, of_searches=True)
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


@figure("figure-3", "DBN and SBN samples beside their preactivated outputs", section="neurons", order=3)
def figure_3(study: Study) -> Drawn | None:
    """DBN and SBN samples, each beside its preactivated outputs."""
    row = [
        Panel(title=labels.neuron(cell.neuron) + extra, cell=cell, show=show)
        for cell in EXPERIMENTS["neurons"].cells
        if cell.neuron in BINARY
        for show, extra in (("bits", ""), ("preactivated", ", preactivated"))
    ]
    intro = (
        "Four 8 by 8 grids of generated digits: binary samples, white on black, each beside its preactivated outputs "
        "in a colour map from 0 (black) over red to 1 (yellow)."
    )
    return draw_panels(study, [row], intro, colours="inferno", colour_bar=True)


@figure("figure-5", "The real-valued model: raw, thresholded and Bernoulli-sampled outputs", section="real-valued")
def figure_5(study: Study) -> Drawn | None:
    """The real-valued model's outputs raw and binarized in two ways."""
    [cell] = EXPERIMENTS["real-valued"].cells
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


@figure("figure-6", "GAN and WGAN", section="objectives")
def figure_6(study: Study) -> Drawn | None:
    """GAN and WGAN, each with DBN and SBN."""
    row = [
        Panel(title=f"{labels.part('objective', cell.objective)}, {labels.neuron(cell.neuron)}", cell=cell)
        for cell in EXPERIMENTS["objectives"].cells
    ]
    return draw_panels(study, [row], "Four 8 by 8 grids of binary samples, white on black: GAN and WGAN, DBN and SBN.")


@figure("figure-7", "The CNN", section="architectures")
def figure_7(study: Study) -> Drawn | None:
    """The CNN with each neuron; real-valued outputs binarized in two ways."""
    of = {cell.neuron: cell for cell in EXPERIMENTS["architectures"].cells}
    row = [
        *(Panel(title=f"CNN, {labels.neuron(n)}", cell=of[n]) for n in BINARY),
        Panel(title="CNN, real, threshold", cell=of["real"]),
        Panel(title="CNN, real, Bernoulli", cell=of["real"], show="bernoulli"),
    ]
    intro = (
        "Four 8 by 8 grids of binary samples of the convolutional network, white on black: DBN, SBN, and real-valued "
        "outputs by threshold and by Bernoulli sampling."
    )
    return draw_panels(study, [row], intro)


@figure("figure-8", "Objectives with and without normalization in D", section="appendix")
def figure_8(study: Study) -> Drawn | None:
    """Six rows; DBN and SBN samples, each beside its preactivated outputs."""
    panels: dict[str, list[Panel]] = {}
    for cell in EXPERIMENTS["appendix"].cells:
        norm = name_in_d(study) if cell.has_norm_in_d else labels.norm_in_d("none")
        row = panels.setdefault(f"{labels.part('objective', cell.objective)}\n{norm}", [])
        for show, extra in (("bits", ""), ("preactivated", ", preactivated")):
            row.append(Panel(title=labels.neuron(cell.neuron) + extra, cell=cell, show=show))
    intro = (
        "Six rows of 8 by 8 grids of generated digits, WGAN-GP, WGAN and GAN with and without normalization in D; "
        "columns DBN and SBN, binary samples in white on black, each beside its preactivated outputs in grey."
    )
    return draw_panels(study, list(panels.values()), intro, row_labels=list(panels), largest=APPENDIX_LARGEST)
