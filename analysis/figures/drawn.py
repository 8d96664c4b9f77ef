"""What a figure is: a name, a function that draws it, and files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure
from PIL import Image

from analysis.figures.style import RC
from analysis.results.load import Study

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
    """A figure of the report: `draw` gives None for a study that has nothing of it."""

    name: str
    title: str
    draw: Callable[[Study], Drawn | None]
    of_searches: bool = False
    """Whether it may be drawn of a search, too: others compare the cells of a grid, which differ in little."""


def save(drawn: Drawn, out: Path, name: str) -> None:
    """Write `name`.png and `name`.pdf to the folder `out`: the same bytes for the same picture, fonts embedded."""
    buffer = BytesIO()
    with mpl.rc_context(RC):
        drawn.figure.savefig(buffer, format="png", dpi="figure", metadata={"Software": None})
        drawn.figure.set_layout_engine("none")  # as it is now, for the PDF, too
        plain = {"CreationDate": None, "Creator": None, "Producer": None}
        drawn.figure.savefig(out / f"{name}.pdf", dpi="figure", metadata=plain)
    picture = Image.open(buffer).convert("RGB")
    (out / f"{name}.png").write_bytes(_encoded(picture, drawn.figure.dpi))


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
