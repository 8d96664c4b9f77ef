"""What a figure is, the registry of all figures, and their files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure
from PIL import Image

from analysis.figures.style import RC
from analysis.results.study import Study
from binarygan.errors import UserError, nearest
from binarygan.io.files import write_whole
from binarygan.paper import EXPERIMENTS
from binarygan.registry import Registry

SEARCH, PARAMETERS = "search", "search-parameters"
DATA, OWN, TRAINING, STATISTICS, MORE = "data", "axes", "training", "statistics", "more-figures"
OF_SEARCHES = (SEARCH, PARAMETERS)
OURS = ("slope-annealing", "estimators", "normalization", "clipping", "fidelity", "gates")
SECTIONS = (DATA, OWN, *EXPERIMENTS, *OURS, TRAINING, STATISTICS, *OF_SEARCHES, MORE)
"""Of the report, in which figures can stand."""
COLOURS = (256, 64, 32)
"""Of a PNG's palette."""
LARGEST = 400_000
"""Bytes of a PNG, so that a report that holds all of them stays small."""


@dataclass
class Drawn:
    """A picture of one study."""

    figure: mpl.figure.Figure
    alt: str
    """What this picture shows, with its numbers, for those who cannot see it."""
    missing: list[str] = field(default_factory=list)
    """What the study lacks for it, in words."""
    cautions: list[str] = field(default_factory=list)
    """What a reader has to bear in mind, a sentence each."""


@dataclass(frozen=True)
class Figure:
    """A figure of the report, as `figure` registers it: `draw` gives None for a study that has nothing of it."""

    name: str
    title: str
    draw: Callable[[Study], Drawn | None]
    section: str
    order: float
    of_searches: bool


FIGURES: Registry[Figure] = Registry("figure")
Draw = Callable[[Study], Drawn | None]


def figure(
    name: str, title: str, *, section: str = MORE, order: float = 0.0, of_searches: bool = False
) -> Callable[[Draw], Draw]:
    """Register a function that draws a figure; it draws in the style of all figures.

    Args:
        name: of its files, and in the registry.
        title: its caption.
        section: the part of the report in which it stands.
        order: where in the section; figures of one order stand by name.
        of_searches: whether it may be drawn of a search, too: others compare the cells of a grid.

    Raises:
        UserError: the name is taken, or the section unknown.
    """
    if section not in SECTIONS:
        raise UserError(f"figure {name!r}: section {section!r} is unknown: {nearest(section, SECTIONS)}")

    def enter(draw: Draw) -> Draw:
        styled = mpl.rc_context(RC)(draw)
        FIGURES.register(name, Figure(name, title, styled, section, order, of_searches or section in OF_SEARCHES))
        return styled

    return enter


def in_order() -> list[Figure]:
    """All figures in the order of the report."""
    return sorted(FIGURES.values(), key=lambda f: (SECTIONS.index(f.section), f.order, f.name))


def save(drawn: Drawn, out: Path, name: str, *, pdf: bool = True) -> None:
    """Write `name`.png and `name`.pdf to the folder `out`: the same bytes for the same picture, fonts embedded.

    Without `pdf` an earlier one goes.
    """
    buffer = BytesIO()
    with mpl.rc_context(RC):
        drawn.figure.savefig(buffer, format="png", dpi="figure", metadata={"Software": None})
        drawn.figure.set_layout_engine("none")  # as it is now, for the PDF, too
        plain = {"CreationDate": None, "Creator": None, "Producer": None}
        if pdf:
            document = BytesIO()
            drawn.figure.savefig(document, format="pdf", dpi="figure", metadata=plain)
            write_whole(out / f"{name}.pdf", document.getvalue())
        else:
            (out / f"{name}.pdf").unlink(missing_ok=True)
    picture = Image.open(buffer).convert("RGB")
    write_whole(out / f"{name}.png", _encoded(picture, drawn.figure.dpi))


def _encoded(picture: Image.Image, dpi: float) -> bytes:
    """The PNG in as many colours as leave it below `LARGEST`: a page of noisy greys is halved, and looks the same."""
    encoded = b""
    for colours in COLOURS:
        buffer = BytesIO()
        palette = picture.quantize(colours, dither=Image.Dither.NONE)
        palette.save(buffer, format="png", optimize=True, dpi=(dpi, dpi))
        encoded = buffer.getvalue()
        if len(encoded) <= LARGEST:
            break
    return encoded
