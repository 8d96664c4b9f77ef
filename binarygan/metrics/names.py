"""The registry of metrics: the column, the label and the meaning of each, which way is better, and its function.

The files beside this one declare the metrics; a file outside of the packages does it the same way:

    @metric("blank", "blank", "share of samples without ink", "lower", most=1)
    def blank(samples: ImageSet, reference: Reference) -> float: ...

Neither this file nor a file that declares metrics imports torch (but for `binarygan.lazy`): tables and schemas read
the declarations, too.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from numbers import Real
from typing import Any, TypeVar

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.registry import Registry, is_built_in, same_definition, source_digest

F = TypeVar("F", bound=Callable[..., float])
V = TypeVar("V")
BERNOULLI = "_bernoulli"
"""Ending of the columns of a real-valued run's samples by Bernoulli sampling; those without are by threshold."""
ROUNDING = 1e-6
"""How far rounding may take a value out of its range, relative to the range's end where that is above 1."""


@dataclass(frozen=True)
class Metric:
    """A metric's column, what is said of it, and the function that gives it.

    >>> Metric("half", "half", "an example", "target", most=1, compute=lambda *_: 0.5).measure()
    0.5
    >>> Metric("none", "none", "an example", "target", most=1, compute=lambda *_: None).measure()
    Traceback (most recent call last):
    binarygan.errors.UserError: metric 'none' gave None: it must give a number from 0 to 1, or NaN
    """

    name: str
    label: str
    meaning: str
    better: str
    """`lower`, `higher`, or `target`: as near as possible to what real images have."""
    light: bool = False
    """Measured after each epoch, not at the end alone; metrics of other things than images must be."""
    most: float = inf
    """Largest value there can be."""
    least: float = 0.0
    """Smallest value there can be."""
    ratio: bool = False
    """Above 0, and its seeds scatter by a share of it: configurations are compared by its ratio, on its logarithm."""
    counted: bool = False
    """A small whole number: the mean over seeds has no t interval."""
    of: str = "images"
    """What it measures: binary `images`, the histogram of `preactivated` outputs, or the outputs of `gates`."""
    compute: Callable[..., float] = field(kw_only=True, repr=False)
    """Of images, it takes samples (`ImageSet`) and a `Reference`; of preactivated outputs, a `Histogram`; of gates,
    `GateOutputs`."""

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name.endswith(BERNOULLI):
            raise UserError(f"metric {self.name!r}: a name has letters, digits and _ alone, and no ending {BERNOULLI}")
        for trait, choices in (("better", ("lower", "higher", "target")), ("of", ("images", "preactivated", "gates"))):
            if getattr(self, trait) not in choices:
                raise UserError(f"metric {self.name!r}: {trait} is one of {', '.join(choices)}")
        if self.of != "images" and not self.light:
            raise UserError(f"metric {self.name!r}: {self.of} outputs are measured after each epoch: light=True")
        if self.of == "gates" and self.better != "target":
            raise UserError(f"metric {self.name!r}: most runs have no gates, so that none is better: better='target'")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that results have of it."""
        return (self.name, f"{self.name}{BERNOULLI}") if self.of == "images" else (self.name,)

    def measure(self, *measured: object) -> float:
        """What `compute` gives.

        Raises:
            UserError: it gives no number, or one out of the metric's range.
        """
        value = self.compute(*measured)
        if isinstance(value, Real) and not isinstance(value, bool):
            number = float(value)
            below, above = (ROUNDING * max(1.0, abs(end)) for end in (self.least, self.most))
            if math.isnan(number) or self.least - below <= number <= self.most + above:
                return number
        wanted = f"a number from {self.least:g} to {self.most:g}, or NaN"
        raise UserError(f"metric {self.name!r} gave {value!r:.60}: it must give {wanted}")


class Metrics(Registry[Metric]):
    """The metrics by their names, in the order of their columns."""

    def __init__(self) -> None:
        super().__init__("metric")
        self._others = {f.name for f in dataclasses.fields(MemberConfig)}

    def register(self, name: str, part: Metric) -> Metric:
        """Enter a metric; the same function of the same file may be entered again, as a notebook does.

        Raises:
            UserError: the results have a column of that name already.
        """
        known = self._parts.get(name)
        if known is None or not same_definition(known.compute, part.compute):
            self._refuse(part, self._others.union(*(m.columns for m in self.values())))
        self._parts[name] = part
        return part

    def reserve(self, columns: Iterable[str]) -> None:
        """Keep these names for other columns of the results; a UserError where a metric has one of them."""
        self._others.update(columns)
        for part in self.values():
            self._refuse(part, self._others)

    def _refuse(self, part: Metric, taken: set[str]) -> None:
        for column in part.columns:
            if column in taken:
                raise UserError(f"metric {part.name!r}: results have a column {column!r} already: choose another name")


METRICS = Metrics()
BY_NAME = METRICS


def metric(name: str, label: str, meaning: str, better: str, **traits: Any) -> Callable[[F], F]:
    """Register the decorated function as the metric of that name; `traits` are the other fields of `Metric`."""

    def register(compute: F) -> F:
        METRICS.register(name, Metric(name, label, meaning, better, compute=compute, **traits))
        return compute

    return register


class _Metrics:
    """The metrics of one kind of thing, those registered later among them."""

    def __init__(self, of: str) -> None:
        self._of = of

    def __iter__(self) -> Iterator[Metric]:
        return (m for m in METRICS.values() if m.of == self._of)

    def __len__(self) -> int:
        return len(tuple(iter(self)))


OF_IMAGES = _Metrics("images")
"""Of binary samples against reference images."""
OF_PREACTIVATED = _Metrics("preactivated")
"""Of the histogram of preactivated outputs: the paper's Figure 4 in numbers."""
OF_GATES = _Metrics("gates")
"""Of the outputs of a gated generator's gates; null for every other run."""


class Live(Mapping[str, V]):
    """A mapping that is made anew at each use, so that it has what was registered since.

    >>> known = {"a": 1}
    >>> twice = Live(lambda: {name: 2 * value for name, value in known.items()})
    >>> known["b"] = 2
    >>> dict(twice)
    {'a': 2, 'b': 4}
    """

    def __init__(self, make: Callable[[], Mapping[str, V]]) -> None:
        self._make = make

    def __getitem__(self, name: str) -> V:
        return self._make()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())


def outside() -> dict[str, str]:
    """The metrics of images from outside the packages: name -> digest of the file that defines it."""
    return {m.name: source_digest(m.compute) for m in OF_IMAGES if not is_built_in(m.compute)}


def columns(*, light: bool) -> tuple[str, ...]:
    """All columns of metrics in a table: `curves` (light) or `members`."""
    images = [m.name for m in OF_IMAGES if m.light or not light]
    return (*images, *(f"{n}{BERNOULLI}" for n in images), *(m.name for m in (*OF_PREACTIVATED, *OF_GATES)))
