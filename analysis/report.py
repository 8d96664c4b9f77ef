"""The report: tables and figures of one study in a folder of their own."""

from pathlib import Path

import pandas as pd

from analysis.figures import figure_8
from analysis.load import load_anchors, load_study
from analysis.tables import cells_table, sections_markdown
from binarygan.errors import UserError


def write_report(folder: Path, out: Path) -> list[str]:
    """Write cells.md, cells.csv, figure-8.png and figure-8.pdf; returns what a reader has to be told."""
    study = load_study(folder)
    if out.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"--out {out} lies inside the results; choose a folder outside {folder}")
    out.mkdir(parents=True, exist_ok=True)
    table = cells_table(study.members, load_anchors().members)
    table.to_csv(out / "cells.csv", index=False)
    (out / "cells.md").write_text(sections_markdown(table))
    notes = [f"missing in Figure 8: {m}" for m in figure_8(study, out)]
    notes += [f"damaged, left out: {path}" for path in study.damaged]
    for row in study.members[study.members["status"] != "done"].to_dict("records"):
        notes.append(
            f"{row['member_id']} is {row['status']}: {row['error'] if pd.notna(row['error']) else 'not at its end'}"
        )
    return notes
