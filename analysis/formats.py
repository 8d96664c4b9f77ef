"""A table in Markdown, LaTeX and CSV; the page's template makes the HTML of the same entries."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.summaries import Summary

NOTHING = "–"
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "±": r"$\pm$",
    "×": r"$\times$",
    "∞": r"$\infty$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "²": r"$^2$",
    "η": r"$\eta$",
    "·": r"$\cdot$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


@dataclass(frozen=True)
class Entry:
    """What stands in one place of a table."""

    text: str
    key: float | str = ""
    """What the column sorts by; NaN and the empty string come last."""
    parts: Mapping[str, float | int | str] = field(default_factory=dict)
    """In CSV: ending of the column -> value; the empty ending is the column itself. A column without a name has
    whole names here."""


@dataclass(frozen=True)
class Column:
    """Its name in CSV, its head elsewhere, and what its numbers mean."""

    name: str
    label: str
    meaning: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """Entries in rows, with what a reader has to know of them."""

    name: str
    """Of its files."""
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Entry, ...], ...]
    notes: tuple[str, ...] = ()


def word(text: object) -> Entry:
    """A text, a dash where it is missing."""
    missing = text is None or text == "" or (isinstance(text, float) and math.isnan(text))
    return Entry(NOTHING if missing else str(text), "" if missing else str(text), {"": "" if missing else str(text)})


def count(value: int) -> Entry:
    """A whole number."""
    return Entry(f"{value:,}", value, {"": value})


def measure(value: float | None, *, text: str | None = None) -> Entry:
    """A number, a dash where it is missing; `text` where the number is written in another way."""
    value = math.nan if value is None else float(value)
    return Entry(text or number(value), value, {"": value})


def interval(value: float, low: float, high: float) -> Entry:
    """A number with its interval."""
    return Entry(_with_interval(value, low, high), value, {"": value, "_low": low, "_high": high})


def spread(summary: Summary) -> Entry:
    """The mean over seeds with its interval."""
    return mean_of(summary.mean, summary.low, summary.high, summary.sd, summary.n)


def mean_of(mean: float, low: float, high: float, sd: float, n: int) -> Entry:
    """A mean with its interval and what it rests on."""
    parts = {"": mean, "_low": low, "_high": high, "_sd": sd, "_n": n}
    return Entry(_with_interval(mean, low, high), mean, parts)


def middle(summary: Summary) -> Entry:
    """The interquartile mean over seeds with its interval."""
    return interval(summary.iqm, summary.iqm_low, summary.iqm_high)


def seeds(values: Mapping[int, float], *, most: int = 10) -> Entry:
    """Every seed's number, in order of seeds; beyond `most` of them the text has the extremes, CSV still has all."""
    listed = [number(v) for v in values.values()]
    if len(listed) > most:
        ordered = sorted(values.values())
        listed = [f"{number(ordered[0])} to {number(ordered[-1])} ({len(ordered)} seeds)"]
    every = "; ".join(f"{seed}: {float(value)!r}" for seed, value in values.items())
    return Entry(", ".join(listed) or NOTHING, min(values.values(), default=math.nan), {"": every})


def number(value: float) -> str:
    """Four significant digits; an exponent for the very small alone.

    >>> number(161.261), number(10.5), number(0.006241), number(0.0000312), number(12345.6), number(7.0)
    ('161.3', '10.50', '0.006241', '3.12e-05', '12346', '7')
    >>> number(float("nan"))
    '–'
    """
    if math.isnan(value):
        return NOTHING
    if math.isinf(value) or (value.is_integer() and abs(value) < 1e9):
        return f"{value:.0f}".replace("inf", "∞")
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    return f"{value:.{_decimals(value)}f}"


def outcome(counts: Mapping[str, int], names: Mapping[str, str]) -> Entry:
    """How many members are done of how many, and what became of the others.

    >>> outcome({"done": 2, "failed": 1, "running": 0}, {"failed": "failed"}).text
    '2 of 3, 1 failed'
    """
    members = sum(counts.values())
    others = [f"{n} {names[status]}" for status, n in counts.items() if n and status != "done"]
    text = ", ".join([f"{counts['done']} of {members}", *others])
    return Entry(text, counts["done"], {"members": members, **counts})


