"""What a search is: a space, what is to be optimized, and how each trial's members give its value."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna

from binarygan.config import MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.metrics.names import METRICS, Live
from study.design.cohorts import Cohort
from study.design.spaces import Space, Suggests

SECONDS = "seconds"
BETTER = Live(lambda: {name: m.better for name, m in METRICS.items()} | {SECONDS: "lower"})
EACH_EPOCH = Live(lambda: {name: True for name, m in METRICS.items() if m.light} | {SECONDS: True})
Direction = Literal["minimize", "maximize"]
DIRECTIONS: dict[str, Direction] = {"lower": "minimize", "higher": "maximize"}
WORST = 1e9
"""What a scheduler is told of a trial without a value: it has no notion of one, and never stops a NaN."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search's settings. None of them but `fields` and the space affects a member's outcome."""

    space: Space
    metrics: tuple[str, ...]
    seeds: int
    fidelity: str
    fields: Mapping[str, Any]
    """Of every cell alike: data, epochs, …"""

    def __post_init__(self) -> None:
        for metric in self.metrics:
            if metric not in BETTER:
                raise UserError(f"--metric {metric}: no trial reports it: {nearest(metric, BETTER)}")
            if BETTER[metric] not in DIRECTIONS:
                raise UserError(f"--metric {metric} is best where real images have it, neither low nor high: no goal")
        if len(set(self.metrics)) != len(self.metrics):
            raise UserError("--metric names a metric twice")

        largest = self.space.largest("batch_size")
        if largest > self.fields["train_images"]:
            raise UserError(
                f"search {self.space.name!r} draws batches of up to {largest:g}, "
                f"more than {self.fields['train_images']} training images: give it more data"
            )

    @property
    def directions(self) -> list[Direction]:
        """`minimize` or `maximize`, a metric each."""
        return [DIRECTIONS[BETTER[m]] for m in self.metrics]

    @property
    def epochs(self) -> int:
        """Of every trial that is not stopped."""
        return int(self.fields["epochs"])

    def draw(self, trial: Suggests) -> MemberConfig:
        """The trial's cell."""
        return self.space.draw(trial, self.fidelity, **self.fields)

    def cohort(self, params: Mapping[str, Any]) -> Cohort:
        """The members of a trial with these drawn values: seeds 0 to `seeds` - 1."""
        cell = self.draw(optuna.trial.FixedTrial(dict(params)))
        return Cohort(tuple(dataclasses.replace(cell, seed=seed) for seed in range(self.seeds)))

    def declaration(self) -> dict[str, Any]:
        """What another run must share to go on with this search, ready for JSON."""
        return {
            "search": self.space.name,
            "space": self.space.to_dict(),
            "fixed": {**self.space.fixed, **self.fields},
            "metrics": list(self.metrics),
            "directions": self.directions,
            "seeds": self.seeds,
            "fidelity": self.fidelity,
        }


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of a trial after an epoch, or at its end."""

    values: tuple[float, ...] | None
    """Means over its members, a metric each; None where it has none."""
    reason: str | None = None
    """Why it can never have any: a member failed or diverged."""


def outcome(metrics: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Outcome:
    """What the rows of a trial's members, as they stand, make of it."""
    lost = [r for r in rows if r["status"] in ("failed", "diverged")]
    if lost:
        what = f"{len(lost)} of {len(rows)} members {lost[0]['status']}: {lost[0]['error']}"
        return Outcome(values=None, reason=what)
    values = []
    for metric in metrics:
        found = [r.get(metric) for r in rows]
        known = [float(v) for v in found if v is not None]
        if len(known) < len(rows):
            return Outcome(values=None)
        mean = math.fsum(known) / len(known)
        if not math.isfinite(mean):
            return Outcome(values=None, reason=f"{metric} is not a finite number")
        values.append(mean)
    return Outcome(values=tuple(values))


def worst(direction: Direction) -> float:
    """A finite value that no trial with a value has.

    >>> worst("minimize"), worst("maximize")
    (1000000000.0, -1000000000.0)
    """
    return WORST if direction == "minimize" else -WORST
