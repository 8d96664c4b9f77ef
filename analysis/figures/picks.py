"""Which run of a cell a picture shows, and what to say of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import labels
from analysis.results.cells import by_status, lacking, members_of
from analysis.results.study import Samples, Study
from binarygan.metrics.names import BERNOULLI
from binarygan.paper import FIDELITIES, Cell, norm_of
from study.store.schemas import FINISHED

MIDDLE = (0.3, 0.7)


@dataclass(frozen=True)
class Pick:
    """A run and its samples after one epoch."""

    member: pd.Series
    samples: Samples

    @property
    def which(self) -> str:
        """`seed 0, epoch 20`, or how far it came of how many epochs and why no further."""
        epoch = f"seed {int(self.member['seed'])}, epoch {self.samples.epoch}"
        if self.samples.epoch < self.member["epochs"]:
            epoch += f" of {int(self.member['epochs'])}"
        return epoch if self.member["status"] in ("done", "running") else f"{epoch}, {self.member['status']}"

    def images(self, show: str) -> np.ndarray | None:
        """`bits`, `bernoulli` or `preactivated` images (64, 28, 28)."""
        if show == "bernoulli":
            return self.samples.bernoulli_bits
        return self.samples.bits if show == "bits" else self.samples.preactivated

    def fid(self, show: str) -> float:
        """FID of these very samples' run and epoch; NaN where it was measured at another epoch or not at all."""
        if show == "preactivated" or self.samples.epoch != self.member["epochs_done"]:
            return float("nan")
        return float(self.member["fid" + (BERNOULLI if show == "bernoulli" else "")])

    def caption(self, show: str) -> str:
        """Seed and epoch and, for binary samples, FID."""
        fid = self.fid(show)
        return self.which if not np.isfinite(fid) else f"{self.which}, FID {number(fid)}"

    def describe(self, show: str) -> str:
        """The 64 images in numbers."""
        images = self.images(show)
        if images is None:
            return "not stored"
        if show == "preactivated":
            middle = np.mean((images >= MIDDLE[0]) & (images <= MIDDLE[1]))
            return f"mean {images.mean():.2f}, {middle:.0%} of the values between {MIDDLE[0]} and {MIDDLE[1]}"
        fid = self.fid(show)
        ink = f"{images.mean():.0%} of the pixels are ink"
        return ink if not np.isfinite(fid) else f"FID {number(fid)}, {ink}"


def number(value: float) -> str:
    """Three significant digits, never an exponent.

    >>> number(161.26), number(10.503), number(-0.00624)
    ('161', '10.5', '−0.00624')
    """
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    return f"{value:.{labels.decimals(value, 3)}f}".replace("-", "−")


def in_order(study: Study, cell: Cell) -> pd.DataFrame:
    """The cell's runs by seed, those that are finished before others: never the best first."""
    members = members_of(study.members, cell)
    ordered = members.assign(unfinished=~members["status"].isin(FINISHED))
    return ordered.sort_values(["unfinished", "seed"], kind="stable")


def pick(study: Study, members: pd.DataFrame) -> Pick | None:
    """The first of the runs that has samples."""
    for _, member in members.iterrows():
        if (samples := study.samples(member["member_id"])) is not None:
            return Pick(member, samples)
    return None


def absence(study: Study, cell: Cell) -> str:
    """Why there is no picture of the cell."""
    members = members_of(study.members, cell)
    return lacking(study.members, cell) if members.empty else f"no samples yet: {by_status(members)}"


def name_in_d(study: Study) -> str:
    """What the study's discriminators have where the paper has batch normalization, or what they would have."""
    kinds = sorted(set(study.members["discriminator_norm"].dropna()) - {"none"})
    kinds = kinds or sorted({norm_of(f) for f in study.members["fidelity"].unique() if f in FIDELITIES})
    return " / ".join(labels.norm_in_d(kind) for kind in kinds) or "norm in D"
