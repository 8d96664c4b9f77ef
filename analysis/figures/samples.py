"""Grids of samples: Figures 1, 3, 5, 6, 7 and 8, samples over the epochs, and those of a search's best trials."""

import numpy as np

from analysis import labels
from analysis.figures.panels import Page, Panel, draw_panels, tile
from analysis.figures.picks import absence, in_order, name_in_d, pick
from analysis.figures.registry import DATA, SEARCH, TRAINING, Drawn, figure
from analysis.figures.style import COLUMN
from analysis.results.cells import label
from analysis.results.study import Samples, Study
from analysis.search.trials import trials_to_draw
from binarygan.paper import BINARY, EXPERIMENTS, Cell

APPENDIX_LARGEST = 1.36
"""Inches of a panel of Figure 8: six rows fit a page."""
EVOLVING = (
    *EXPERIMENTS["neurons"].cells,
    Cell(objective="wgan", neuron="deterministic"),
    Cell(objective="gan", neuron="deterministic"),
    Cell(objective="wgan-gp", neuron="deterministic", architecture="cnn"),
)
EPOCHS, IMAGES, ACROSS = 6, 16, 4
"""Of samples over the epochs: epochs at most, images of each and beside each other."""
BEST = 4
"""Trials of a search."""


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


@figure("search-samples", "Samples of the best trials", section=SEARCH, order=3)
def search_samples(study: Study) -> Drawn | None:
    """The 64 samples of the first seed of each of the best trials that have any."""
    trials = trials_to_draw(study)
    if trials is None:
        return None
    best = trials.ranked[:BEST]
    runs = [study.members[study.members["member_id"] == trial.member_ids[0]] for trial in best]
    found = [(trial, one) for trial, own in zip(best, runs, strict=True) if (one := pick(study, own)) is not None]
    if not found:
        return None
    page = Page(1, BEST)
    parts = ["Grids of 8 by 8 generated digits, white on black, of the best complete trials."]
    for column, (trial, one) in enumerate(found):
        page.title(column, f"Trial {trial.number}")
        page.draw(0, column, tile(one.samples.bits), caption=one.caption("bits"))
        parts.append(f"Trial {trial.number} ({one.which}): {one.describe('bits')}.")
    missing = [f"trial {t.number}: no samples" for t in best if t not in [trial for trial, _ in found]]
    return Drawn(page.figure, " ".join(parts), missing)


@figure("evolution", "Samples over the epochs", section=TRAINING, order=2)
def evolution(study: Study) -> Drawn | None:
    """A row for each cell, a column for each epoch, 16 samples each; the epochs lie evenly on a logarithmic scale."""
    members = {cell: found for cell in EVOLVING if (found := _member(study, cell)) is not None}
    stored = {cell: epochs for cell, (_, epochs) in members.items() if len(epochs) > 1}
    if not stored:
        return None
    epochs = spread(sorted({e for of_cell in stored.values() for e in of_cell}), EPOCHS)
    page = Page(len(stored), len(epochs), side=28 * ACROSS, left=0.5, largest=1.1, top=0.02)
    for i, (cell, of_cell) in enumerate(stored.items()):
        page.row_label(i, label(cell).replace(", ", ",\n", 1))
        for j, epoch in enumerate(epochs):
            samples = of_cell.get(epoch)
            if samples is None:
                page.draw(i, j, None, caption="not yet")
                continue
            caption = f"seed {members[cell][0]}, epoch {epoch}" if j == 0 else f"epoch {epoch}"
            page.draw(i, j, tile(samples.bits[:IMAGES], ACROSS), caption=caption)
    missing = [f"{label(c)}: {absence(study, c)}" for c in EVOLVING if c not in members]
    missing += [f"{label(c)}: samples of one epoch only" for c in members if c not in stored]
    return Drawn(page.figure, _alt(stored, epochs, {cell: seed for cell, (seed, _) in members.items()}), missing)


def spread(epochs: list[int], count: int) -> list[int]:
    """At most `count` of the epochs, first and last among them, evenly spread on a logarithmic scale.

    >>> spread(list(range(1, 21)), 6)
    [1, 2, 3, 6, 11, 20]
    """
    if len(epochs) <= count:
        return epochs
    wanted = np.geomspace(epochs[0], epochs[-1], count)
    chosen: list[int] = []
    for k, target in enumerate(wanted):
        left = [e for e in epochs if (not chosen or e > chosen[-1]) and len(epochs) - epochs.index(e) >= count - k]
        chosen.append(min(left, key=lambda e: abs(e - target)))
    return chosen


def _member(study: Study, cell: Cell) -> tuple[int, dict[int, Samples]] | None:
    """The seed of the cell's first run that has samples, and these by epoch."""
    for _, member in in_order(study, cell).iterrows():
        if found := study.evolution(member["member_id"]):
            return int(member["seed"]), {samples.epoch: samples for samples in found}
    return None


def _alt(stored: dict[Cell, dict[int, Samples]], epochs: list[int], seeds: dict[Cell, int]) -> str:
    parts = [
        f"Samples of the same 16 z after epochs {', '.join(map(str, epochs))}, white on black, a row for each cell. "
        "Share of the pixels that are ink, first and last epoch shown:"
    ]
    for cell, of_cell in stored.items():
        there = [e for e in epochs if e in of_cell]
        first, last = (of_cell[e].bits[:IMAGES].mean() for e in (there[0], there[-1]))
        parts.append(f"{label(cell)} (seed {seeds[cell]}): {first:.0%} to {last:.0%}.")
    return " ".join(parts)
