"""The table of a user's own study: its configurations by the fields that differ alone, and what came of them."""

from collections.abc import Hashable, Mapping
from functools import partial
from numbers import Real
from typing import Any

import pandas as pd

from analysis import labels
from analysis.own_study import axes_of, name_of, rows_of
from analysis.results.study import Study
from analysis.statistics.summaries import finished, summarize
from analysis.tables.entries import Column, Entry, Table, column, measure, outcome, seeds, spread, word
from analysis.tables.tables import HEADLINE

NOTE = "mean [95% t interval, cut at the ends of the metric's range] over the seeds that are done"


def axes_table(study: Study) -> Table | None:
    """A row for each configuration, a column for each field that the study varies; None where it has no such field."""
    if not (axes := axes_of(study)):
        return None
    rows = rows_of(study)
    slim = rows[["cell_id", "seed", "status", "fid", *HEADLINE]].astype({"status": object})
    runs = {str(cell_id): own for cell_id, own in slim.groupby("cell_id", sort=False)}
    first = rows.drop_duplicates("cell_id").set_index("cell_id")
    order = [cell_id for cell_id in study.cells["cell_id"] if cell_id in runs]
    columns = [
        *(
            Column(a.name, labels.field(a.name), entry=partial(_value, a.name, first), numeric=a.is_number)
            for a in axes
        ),
        Column("", "done", "runs that are done, of all", entry=lambda i: outcome(_counts(runs[i]), labels.STATUSES)),
        *(column(m, labels.COLUMNS[m], spread, labels.MEANINGS[m], of=partial(_summary, m, runs)) for m in ("fid",)),
        Column("fid_seeds", "FID of each seed", entry=lambda i: seeds(_finished("fid", runs[i]))),
        *(column(m, labels.COLUMNS[m], spread, labels.MEANINGS[m], of=partial(_summary, m, runs)) for m in HEADLINE),
    ]
    body = tuple(tuple(c.entry(i) for c in columns if c.entry) for i in order)
    return Table("axes", "The study's configurations", tuple(columns), body, (f"FID and the rest: {NOTE}.",))


def _value(name: str, first: pd.DataFrame, cell_id: str) -> Entry:
    value: Any = first.loc[cell_id, name]
    if pd.isna(value):  # a parameter of a part that this configuration does not have
        return word(None)
    if isinstance(value, Real):
        return measure(float(value), text=labels.value(value))
    return word(name_of(name, value))


def _counts(runs: pd.DataFrame) -> dict[str, int]:
    counts: Mapping[Hashable, Any] = runs["status"].value_counts().to_dict()
    return {status: int(counts.get(status, 0)) for status in labels.STATUSES}


def _finished(metric: str, runs: pd.DataFrame) -> dict[int, float]:
    values = finished(runs, metric)
    return dict(zip(values.index.astype(int), values.astype(float), strict=True))


def _summary(metric: str, runs: Mapping[str, pd.DataFrame], cell_id: str) -> Any:
    return summarize(finished(runs[cell_id], metric), metric)
