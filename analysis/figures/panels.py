"""Rows of sample grids: each panel one cell's 64 images, on whole pixels of the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from textwrap import fill
from typing import Any

import matplotlib.figure
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.textpath import TextPath

from analysis.figures.picks import Pick, absence, in_order, pick
from analysis.figures.registry import Drawn
from analysis.figures.style import PAGE, SMALL, TINY
from analysis.results.cells import label
from analysis.results.study import Study
from binarygan.paper import Cell

SIDE = 8 * 28
GAP, CAPTION, TITLE, ROW_LABEL, COLOUR_BAR = 0.06, 0.14, 0.18, 0.34, 0.46
"""Inches."""
LINE, LETTER = 0.1, 0.055
"""Inches of each further line of a caption, and of a letter in an empty panel."""
SHOWS = {"bits": "samples", "bernoulli": "Bernoulli samples", "preactivated": "preactivated outputs"}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What one picture of a figure shows."""

    title: str
    cell: Cell
    show: str = "bits"
    """`bits`, `bernoulli` or `preactivated`."""


def tile(images: np.ndarray, columns: int = 8) -> np.ndarray:
    """Images (n, h, w) as one picture, row by row."""
    n, h, w = images.shape
    return images.reshape(n // columns, columns, h, w).swapaxes(1, 2).reshape(n // columns * h, columns * w)


def wrapped(text: str, width: float) -> list[str]:
    """A caption in lines no wider than `width` inches (72 points less what hinting may add), broken after commas.

    >>> wrapped("seed 0, epoch 3 of 20, diverged, FID 123", 1.36)
    ['seed 0, epoch 3 of 20,', 'diverged, FID 123']
    """
    lines: list[str] = []
    for part in text.split(", "):
        longer = f"{lines[-1]}, {part}" if lines else part
        if lines and TextPath((0, 0), f"{longer},", size=TINY).get_extents().width <= 70 * width:
            lines[-1] = longer
        else:
            lines = [*lines[:-1], f"{lines[-1]},", part] if lines else [part]
    return lines


def panel_size(columns: int, left: float, right: float, largest: float, width: float = PAGE) -> float:
    """Inches of a panel's side where so many stand beside each other."""
    return min(largest, (width - left - right - (columns - 1) * GAP) / columns)


class Page:
    """A figure whose panels are squares of `side` pixels, each of their pixels a whole number of the PNG's.

    Args:
        rows, columns: how many panels.
        side: pixels of a panel's picture.
        left, right, top: inches kept free for row labels, a colour bar, column titles.
        caption: inches above each panel for its caption.
        width: of the figure, inches.
        largest: a panel's size at most, inches; what remains of the width is cut off.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        *,
        side: int = SIDE,
        left: float = 0.02,
        right: float = 0.02,
        top: float = TITLE,
        caption: float = CAPTION,
        width: float = PAGE,
        largest: float = 2.3,
    ) -> None:
        size = panel_size(columns, left, right, largest, width)
        scale = ceil(150 * size / side)  # at least 150 dots an inch
        self.dpi = scale * side / size
        self._square = scale * side
        self._left, self._top, self._caption = (round(x * self.dpi) for x in (left, top, caption))
        self._gap = round(GAP * self.dpi)
        self.width = self._left + columns * (self._square + self._gap) - self._gap + round(right * self.dpi)
        self.height = self._top + rows * (self._caption + self._square + self._gap)
        inches = [(n + 1e-6) / self.dpi for n in (self.width, self.height)]  # never a pixel less by rounding
        self.figure = matplotlib.figure.Figure(figsize=(inches[0], inches[1]), dpi=self.dpi)

    def box(self, row: int, column: int) -> tuple[int, int]:
        """A panel's upper left corner, pixels from the left and from the top."""
        x = self._left + column * (self._square + self._gap)
        return x, self._top + self._caption + row * (self._caption + self._square + self._gap)

    def draw(
        self, row: int, column: int, image: np.ndarray | None, *, colours: str = "gray", caption: str = ""
    ) -> None:
        """Draw a picture, or a caption alone where there is none."""
        x, y = self.box(row, column)
        axes = self.axes(x, y, self._square, self._square)
        axes.set_axis_off()
        if image is None:
            axes.set_axis_on()
            axes.set(xticks=[], yticks=[], facecolor="0.95")
            axes.spines[:].set(visible=True, color="0.7", linestyle=(0, (3, 3)))
            letters = int(self._square / self.dpi / LETTER)
            words = "\n".join(fill(part, letters) for part in caption.replace(": ", ":\n").splitlines())
            axes.text(0.5, 0.5, words, ha="center", va="center", fontsize=SMALL, color="0.3")
            return
        axes.imshow(image, cmap=colours, vmin=0, vmax=1, interpolation="nearest", aspect="auto")
        self.text(x, y - 0.03 * self.dpi, caption, ha="left", va="bottom", fontsize=TINY, color="0.25")

    def axes(self, x: float, y: float, width: float, height: float) -> matplotlib.axes.Axes:
        """Axes at a corner given in pixels from the upper left corner."""
        w, h = self.width, self.height
        axes = self.figure.add_axes((x / w, 1 - (y + height) / h, width / w, height / h))
        axes.grid(visible=False)
        return axes

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """A text at a point given in pixels from the upper left corner."""
        self.figure.text(x / self.width, 1 - y / self.height, text, **style)

    def title(self, column: int, text: str) -> None:
        """A column's title."""
        x = self.box(0, column)[0]
        self.text(x, self._top - 0.02 * self.dpi, text, ha="left", va="bottom", fontsize=8, fontweight="bold")

    def row_label(self, row: int, text: str) -> None:
        """A row's label, along its left side."""
        y = self.box(row, 0)[1] + self._square / 2
        x = self._left - 0.06 * self.dpi
        self.text(x, y, text, rotation=90, ha="right", va="center", multialignment="center", fontsize=7.5)

    def colour_bar(self, colours: str, text: str) -> None:
        """0 to 1 at the right of the last panel of the first row."""
        y = self.box(0, 0)[1]
        right = self.width - round(COLOUR_BAR * self.dpi)
        axes = self.axes(right + self._gap, y, round(0.1 * self.dpi), self._square)
        mappable = ScalarMappable(cmap=colours)
        mappable.set_clim(0, 1)
        bar = self.figure.colorbar(mappable, cax=axes, ticks=[0, 0.25, 0.5, 0.75, 1])
        bar.ax.set_yticklabels(["0", ".25", ".5", ".75", "1"])
        bar.ax.tick_params(length=2, pad=1.5, labelsize=TINY)
        bar.outline.set_linewidth(0.4)
        self.text(right + self._gap, y - 0.03 * self.dpi, text, ha="left", va="bottom", fontsize=TINY, color="0.25")


def draw_panels(
    study: Study,
    rows: Sequence[Sequence[Panel]],
    intro: str,
    *,
    row_labels: Sequence[str] = (),
    colours: str = "gray",
    colour_bar: bool = False,
    largest: float = 2.3,
) -> Drawn | None:
    """Panels row by row, their titles above the first row; None where the study has samples of none of them.

    Args:
        intro: the first sentence of the alt text.
        colours: colour map of preactivated outputs; binary samples are white on black.
    """
    cells = dict.fromkeys(panel.cell for row in rows for panel in row)
    picks = {cell: pick(study, in_order(study, cell)) for cell in cells}
    if not any(picks.values()):
        return None
    left, right = ROW_LABEL if row_labels else 0.02, COLOUR_BAR if colour_bar else 0.02
    size = panel_size(len(rows[0]), left, right, largest)
    shown = {panel: found for row in rows for panel in row if (found := picks[panel.cell]) is not None}
    captions = {panel: wrapped(found.caption(panel.show), size) for panel, found in shown.items()}
    caption_height = CAPTION + LINE * (max(map(len, captions.values())) - 1)
    page = Page(len(rows), len(rows[0]), left=left, right=right, largest=largest, caption=caption_height)
    sentences = [intro]
    for i, row in enumerate(rows):
        if row_labels:
            page.row_label(i, row_labels[i])
        for j, panel in enumerate(row):
            if i == 0:
                page.title(j, panel.title)
            images = shown[panel].images(panel.show) if panel in shown else None
            if images is None:
                page.draw(i, j, None, caption=absence(study, panel.cell))
                continue
            map_ = colours if panel.show == "preactivated" else "gray"
            page.draw(i, j, tile(images), colours=map_, caption="\n".join(captions[panel]))
        sentences += _sentences(row, picks)
    if colour_bar:
        page.colour_bar(colours, "p")
    missing = [f"{label(cell)}: {absence(study, cell)}" for cell, found in picks.items() if found is None]
    sentences += [f"Missing: {'; '.join(missing)}."] if missing else []
    return Drawn(page.figure, " ".join(sentences), missing)


def _sentences(row: Sequence[Panel], picks: dict[Cell, Pick | None]) -> list[str]:
    """A sentence for each cell of the row: which run, and each of its panels in numbers."""
    sentences = []
    for cell in dict.fromkeys(panel.cell for panel in row):
        if (found := picks[cell]) is not None:
            parts = [f"{SHOWS[p.show]}: {found.describe(p.show)}" for p in row if p.cell == cell]
            sentences.append(f"{label(cell)} ({found.which}), {'; '.join(parts)}.")
    return sentences
