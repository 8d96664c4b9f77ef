"""The table of a user's own study: its configurations by the fields that differ alone, and what came of them."""

from collections import Counter
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from analysis import labels
from analysis.own_study import axes_of, name_of, rows_of
from analysis.results.study import Study
from analysis.tables.entries import Column, Entry, Table, measure, outcome, seeds, word
from analysis.tables.rows import means_of
from analysis.tables.tables import HEADLINE

NOTE = "mean [95% t interval, cut at the ends of the metric's range] over the seeds that are done"


def axes_table(study: Study) -> Table | None:
    """A row for each configuration, a column for each field that the study varies; None where it has no such field."""
    if not (axes := axes_of(study)):
        return None
    rows = rows_of(study).sort_values("seed", kind="stable", ignore_index=True)
    statuses, seeds_ = rows["status"].to_numpy(object), rows["seed"].to_numpy(int)
    numbers = rows[["fid", *HEADLINE]].to_numpy(float)
    runs = {str(cell_id): np.asarray(own) for cell_id, own in rows.groupby("cell_id").indices.items()}
    first = rows.drop_duplicates("cell_id").set_index("cell_id")
    columns = (
        *(Column(a.name, labels.field(a.name), numeric=a.is_number) for a in axes),
        Column("", "done", "runs that are done, of all"),
        _metric("fid"),
        Column("fid_seeds", "FID of each seed"),
        *map(_metric, HEADLINE),
    )
    body = []
    for cell_id in study.cells["cell_id"]:
        if (own := runs.get(cell_id)) is None:
            continue
        done = own[statuses[own] == "done"]
        fid, *others = means_of(numbers[done], ("fid", *HEADLINE))
        of_seeds = {int(s): float(x) for s, x in zip(seeds_[done], numbers[done, 0], strict=True) if np.isfinite(x)}
        ended = outcome(_counts(statuses[own]), labels.STATUSES)
        body.append((*(_value(a.name, first, cell_id) for a in axes), ended, fid, seeds(of_seeds), *others))
    return Table("axes", "The study's configurations", columns, tuple(body), (f"FID and the rest: {NOTE}.",))


def _metric(name: str) -> Column:
    return Column(name, labels.COLUMNS[name], labels.MEANINGS[name], numeric=True)


def _value(name: str, first: pd.DataFrame, cell_id: str) -> Entry:
    value: Any = first.loc[cell_id, name]
    if pd.isna(value):  # a parameter of a part that this configuration does not have
        return word(None)
    if isinstance(value, Real):
        return measure(float(value), text=labels.value(value))
    return word(name_of(name, value))


def _counts(statuses: np.ndarray) -> dict[str, int]:
    counts = Counter(statuses.tolist())
    return {status: counts[status] for status in labels.STATUSES}
