"""A table in Markdown, LaTeX and CSV; the page's template makes the HTML of the same entries."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from analysis.tables.entries import Column, Table, first
from binarygan.io.files import in_utf8, write_whole

_MARKDOWN = {"\\": "\\\\", "|": "\\|", "<": "&lt;", "`": "\\`", "](": "]\\(", "![": "!\\["}
"""No markup, and no images and links, which whoever renders the text would fetch."""
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
    "χ": r"$\chi$",
    "→": r"$\rightarrow$",
    "·": r"$\cdot$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


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
    shape = "".join(_shape(c, [row[i].text for row in table.rows]) for i, c in enumerate(table.columns))
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
    """Write each table in every format, long ones whole in CSV alone.

    Of the `known` names, files of an earlier report that are not among them go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = set()
    for table in tables:
        for ending, form in FORMATS.items():
            path = folder / f"{table.name}.{ending}"
            write_whole(path, in_utf8(form(table if ending == "csv" else first(table))))
            written.add(path)
    for name in known:
        for ending in FORMATS:
            if (path := folder / f"{name}.{ending}") not in written:
                path.unlink(missing_ok=True)


def _shape(column: Column, texts: Sequence[str]) -> str:
    """How a column is set: long texts in lines of their own, the longer the wider."""
    longest = max(map(len, texts), default=0)
    if column.numeric or longest <= 60:
        return "r" if column.numeric else "l"
    width = 0.24 if longest <= 160 else 0.28 if longest <= 400 else 0.45
    return rf"p{{{width}\textwidth}}"


def _plain(value: float | int | str) -> float | int | str:
    if isinstance(value, str):
        return inert(value)
    return "" if isinstance(value, float) and math.isnan(value) else value


def inert(text: str) -> str:
    """A text of a CSV file that no spreadsheet takes for a formula.

    >>> inert("=HYPERLINK(1)"), inert("WGAN-GP")
    ("'=HYPERLINK(1)", 'WGAN-GP')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _markdown(text: str) -> str:
    one_line = " ".join(text.split())
    for mark, escaped in _MARKDOWN.items():
        one_line = one_line.replace(mark, escaped)
    return one_line


def _latex(text: str) -> str:
    """Escaped; a letter that plain LaTeX does not know is a question mark."""
    return "".join(_LATEX.get(c, c if c < "\u0180" or c in "‘’“”—…" else "?") for c in " ".join(text.split()))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
