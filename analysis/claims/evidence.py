"""What there is to judge a claim by: the runs of each cell, and a measure's values over their seeds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis import labels
from analysis.labels import number
from analysis.results.cells import label, lacking, left_out, members_of
from analysis.statistics.hypotheses import two_modes
from binarygan.metrics.names import BERNOULLI
from binarygan.paper import Cell

MOST = 500.0
"""A logarithm; of more there is no number."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number of a run: a column, or the sum of some."""

    name: str
    columns: tuple[str, ...]
    log: bool = False
    """Compared as a ratio; values that are not above 0 are left out and said to be."""
    quality: bool = False
    """Lower is better, so that a run that diverged is worse than any number."""
    by_extractor: bool = True
    """Whether it rests on the features or classes that the extractors see, so that it has to be by the same ones."""

    def scale(self, values: ArrayLike) -> np.ndarray:
        """The values as they are compared."""
        return np.log(values) if self.log else np.asarray(values)

    def unscale(self, value: float) -> float:
        """A compared value as it is said: a ratio, where values are compared as such."""
        return value if not self.log else math.inf if value >= MOST else math.exp(value)


class Runs(Protocol):
    """The runs of one configuration, chosen otherwise than by one of the paper's cells."""

    @property
    def name(self) -> str:
        """In words."""

    @property
    def neuron(self) -> str:
        """The runs' own."""

    def rows(self, members: pd.DataFrame) -> pd.DataFrame:
        """Those among all runs."""

    def lacking(self, members: pd.DataFrame) -> str:
        """Why there are none."""


Compared = Cell | Runs


class Evidence:
    """What there is to judge by: the runs of one fidelity, and trainable numbers by architecture."""

    def __init__(self, members: pd.DataFrame, parameters: Mapping[str, int]) -> None:
        self.members, self.parameters = members, parameters
        self._rows: dict[Compared, pd.DataFrame] = {}
        self._left_out: dict[Compared, list[str]] = {}

    def rows(self, cell: Compared) -> pd.DataFrame:
        """The cell's runs, of every status."""
        if cell not in self._rows:
            of = members_of(self.members, cell) if isinstance(cell, Cell) else cell.rows(self.members)
            self._rows[cell] = of
        return self._rows[cell]

    def lacking(self, cell: Compared) -> str:
        """Why there are none."""
        return lacking(self.members, cell) if isinstance(cell, Cell) else cell.lacking(self.members)

    def left_out(self, cell: Compared) -> list[str]:
        """A line on each configuration of the cell whose runs are not among them."""
        if cell not in self._left_out:
            self._left_out[cell] = left_out(self.members, cell) if isinstance(cell, Cell) else []
        return self._left_out[cell]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One cell's values over its seeds, and how its runs ended."""

    name: str
    values: np.ndarray
    """Of the runs that are done, where they are numbers that can be used."""
    compared: np.ndarray
    """The same as they are compared, and infinite for a run that diverged where the measure is one of quality."""
    errors: np.ndarray | float
    counts: dict[str, int]
    missing: str
    """Why there is nothing to test; empty where there are runs that ended."""
    extractors: frozenset[str]
    """Digests of those that measured the runs."""

    @property
    def lost(self) -> int:
        """Runs of which no number is known, and may be any."""
        return sum(self.counts.values()) - len(self.compared)

    @property
    def text(self) -> str:
        """`DBN 10.5 ± 0.4 (n 3 of 4; 1 diverged)`."""
        n, total = len(self.values), sum(self.counts.values())
        others = [f"{k} {status}" for status, k in self.counts.items() if k and status != "done"]
        if unusable := self.counts["done"] - n:
            others.append(f"{unusable} without a usable number")
        if modes := two_modes(self.compared):
            others.append(f"two modes, of {modes[0]} and {modes[1]}")
        ended = "; ".join([f"n {n}" if n == total else f"n {n} of {total}", *others])
        if not n:
            return f"{self.name} – ({ended})"
        spread = f" ± {self.values.std(ddof=1):.2g}" if n > 1 else ""
        return f"{self.name} {number(float(self.values.mean()), 3)}{spread} ({ended})"


def sample_of(
    evidence: Evidence, cell: Compared, measure: Measure, *, ending: str = "", error_column: str | None = None
) -> Sample:
    """The cell's values of a measure; `ending` picks the binarization of real-valued runs."""
    rows = evidence.rows(cell)
    name = label(cell) if isinstance(cell, Cell) else cell.name
    if labels.is_real_valued(cell.neuron) and measure.columns[0] + BERNOULLI in rows:
        name += " by Bernoulli" if ending == BERNOULLI else " by threshold"
    ended = [status for status in rows["status"] if status in labels.STATUSES]
    counts = {status: ended.count(status) for status in labels.STATUSES}
    done = rows[rows["status"] == "done"]
    columns = [pd.to_numeric(done[c + ending], errors="coerce").to_numpy(float) for c in measure.columns]
    values = np.sum(columns, axis=0)
    usable = np.isfinite(values) & ((values > 0) | (not measure.log))
    errors: np.ndarray | float = 0.0
    if error_column is not None:
        errors = pd.to_numeric(done[error_column], errors="coerce").to_numpy(float)
        usable &= np.isfinite(errors)
        errors = errors[usable]
    missing = "" if ended else evidence.lacking(cell)
    if ended and set(ended) <= {"running", "stopped"}:
        missing = "stopped early" if "stopped" in ended else "still training"
    worse = np.full(counts["diverged"] if measure.quality else 0, math.inf)
    return Sample(
        name=name,
        values=values[usable],
        compared=np.concatenate([measure.scale(values[usable]), worse]),
        errors=errors,
        counts=counts,
        missing=missing,
        extractors=frozenset(done["extractors"].dropna()) if measure.by_extractor else frozenset(),
    )
