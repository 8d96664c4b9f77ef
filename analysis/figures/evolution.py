"""How samples of the same z change over the epochs."""

import numpy as np

from analysis.figures.drawn import TRAINING, Drawn, figure
from analysis.figures.panels import Page, tile
from analysis.figures.picks import absence, in_order
from analysis.results.cells import label
from analysis.results.load import Samples, Study
from binarygan.paper import EXPERIMENTS, Cell

CELLS = (
    *EXPERIMENTS["neurons"].cells,
    Cell(objective="wgan", neuron="deterministic"),
    Cell(objective="gan", neuron="deterministic"),
    Cell(objective="wgan-gp", neuron="deterministic", architecture="cnn"),
)
COLUMNS, IMAGES, ACROSS = 6, 16, 4
"""Epochs shown at most; images of each."""


@figure("evolution", "Samples over the epochs", section=TRAINING, order=2)
def evolution(study: Study) -> Drawn | None:
    """A row for each cell, a column for each epoch, 16 samples each; the epochs lie evenly on a logarithmic scale."""
    members = {cell: found for cell in CELLS if (found := _member(study, cell)) is not None}
    stored = {cell: epochs for cell, (_, epochs) in members.items() if len(epochs) > 1}
    if not stored:
        return None
    epochs = spread(sorted({e for of_cell in stored.values() for e in of_cell}), COLUMNS)
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
    missing = [f"{label(c)}: {absence(study, c)}" for c in CELLS if c not in members]
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
    for member in in_order(study, cell):
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
