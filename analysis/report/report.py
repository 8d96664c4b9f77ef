"""The report of one study: tables, figures and one page, in a folder of their own."""

import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.claims.claims import judge
from analysis.claims.own import own_verdicts
from analysis.experiments import EXPERIMENTS
from analysis.figures.registry import DATA, MORE
from analysis.report import sections
from analysis.report.contents import Contents, Kept
from analysis.report.page import render
from analysis.report.search_sections import search_sections
from analysis.tables import formats, tables
from analysis.tables.provenance_tables import wall_clock, write_seeds
from binarygan.errors import UserError
from binarygan.io.files import in_utf8, write_whole

PAGE = "report.html"
MOST_NOTES = 20
TABLES = (
    "claims",
    "own-claims",
    "axes",
    *(f"experiment-{e.name}" for e in EXPERIMENTS),
    *(f"table-{n}" for n in range(1, 5)),
    "differences-fid",
    "anova-fid",
    "ranks-fid",
    *(f"search-{n}" for n in ("best", "trials", "failures", "importances")),
    "cells",
    *(f"all-{name}" for name in tables.SECTIONS),
    "failures",
    "environment",
    "time",
)
"""Names of all tables that a report can have."""


@dataclass(frozen=True)
class Notes:
    """Lines for the terminal, and how many parts could not be made."""

    lines: list[str]
    failed: int = 0


def write_report(folder: Path, out: Path, *, kept: Kept | None = None, reloads: int | None = None) -> Notes:
    """Write tables/ (Markdown, LaTeX, CSV), figures (PNG, PDF) and report.html; what a reader has to be told.

    Args:
        kept: the pictures of the report before, which are made again only where they show something else, without PDF.
        reloads: after how many seconds a browser loads the page again; never where it is None.

    Raises:
        UserError: nothing to report, or `out` lies within results or cannot be written.
    """
    start = time.monotonic()
    contents = Contents(folder, out, kept)
    prepare(out, folder)
    contents.draw()
    verdicts = contents.attempt("the verdicts", lambda: judge(contents.study.members)) or []
    own = contents.attempt("the study's own claims", lambda: own_verdicts(contents.study)) or []
    parts = [
        *search_sections(contents),
        *sections.own_sections(contents, own),
        sections.verdict_section(contents, verdicts),
        *sections.pictures_section(contents, DATA, "Training images (Figure 1)", "Data"),
        *([] if contents.study.is_search else sections.of_grids(contents)),
        *sections.pictures_section(contents, MORE, "More figures"),
        sections.scores_section(contents),
        sections.environment_section(contents),
        sections.time_section(contents),
    ]
    parts.insert(0, sections.summary(contents, verdicts))
    formats.write(contents.tables, out / "tables", TABLES)
    write_seeds(contents.study.members, out / "tables" / "seeds.csv")
    count, seconds = len(contents.study.members), time.monotonic() - start
    foot = f"Made from {count:,} runs in {seconds:.0f} s by python -m analysis report."
    title = f"Report of the study {contents.study.name}"
    html = render(title=title, lead=_lead(contents.study.members), sections=parts, foot=foot, reloads=reloads)
    write_whole(out / PAGE, in_utf8(html))
    return Notes(_notes(contents), len(contents.failed))


def prepare(out: Path, *studies: Path) -> None:
    """Make the folder `out`; a UserError where it lies within results or cannot be made."""
    whole = out.resolve()
    for parent in (whole, *whole.parents):
        if parent in {s.resolve() for s in studies} or list((parent / "members").glob("*.parquet")):
            raise UserError(f"--out {out} lies inside the results; choose a folder outside {parent}")
    try:
        (out / "tables").mkdir(parents=True, exist_ok=True)
        (out / ".writable").write_text("")
        (out / ".writable").unlink()
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror}") from None


def _lead(members: pd.DataFrame) -> str:
    fidelity = " and ".join(sorted(members["fidelity"].dropna().unique())) or "fidelity unknown"
    cells = members["cell_id"].nunique()
    return f"{len(members):,} runs of {cells:,} cells, {fidelity}; {wall_clock(members) or 'start unknown'}."


def _notes(contents: Contents) -> list[str]:
    """Lines for the terminal: problems, what is missing, who is not done."""
    members = contents.study.members
    notes = list(contents.problems)
    notes += [f"missing in {p.name}: {m}" for p in contents.pictures.values() for m in p.missing]
    if stopped := int((members["status"] == "stopped").sum()):
        notes.append(f"{stopped:,} runs were stopped early: tables/seeds.csv says after which epoch")
    for row in members[~members["status"].isin(("done", "stopped"))].head(MOST_NOTES + 1).to_dict("records"):
        reason = row["error"] if isinstance(row["error"], str) else "not at its end"
        notes.append(
            f"{row['member_id']} ({contents.names.get(row['cell_id'], 'unknown cell')}) is {row['status']}: {reason}"
        )
    return notes
