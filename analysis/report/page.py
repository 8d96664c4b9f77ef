"""One self-contained HTML page: no network, no other file, every text from a file escaped."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from io import BytesIO

import jinja2
from markupsafe import Markup
from PIL import Image

from analysis.claims.verdicts import Verdict
from analysis.tables.entries import Table

MOST_LINES = 40
CSS_PIXELS = 115
"""An inch of a figure on a wide screen."""
MOST_BYTES = 9_500_000
"""Of the page; pictures shrink where it would be larger."""
MARKS = {"supported": "✓", "not supported": "✗", "inconclusive": "?", "not tested": "–"}
"""Beside a verdict's words, so that colour is not all that tells them apart."""


@dataclass(frozen=True)
class Picture:
    """A figure: PNG bytes and what is said of it."""

    name: str
    title: str
    alt: str
    png: bytes
    missing: Sequence[str] = ()
    cautions: Sequence[str] = ()

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height on a wide screen, pixels of CSS: of the size that the PNG says it has on paper."""
        image = Image.open(BytesIO(self.png))
        width, height = (round(n / dots * CSS_PIXELS) for n, dots in zip(image.size, image.info["dpi"], strict=True))
        return width, height

    @property
    def source(self) -> str:
        """The PNG within the page."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page; what is empty does not appear."""

    name: str
    title: str
    short: str = ""
    """In the list of sections, where the title is too long for it."""
    text: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    warnings_title: str = ""
    verdicts: tuple[tuple[str, Sequence[Verdict]], ...] = ()
    """A title and verdicts, by fidelity."""
    command: str = ""
    command_title: str = "Trained by"
    missing: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[tuple[str, Table], ...] = ()
    """Title and table, shown on demand."""


def render(*, reloads: int | None = None, **page: str | Sequence[Section]) -> str:
    """The HTML of a page: `title`, `lead` (one line on what it is), `sections` and `foot` (how it was made).

    `reloads`: after how many seconds a browser loads it again; never where it is None.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    script = _resource("sort.js")
    return environment.get_template("page.html").render(
        page=page,
        reloads=reloads,
        style=Markup(_resource("style.css")),
        script=Markup(script),
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        marks=MARKS,
        most_lines=MOST_LINES,
    )


def fitted(pictures: Sequence[Picture], most: int = MOST_BYTES) -> list[Picture]:
    """The pictures, the largest ones halved in width and height until all together fit into `most` bytes of base64."""
    fitting = list(pictures)
    while fitting and sum(len(p.png) for p in fitting) * 4 / 3 > most:
        largest = max(fitting, key=lambda p: len(p.png))
        smaller = _halved(largest.png)
        if len(smaller) >= len(largest.png):
            break
        fitting = [replace(p, png=smaller) if p is largest else p for p in fitting]
    return fitting


def _halved(png: bytes) -> bytes:
    picture = Image.open(BytesIO(png))
    out = BytesIO()
    small = picture.convert("RGB").resize([max(1, n // 2) for n in picture.size], Image.Resampling.LANCZOS)
    small.quantize(256).save(out, "png", optimize=True, dpi=tuple(dots / 2 for dots in picture.info["dpi"]))
    return out.getvalue()


def _resource(name: str) -> str:
    return (files("analysis") / "report" / "templates" / name).read_text(encoding="utf-8")
