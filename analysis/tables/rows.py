"""Rows of tables: a study's cells over their seeds, and the anchors."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis import labels
from analysis.results.cells import unlike_paper
from analysis.statistics.statistics import Summary, summarize
from analysis.statistics.summaries import t_intervals
from analysis.tables.entries import NOTHING, Entry, mean_of
from binarygan.metrics.names import BERNOULLI, OF_IMAGES, OF_PREACTIVATED

OURS = "this study"
PLACE = ("objective", "architecture", "discriminator_norm", "output")
PLAIN = ("discriminator_loss", "generator_loss", "seconds")


def all_numbers() -> tuple[str, ...]:
    """The columns that rows have numbers of."""
    return (*PLAIN, *(m.name for m in OF_IMAGES), *(m.name for m in OF_PREACTIVATED))


@dataclass(frozen=True)
class Row:
    """A cell, or one binarization of a real-valued one."""

    source: str
    """`this study`, `released code` or `real images`."""
    fields: dict[str, str]
    """What it is, in words: trial, fidelity, objective, architecture, discriminator_norm, output, settings."""
    counts: dict[str, int]
    """Members by status."""
    seeds: np.ndarray
    """Of the members that are done, in order."""
    numbers: np.ndarray
    """(done, `all_numbers`) of them; NaN where a number is missing."""
    ending: str
    """Of the columns of metrics of images."""
    rank: tuple[float, ...]

    @property
    def norm_is_news(self) -> bool:
        """Whether the norm in D stands where the paper has none, or lacks where it has one."""
        has = self.fields["discriminator_norm"] != labels.NORMS["none"]
        return has != (self.fields["objective"] == labels.OBJECTIVES["gan"])

    def values(self, name: str) -> dict[int, float]:
        """A number by seed, where it is finite."""
        column = self.numbers[:, all_numbers().index(name)]
        return {int(seed): float(x) for seed, x in zip(self.seeds, column, strict=True) if np.isfinite(x)}

    def summary(self, name: str) -> Summary:
        """It over the seeds."""
        return summarize(list(self.values(name).values()), name)

    def means(self, names: Sequence[str]) -> list[Entry]:
        """Each number's mean with its t interval, as `summarize` has them, all at once."""
        known = all_numbers()
        x = self.numbers[:, [known.index(n) for n in names]]
        finite = np.isfinite(x)
        n = finite.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(finite, x, 0).sum(axis=0) / n
            sd = np.sqrt(np.where(finite, (x - mean) ** 2, 0).sum(axis=0) / np.where(n > 1, n - 1, np.nan))
        columns = (c.tolist() for c in (mean, *t_intervals(mean, sd, n, names).T, sd, n))
        return [mean_of(*entry) for entry in zip(*columns, strict=True)]


def rows_of(
    members: pd.DataFrame,
    anchors: pd.DataFrame,
    *,
    show: Sequence[str] = (),
    trials: Mapping[str, int] = MappingProxyType({}),
) -> list[Row]:
    """A row a cell and binarization; then the released code's, then real images.

    Settings are those unlike the paper's, those of data and length that vary, and the fields to `show` in any case.
    `trials`: a search's cells in the order of its rows, with the number of each one's trial.
    """
    rows: list[Row] = []
    places_of = {cell_id: i for i, cell_id in enumerate(trials)}
    for source, unordered in ((OURS, members), *((str(s), f) for s, f in anchors.groupby("study"))):
        frame = unordered.sort_values("seed", kind="stable", ignore_index=True)
        varying = [*show, *(f for f in ("data", "split", "epochs", "train_images") if frame[f].nunique() > 1)]
        numbers = {ending: _numbers(frame, ending) for ending in ("", BERNOULLI)}
        statuses, seeds_ = frame["status"].to_numpy(object), frame["seed"].fillna(0).to_numpy()
        for indices in frame.groupby(frame["cell_id"].fillna("")).indices.values():
            places = np.asarray(indices)
            first_row = frame.iloc[places[0]]
            known = {ending: block[places] for ending, block in numbers.items()}
            own = _rows_of_cell(
                source, first_row, seeds_[places], statuses[places], known, varying if source == OURS else []
            )
            if source == OURS and (cell_id := first_row["cell_id"]) in trials:
                place = (0.0, float(places_of[cell_id]))
                own = [replace(r, fields=r.fields | {"trial": str(trials[cell_id])}, rank=place) for r in own]
            rows += own
    return sorted(rows, key=lambda row: row.rank)


def beside(rows: Sequence[Row], anchors: Iterable[Row]) -> list[Row]:
    """The rows, then those anchors that are of the same objective, network, norm in D and neuron; real images last."""
    there = {_kind(row) for row in rows}
    return [*rows, *(a for a in anchors if a.source != OURS and (a.source == "real images" or _kind(a) in there))]


def _kind(row: Row) -> tuple[object, ...]:
    with_norm = row.fields["discriminator_norm"] != labels.NORMS["none"]
    return row.fields["objective"], row.fields["architecture"], with_norm, row.fields["output"]


def _numbers(frame: pd.DataFrame, ending: str) -> np.ndarray:
    """(members, `all_numbers`), those of images with the ending."""
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
    """A cell's row, or its rows by binarization; `numbers`: ending -> (members, `all_numbers`)."""
    unlike = unlike_paper(first_row) | {f: first_row[f] for f in varying}
    fields = {
        "trial": "",
        "fidelity": _name(first_row["fidelity"], {}),
        "objective": _name(first_row["objective"], labels.OBJECTIVES),
        "architecture": _name(first_row["architecture"], labels.ARCHITECTURES),
        "discriminator_norm": _name(first_row["discriminator_norm"], labels.NORMS),
        "settings": ", ".join(labels.setting(n, v) for n, v in unlike.items() if n != "discriminator_norm"),
    }
    counts = {status: int((statuses == status).sum()) for status in labels.STATUSES}
    done = statuses == "done"
    neuron = _name(first_row["neuron"], labels.NEURONS)
    kinds = [(labels.THRESHOLD, ""), (labels.BERNOULLI, BERNOULLI)] if first_row["neuron"] == "real" else [(neuron, "")]
    return [
        Row(
            source,
            fields | {"output": output},
            counts,
            seeds_[done],
            numbers[ending][done],
            ending,
            _rank(source, first_row, output),
        )
        for output, ending in kinds
    ]


def _rank(source: str, row: pd.Series, output: str) -> tuple[float, ...]:
    """The order of rows: sources, then objectives, networks, norms and neurons, then the values of other settings."""
    outputs = [*labels.NEURONS.values(), labels.THRESHOLD, labels.BERNOULLI]
    orders = (
        (source, [OURS, "released code", "real images"]),
        (row["objective"], list(labels.OBJECTIVES)),
        (row["architecture"], list(labels.ARCHITECTURES)),
        (row["discriminator_norm"], ["batch", "affine", "layer", "none"]),
        (output, outputs),
    )
    places = [float(order.index(value)) if value in order else math.inf for value, order in orders]
    numbers = [float(row[f]) if not pd.isna(row[f]) else 0.0 for f in ("slope_rate", "learning_rate", "epochs")]
    return (*places, *numbers)


def _name(value: object, known: dict[str, str]) -> str:
    return known.get(value, value) if isinstance(value, str) else NOTHING
