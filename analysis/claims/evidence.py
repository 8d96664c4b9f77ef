"""What there is to judge a claim by: the runs of each cell, and a measure's values over their seeds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis import labels
from analysis.labels import number
from analysis.results.cells import label, lacking, members_of
from binarygan.metrics.names import BERNOULLI
from binarygan.paper import Cell


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number of a run: a column, or the sum of some."""

    name: str
    columns: tuple[str, ...]
    log: bool = False
    """Compared as a ratio; values that are not above 0 are left out and said to be."""
    quality: bool = False
    """Lower is better, so that a run that diverged is worse than any number."""

    def scale(self, values: ArrayLike) -> np.ndarray:
        """The values as they are compared."""
        return np.log(values) if self.log else np.asarray(values)


class Evidence:
    """What there is to judge by: the runs of one fidelity, and trainable numbers by architecture."""

    def __init__(self, members: pd.DataFrame, parameters: Mapping[str, int]) -> None:
        self.members, self.parameters = members, parameters
        self._rows: dict[Cell, pd.DataFrame] = {}

    def rows(self, cell: Cell) -> pd.DataFrame:
        """The cell's runs, of every status."""
        if cell not in self._rows:
            self._rows[cell] = members_of(self.members, cell)
        return self._rows[cell]


@dataclass(frozen=True)
class Sample:
    """One cell's values over its seeds, and how its runs ended."""

    name: str
    values: np.ndarray
    """Of the runs that are done, where they are numbers that can be used."""
    errors: np.ndarray | None
    counts: dict[str, int]
    missing: str
    """Why there is nothing to test; empty where there are runs that ended."""

    @property
    def text(self) -> str:
        """`DBN 10.5 ± 0.4 (n 3 of 4; 1 diverged)`."""
        n, total = len(self.values), sum(self.counts.values())
        others = [f"{k} {status}" for status, k in self.counts.items() if k and status != "done"]
        if unusable := self.counts["done"] - n:
            others.append(f"{unusable} without a usable number")
        ended = f"n {n}" if not others else f"n {n} of {total}; {', '.join(others)}"
        if not n:
            return f"{self.name} – ({ended})"
        spread = f" ± {self.values.std(ddof=1):.2g}" if n > 1 else ""
        return f"{self.name} {number(float(self.values.mean()), 3)}{spread} ({ended})"


def sample_of(
    evidence: Evidence, cell: Cell, measure: Measure, *, ending: str = "", error_column: str | None = None
) -> Sample:
    """The cell's values of a measure; `ending` picks the binarization of real-valued runs."""
    rows = evidence.rows(cell)
    name = label(cell)
    if labels.is_real_valued(cell.neuron) and measure.columns[0] + BERNOULLI in rows:
        name += " by Bernoulli" if ending == BERNOULLI else " by threshold"
    ended = [status for status in rows["status"] if status in labels.STATUSES]
    counts = {status: ended.count(status) for status in labels.STATUSES}
    done = rows[rows["status"] == "done"]
    columns = [pd.to_numeric(done[c + ending], errors="coerce").to_numpy(float) for c in measure.columns]
    values = np.sum(columns, axis=0)
    usable = np.isfinite(values) & ((values > 0) | (not measure.log))
    errors = None
    if error_column is not None:
        errors = pd.to_numeric(done[error_column], errors="coerce").to_numpy(float)
        usable &= np.isfinite(errors)
        errors = errors[usable]
    missing = "" if ended else lacking(evidence.members, cell)
    if ended and set(ended) <= {"running", "stopped"}:
        missing = "stopped early" if "stopped" in ended else "still training"
    return Sample(name, values[usable], errors, counts, missing)
