"""Rows of tables: a study's cells over their seeds, and the anchors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis import labels
from analysis.labels import NOTHING
from analysis.results.cells import unlike_paper
from analysis.statistics.summaries import Summary, summarize, t_intervals
from analysis.tables.entries import Entry, interval
from binarygan.metrics.names import BERNOULLI, OF_GATES, OF_IMAGES, OF_PREACTIVATED

OURS, RELEASED, REAL_IMAGES = "this study", "released code", "real images"
NAMING = ("objective", "architecture", "discriminator_norm", "output")
PLAIN = ("discriminator_loss", "generator_loss", "seconds")
SOURCES = (OURS, RELEASED, REAL_IMAGES)
_SORTED_BY = ("slope_rate", "learning_rate", "epochs")
"""Settings, after all that a row is named by."""


def all_numbers() -> tuple[str, ...]:
    """The columns that rows have numbers of."""
    return (*PLAIN, *(m.name for m in (*OF_IMAGES, *OF_PREACTIVATED, *OF_GATES)))


@dataclass(frozen=True)
class Row:
    """A cell, or one binarization of a real-valued one."""

    source: str
    """One of `SOURCES`."""
    fields: dict[str, str]
    """What it is, in words: trial, fidelity, objective, architecture, discriminator_norm, output, settings."""
    counts: dict[str, int]
    """Runs by status."""
    seeds: np.ndarray
    """Of the runs that are done, in order."""
    numbers: np.ndarray
    """(done, `all_numbers`) of them; NaN where a number is missing."""
    ending: str
    """Of the columns of metrics of images."""
    rank: tuple[float, ...]
    kind: tuple[object, ...]
    """Objective, network, whether D has a norm, neuron and binarization: what rows of all sources have alike."""
    norm_is_news: bool
    """Whether the norm in D stands where the paper has none, or lacks where it has one."""

    def values(self, name: str) -> dict[int, float]:
        """A number by seed, where it is finite."""
        column = self.numbers[:, all_numbers().index(name)]
        return {int(seed): float(x) for seed, x in zip(self.seeds, column, strict=True) if np.isfinite(x)}

    def summary(self, name: str) -> Summary:
        """It over the seeds."""
        return summarize(list(self.values(name).values()), name)

    def means(self, names: Sequence[str]) -> list[Entry]:
        """Each number's mean with its t interval."""
        known = all_numbers()
        return means_of(self.numbers[:, [known.index(n) for n in names]], names)


def means_of(x: np.ndarray, names: Sequence[str]) -> list[Entry]:
    """(runs, names): each column's mean with its t interval, as `summarize` has them, all at once."""
    finite = np.isfinite(x)
    n = finite.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(finite, x, 0).sum(axis=0) / n
        sd = np.sqrt(np.where(finite, (x - mean) ** 2, 0).sum(axis=0) / np.where(n > 1, n - 1, np.nan))
    columns = (c.tolist() for c in (mean, *t_intervals(mean, sd, n, names).T, sd, n))
    return [interval(m, low, high, sd=s, n=k) for m, low, high, s, k in zip(*columns, strict=True)]


def rows_of(
    members: pd.DataFrame,
    anchors: pd.DataFrame,
    *,
    show: Sequence[str] = (),
    trials: Mapping[str, int] = MappingProxyType({}),
) -> list[Row]:
    """A row for each cell and binarization; then the released code's, then real images.

    Settings are those unlike the paper's, those of data and length that vary, and the fields to `show` in any case.
    `trials`: a search's cells in the order of its rows, with the number of each one's trial.
    """
    rows: list[Row] = []
    order_of = {cell_id: i for i, cell_id in enumerate(trials)}
    for source, unordered in ((OURS, members), *((str(s), f) for s, f in anchors.groupby("study"))):
        frame = unordered.sort_values("seed", kind="stable", ignore_index=True)
        told = ["data", "split", "epochs", "train_images", "reference"]
        told += ["data_digest"] if frame["data_digest"].nunique() > frame["data"].nunique() else []
        varying = [*show, *(f for f in told if frame[f].nunique() > 1)]
        numbers = {ending: _numbers(frame, ending) for ending in ("", BERNOULLI)}
        statuses, seeds_ = frame["status"].to_numpy(object), frame["seed"].fillna(0).to_numpy()
        for indices in frame.groupby(frame["cell_id"].fillna("")).indices.values():
            own_rows = np.asarray(indices)
            first_row = frame.iloc[own_rows[0]]
            known = {ending: block[own_rows] for ending, block in numbers.items()}
            own = _rows_of_cell(
                source, first_row, seeds_[own_rows], statuses[own_rows], known, varying if source == OURS else []
            )
            if source == OURS and (cell_id := first_row["cell_id"]) in trials:
                rank = (0.0, float(order_of[cell_id]))
                own = [replace(r, fields=r.fields | {"trial": str(trials[cell_id])}, rank=rank) for r in own]
            rows += own
    return sorted(rows, key=lambda row: row.rank)


def beside(rows: Sequence[Row], anchors: Iterable[Row]) -> list[Row]:
    """The rows, then those anchors that are of the same objective, network, norm in D and neuron; real images last."""
    there = {row.kind for row in rows}
    return [*rows, *(a for a in anchors if a.source != OURS and (a.source == REAL_IMAGES or a.kind in there))]


def _numbers(frame: pd.DataFrame, ending: str) -> np.ndarray:
    """(runs, `all_numbers`), those of images with the ending."""
    of_images = {m.name for m in OF_IMAGES}
    columns = [n + ending if n in of_images else n for n in all_numbers()]
    return frame.reindex(columns=columns).to_numpy(float)


def _rows_of_cell(
    source: str,
    first_row: pd.Series,
    seeds_: np.ndarray,
    statuses: np.ndarray,
    numbers: dict[str, np.ndarray],
    varying: Sequence[str],
) -> list[Row]:
    """A cell's row, or its rows by binarization; `numbers`: ending -> (runs, `all_numbers`)."""
    unlike = unlike_paper(first_row) | {f: first_row[f] for f in varying}
    objective, architecture, norm, neuron = (
        str(first_row[f]) if isinstance(first_row[f], str) else ""
        for f in ("objective", "architecture", "discriminator_norm", "neuron")
    )
    fields = {
        "trial": "",
        "fidelity": first_row["fidelity"] if isinstance(first_row["fidelity"], str) else NOTHING,
        "objective": labels.part("objective", objective) or NOTHING,
        "architecture": labels.part("architecture", architecture) or NOTHING,
        "discriminator_norm": labels.norm_in_d(norm) if norm else NOTHING,
        "settings": ", ".join(labels.setting(n, v) for n, v in unlike.items() if n != "discriminator_norm"),
    }
    counts = {status: int((statuses == status).sum()) for status in labels.STATUSES}
    done = statuses == "done"
    kinds = {"threshold": "", "bernoulli": BERNOULLI} if labels.is_real_valued(neuron) else {"none": ""}
    others = [float(first_row[f]) if not pd.isna(first_row[f]) else 0.0 for f in _SORTED_BY]
    return [
        Row(
            source,
            fields | {"output": labels.neuron(neuron, binarization) or NOTHING},
            counts,
            seeds_[done],
            numbers[ending][done],
            ending,
            (
                float(SOURCES.index(source)),
                *(labels.rank(f, first_row[f]) for f in ("objective", "architecture", "discriminator_norm", "neuron")),
                float(bool(ending)),
                *others,
            ),
            (objective, architecture, norm != "none", neuron, binarization),
            bool(objective and labels.norm_if_news(objective, norm)),
        )
        for binarization, ending in kinds.items()
    ]
