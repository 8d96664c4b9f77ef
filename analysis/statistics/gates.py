"""Conditional computation: FID against the share of a gated generator that is on, beside plain ones of that width."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import labels
from analysis.results.cells import deviations
from analysis.statistics.differences import paired
from analysis.statistics.summaries import Summary, finished, summarize
from binarygan.model.architectures import HIDDEN_UNITS, GatedMlp

GATED, NARROW = "gated-mlp", "narrow-mlp"
_SETTINGS = ["fidelity", "data_digest", "split", "train_images", "epochs", "dtype"]
"""What runs have in common that are compared."""


@dataclass(frozen=True)
class Point:
    """A configuration over its seeds."""

    target: float
    """Share of the paper's hidden units: to be on, or that there are."""
    units: int
    """The same as a number of units."""
    shares: pd.Series
    """By seed, of those that are done: how much was on; of a plain MLP, how much there is."""
    fids: pd.Series
    saved: float
    """Mean share of the generator's products."""
    always: float
    never: float
    """Blocks, on the mean."""

    @property
    def share(self) -> Summary:
        """Over the seeds."""
        return summarize(self.shares, "active_share")

    @property
    def fid(self) -> Summary:
        """Over the seeds."""
        return summarize(self.fids, "fid")


def of_gates(members: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """WGAN-GP's gated runs and those of plain MLPs of other widths, and how many configurations were left out.

    All is as in the paper but the architecture, whose other parameters are the defaults; nothing where none is gated.
    Where several lengths, data or precisions are there, those are taken that have most configurations.
    """
    main = (members["objective"] == "wgan-gp") & members["architecture"].isin((GATED, NARROW))
    found = members[main & (members["discriminator_norm"] == "none")]
    cells = found.drop_duplicates("cell_id")
    kept = [
        r["cell_id"] for _, r in cells.iterrows() if set(deviations(r)) <= {"part_parameters", "dtype"} and _is_usual(r)
    ]
    fitting = cells[cells["cell_id"].isin(kept)]
    groups = [rows for _, rows in fitting.groupby(_SETTINGS, dropna=False) if (rows["architecture"] == GATED).any()]
    if not groups:
        return found.iloc[:0], 0
    chosen = max(groups, key=len)
    return found[found["cell_id"].isin(chosen["cell_id"])].reset_index(drop=True), len(cells) - len(chosen)


def points(members: pd.DataFrame) -> dict[tuple[str, str], list[Point]]:
    """The configurations of `of_gates` with runs that are done, by neuron and architecture, in the order of widths."""
    found: dict[tuple[str, str], list[Point]] = {}
    for _, rows in members.groupby("cell_id", sort=False):
        first = rows.iloc[0]
        fids, gated = finished(rows, "fid"), first["architecture"] == GATED
        if fids.empty:
            continue
        target = _parameter(first, "target_share") if gated else _parameter(first, "hidden") / HIDDEN_UNITS
        shares = finished(rows, "active_share") if gated else pd.Series(target, index=fids.index)
        means = [finished(rows, name).mean() for name in ("products_saved", "blocks_always_on", "blocks_never_on")]
        point = Point(target, round(target * HIDDEN_UNITS), shares, fids, *means)
        found.setdefault((first["neuron"], first["architecture"]), []).append(point)
    ordered = sorted(found, key=lambda key: (labels.rank("neuron", key[0]), key[0], key[1]))
    return {key: sorted(found[key], key=lambda point: point.target) for key in ordered}


def sentence(members: pd.DataFrame) -> str:
    """What the numbers say, neuron by neuron."""
    found, parts = points(members), []
    for (neuron, architecture), own in found.items():
        if architecture != GATED:
            continue
        told = [_told(point, found.get((neuron, NARROW), [])) for point in own]
        parts.append(f"{labels.neuron(neuron)}: {'; '.join(told)}.")
    return " ".join(parts) or "No gated run is done yet."


def _told(point: Point, plain: list[Point]) -> str:
    """Against the plain MLP of as many units as are to be on, the ratio of FIDs over common seeds."""
    words = (
        f"of blocks to be on {point.target:.0%}, {point.share.mean:.0%} are on ({point.always:.3g} always, "
        f"{point.never:.3g} never), which saves {point.saved:.0%} of the products, and FID is "
        f"{labels.number(point.fid.mean, 3)}"
    )
    if (other := next((p for p in plain if p.units == point.units), None)) is None:
        return f"{words}, with no plain MLP of {point.units} hidden units beside it"
    ratio = paired(point.fids, other.fids, ratio=True)
    interval = f", 95% interval {ratio.low:.2f} to {ratio.high:.2f}" if ratio.low == ratio.low else ""
    by = f" ({ratio.mean:.2f} times{interval}, {ratio.n} common seed{'s' * (ratio.n != 1)})" if ratio.n else ""
    return f"{words} against {labels.number(other.fid.mean, 3)} of a plain MLP of {other.units} hidden units{by}"


def _is_usual(row: pd.Series) -> bool:
    """Whether all parameters of its architecture but the one that is varied are the defaults, and that one is known."""
    if row["architecture"] == NARROW:
        return isinstance(_parameter(row, "hidden"), int)
    usual = {name: getattr(GatedMlp(), name) for name in ("blocks", "weight")}
    known = isinstance(_parameter(row, "target_share"), float)
    return known and all(_parameter(row, name) == value for name, value in usual.items())


def _parameter(row: pd.Series, name: str) -> Any:
    """A parameter of a run's architecture; None where the row does not say."""
    return labels.parameters(row["part_parameters"]).get(f"architecture.{name}")