def probability(value: float) -> Entry:
    """A p value."""
    return measure(value, text="< 0.0001" if value < 1e-4 else None if math.isnan(value) else f"{value:.2g}")


def markdown(table: Table) -> str:
    """A title, the table and its notes."""
    heads = [_markdown(c.label) for c in table.columns]
    lines = ["| " + " | ".join(heads) + " |"]
    lines.append("|" + "|".join("---:" if c.numeric else "---" for c in table.columns) + "|")
    lines += ["| " + " | ".join(_markdown(e.text) for e in row) + " |" for row in table.rows]
    notes = "".join(f"\n{_markdown(note)}\n" for note in notes_of(table))
    return f"## {_markdown(table.title)}\n\n" + "\n".join(lines) + f"\n{notes}"


def latex(table: Table) -> str:
    """A float as wide as the page; it needs the packages booktabs and graphicx."""
    shape = "".join("r" if c.numeric else "l" for c in table.columns)
    rows = [" & ".join(_latex(c.label) for c in table.columns) + r" \\", r"\midrule"]
    rows += [" & ".join(_latex(e.text) for e in row) + r" \\" for row in table.rows]
    caption = " ".join(_sentence(_latex(text)) for text in (table.title, *table.notes))
    return "\n".join(
        [
            r"% \usepackage{booktabs,graphicx}",
            r"\begin{table*}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\label{{tab:{table.name}}}",
            r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{shape}}}",
            r"\toprule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table*}",
            "",
        ]
    )


def comma_separated(table: Table) -> str:
    """Every part of every entry in its own column."""
    endings = [
        list(dict.fromkeys(ending for row in table.rows for ending in row[i].parts)) or [""]
        for i in range(len(table.columns))
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([c.name + e for c, own in zip(table.columns, endings, strict=True) for e in own])
    for row in table.rows:
        writer.writerow([_plain(entry.parts.get(e, "")) for entry, own in zip(row, endings, strict=True) for e in own])
    return out.getvalue()


def notes_of(table: Table) -> tuple[str, ...]:
    """The table's notes, and what its columns mean."""
    meanings = [f"{c.label}: {c.meaning}" for c in table.columns if c.meaning]
    return (*table.notes, "; ".join(meanings)) if meanings else table.notes


FORMATS = {"md": markdown, "tex": latex, "csv": comma_separated}
"""Ending of a file -> what writes it."""


def write(tables: Iterable[Table], folder: Path, known: Sequence[str]) -> None:
    """Write each table in every format; of the `known` names, files of an earlier report that are not among them go."""
    folder.mkdir(parents=True, exist_ok=True)
    written = set()
    for table in tables:
        for ending, form in FORMATS.items():
            path = folder / f"{table.name}.{ending}"
            path.write_text(form(table), encoding="utf-8")
            written.add(path)
    for name in known:
        for ending in FORMATS:
            if (path := folder / f"{name}.{ending}") not in written:
                path.unlink(missing_ok=True)


def _with_interval(value: float, low: float, high: float) -> str:
    """`10.67 [9.74, 11.61]`: as many decimals as the largest of the three needs for four digits."""
    if math.isnan(low):
        return number(value)
    largest = max(abs(value), abs(low), abs(high))
    decimals = _decimals(largest)
    if largest == 0 or math.isinf(largest) or decimals > 7:
        return f"{number(value)} [{number(low)}, {number(high)}]"
    return f"{value:.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]"


def _decimals(value: float) -> int:
    """Of a number with four significant digits."""
    return 0 if value == 0 or math.isinf(value) else max(0, 3 - math.floor(math.log10(abs(value))))


def _plain(value: float | int | str) -> float | int | str:
    return "" if isinstance(value, float) and math.isnan(value) else value


def _markdown(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")


def _latex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in " ".join(text.split()))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
