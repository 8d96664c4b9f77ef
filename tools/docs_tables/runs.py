"""The runs that ship, by configuration, and how tables write their numbers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import labels
from analysis.results.anchors import load_anchors
from analysis.results.load import load_study
from analysis.results.study import Study
from binarygan.errors import UserError
from binarygan.metrics.names import BERNOULLI, BY_NAME
from tools.docs_tables.named import Table

PUBLISHED = Path(__file__).parents[2] / "published"
_KIND = ("objective", "architecture", "discriminator_norm", "neuron")


@lru_cache(maxsize=2)
def published(name: str) -> Study:
    """A study that ships."""
    return load_study(PUBLISHED / name)


@dataclass(frozen=True)
class Runs:
    """A configuration's runs that are done, by seed, their samples binarized in one way."""

    rows: pd.DataFrame
    binarization: str = "none"

    def values(self, metric: str) -> np.ndarray:
        """A number of each run."""
        of_images = metric in BY_NAME and BY_NAME[metric].of == "images"
        ending = BERNOULLI if of_images and self.binarization == "bernoulli" else ""
        return self.rows[metric + ending].to_numpy(float)

    def part(self, kind: str) -> str:
        """What its objective, network or norm in D is called."""
        return labels.part(kind, str(self.rows.iloc[0][kind]))

    @property
    def norm(self) -> str:
        """The name of D's norm."""
        return str(self.rows.iloc[0]["discriminator_norm"])

    @property
    def neuron(self) -> str:
        """What its neuron and binarization are called."""
        return labels.neuron(str(self.rows.iloc[0]["neuron"]), self.binarization)

    @property
    def released(self) -> "Runs | None":
        """The released code's run of the configuration."""
        anchors = load_anchors().members
        fits = (anchors[list(_KIND)] == self.rows.iloc[0][list(_KIND)]).all(axis=1)
        return Runs(anchors[fits], self.binarization) if fits.any() else None


def runs_of(
    members: pd.DataFrame,
    objective: str,
    neuron: str,
    *,
    norm: str = "none",
    architecture: str = "mlp",
    seeds: int | None = None,
) -> list[Runs]:
    """A configuration's runs (of its first `seeds` seeds, where asked), once for each binarization.

    Raises:
        UserError: none is done, or runs of other settings (a precision, a variant) are among them.
    """
    kind = pd.Series(dict(zip(_KIND, (objective, architecture, norm, neuron), strict=True)))
    fits = (members[list(_KIND)] == kind).all(axis=1) & (members["status"] == "done")
    found = members[fits].sort_values("seed")
    found = found if seeds is None else found[found["seed"] < seeds]
    if (n := found["cell_id"].nunique()) != 1:
        raise UserError(f"{n} configurations ship of {', '.join(kind)}: a table needs one")
    binarizations = ("threshold", "bernoulli") if labels.is_real_valued(neuron) else ("none",)
    return [Runs(found, binarization) for binarization in binarizations]


Column = tuple[str, Callable[[Runs], str]]
"""Its head, and what stands in it."""


def table_of(runs: Iterable[Runs], columns: Sequence[Column]) -> Table:
    """A row for each configuration."""
    return Table([head for head, _ in columns], [[entry(own) for _, entry in columns] for own in runs])


def named(runs: Runs) -> str:
    """`WGAN-GP, DBN`."""
    return f"{runs.part('objective')}, {runs.neuron}"


def spread(metric: str) -> Callable[[Runs], str]:
    """Mean ± standard deviation over the seeds."""
    return lambda runs: with_error(float(runs.values(metric).mean()), float(runs.values(metric).std(ddof=1)))


def each(metric: str, decimals: int) -> Callable[[Runs], str]:
    """Every seed's number."""
    return lambda runs: ", ".join(f"{value:.{decimals}f}" for value in runs.values(metric))


def mean(metric: str, decimals: int) -> Callable[[Runs], str]:
    """The mean over the seeds."""
    return lambda runs: fixed(float(runs.values(metric).mean()), decimals)


def mean_of_digits(metric: str, digits: int = 3) -> Callable[[Runs], str]:
    """The mean over the seeds, in so many significant digits."""
    return lambda runs: significant(float(runs.values(metric).mean()), digits)


def classes(runs: Runs) -> str:
    """The mean number of classes; a whole number where all seeds have the same."""
    values = runs.values("classes_covered")
    return f"{values[0]:.0f}" if (values == values[0]).all() else f"{values.mean():.1f}"


def released(entry: Callable[[Runs], str]) -> Callable[[Runs], str]:
    """The same of the released code's run; nothing where it has none."""
    return lambda runs: entry(runs.released) if runs.released else ""


def fixed(value: float, decimals: int) -> str:
    """In so many decimals: halves, which shares of 10,000 images often are, go up; a small number keeps a digit.

    >>> fixed(0.4475, 3), fixed(0.0, 3), fixed(0.00005, 4)
    ('0.448', '0', '0.00005')
    """
    if value == 0:
        return "0"
    last = Decimal(1).scaleb(-max(decimals, labels.decimals(value, 1)))
    return str(Decimal(f"{value:.6f}").quantize(last, ROUND_HALF_UP))


def significant(value: float, digits: int) -> str:
    """A number in so many significant digits.

    >>> significant(3.1664, 3), significant(91.13, 3), significant(102.4, 3)
    ('3.17', '91.1', '102')
    """
    return f"{value:.{labels.decimals(value, digits)}f}"


def with_error(value: float, error: float) -> str:
    """The error in two digits, of which one at most stands behind the point.

    >>> with_error(10.52, 0.43), with_error(29.8, 11.5), with_error(103.6, 0.04)
    ('10.5 ± 0.4', '30 ± 12', '103.6 ± 0.0')
    """
    decimals = 0 if error >= 9.95 else 1
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"
