"""One self-contained HTML page: no network, no other file, every text from a file escaped."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
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
    missing: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)
    """Width and height on a wide screen, pixels of CSS."""

    @property
    def source(self) -> str:
        """The PNG within the page."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


def picture(
    name: str, title: str, alt: str, png: bytes, missing: Sequence[str] = (), cautions: Sequence[str] = ()
) -> Picture:
    """A picture of the size that its PNG says it has on paper."""
    image = Image.open(BytesIO(png))
    dots = image.info.get("dpi", (200, 200))
    width, height = (round(n / d * CSS_PIXELS) for n, d in zip(image.size, dots, strict=True))
    return Picture(name, title, alt, png, tuple(missing), tuple(cautions), (width, height))


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


@dataclass(frozen=True)
class Page:
    """Title, one line on what it is, sections, and where it comes from."""

    title: str
    lead: str
    sections: tuple[Section, ...]
    foot: str


def render(page: Page) -> str:
    """The page's HTML."""
    script = _resource("sort.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("page.html")
        .render(
            page=page,
            style=Markup(_resource("style.css")),
            script=Markup(script),
            script_hash=f"sha256-{digest}",
            marks=MARKS,
            most_lines=MOST_LINES,
        )
    )


def _sentence(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def fitted(pictures: Sequence[Picture], most: int = MOST_BYTES) -> list[Picture]:
    """The pictures, the largest ones halved in width and height until all together fit into `most` bytes of base64."""
    fitting = list(pictures)
    while fitting and sum(len(p.png) for p in fitting) * 4 / 3 > most:
        i = max(range(len(fitting)), key=lambda k: len(fitting[k].png))
        p = fitting[i]
        smaller = _halved(p.png)
        if len(smaller) >= len(p.png):
            break
        fitting[i] = replace(p, png=smaller)
    return fitting


def _halved(png: bytes) -> bytes:
    picture = Image.open(BytesIO(png)).convert("RGB")
    small = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.LANCZOS)
    out = BytesIO()
    small.quantize(256).save(out, "png", optimize=True)
    return out.getvalue()


def _resource(name: str) -> str:
    return (files("analysis") / "report" / "templates" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = _sentence
    return environment
