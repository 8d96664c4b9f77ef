"""What a search is: its space and goals, the value of a trial, and how two searches are told apart."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna

from binarygan.config import MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.metrics.names import METRICS, Live
from study.design.cohorts import Cohort
from study.design.spaces import SPACES, Space

SECONDS = "seconds"
BETTER = Live(lambda: {name: m.better for name, m in METRICS.items()} | {SECONDS: "lower"})
EACH_EPOCH = Live(lambda: {name: True for name, m in METRICS.items() if m.light} | {SECONDS: True})
Direction = Literal["minimize", "maximize"]
DIRECTIONS: dict[str, Direction] = {"lower": "minimize", "higher": "maximize"}
SHARED = {"epochs": "equally long", "reference": "compared with the same images"}
"""Fields that no trial has to itself, and why."""
WORST = 1e9
"""Tells a scheduler of a trial that can have no value. (A scheduler needs a number, and never stops a NaN.)"""


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search's settings. Only the space, the variant and `fields` affect the outcome of a run."""

    name: str = ""
    """Of the space; left empty: its name among those that are registered."""
    space: Space
    metrics: tuple[str, ...]
    seeds: int
    fidelity: str
    fields: Mapping[str, Any]
    """Fields of all configurations: data, epochs, …"""

    def __post_init__(self) -> None:
        for metric in self.metrics:
            if metric not in BETTER:
                raise UserError(f"--metric {metric}: no trial reports it: {nearest(metric, BETTER)}")
            if BETTER[metric] not in DIRECTIONS:
                raise UserError(f"--metric {metric} is best where real images have it, neither low nor high: no goal")
        if len(set(self.metrics)) != len(self.metrics):
            raise UserError("--metric names a metric twice")
        for name, why in SHARED.items():
            if any(p.name == name for p in self.space.parameters):
                raise UserError(f"a search space cannot draw {name}: the trials of a search are {why}")
        object.__setattr__(self, "name", self.name or SPACES.name_of(self.space))
        object.__setattr__(self, "fields", {**self.fields, **self.space.fixed})
        largest = self.space.largest("batch_size")
        if largest > self.fields["train_images"]:
            raise UserError(
                f"search {self.name!r} draws batches of up to {largest:g}, "
                f"more than {self.fields['train_images']} training images: give it more data"
            )

    @property
    def directions(self) -> list[Direction]:
        """`minimize` or `maximize` for each metric."""
        return [DIRECTIONS[BETTER[m]] for m in self.metrics]

    @property
    def epochs(self) -> int:
        """How many epochs a trial has that no scheduler stops."""
        return int(self.fields["epochs"])

    @property
    def reference(self) -> str:
        """Which images trials are compared with, and so chosen by."""
        return str(self.fields.get("reference", MemberConfig.reference))

    def draw(self, trial: optuna.trial.BaseTrial) -> MemberConfig:
        """The configuration that a trial draws."""
        return self.space.draw(trial, self.fidelity, **self.fields)

    def cohort(self, params: Mapping[str, Any]) -> Cohort:
        """The members of a trial that drew these values, with seeds 0 to `seeds` - 1."""
        cell = self.draw(optuna.trial.FixedTrial(dict(params)))
        return Cohort(tuple(dataclasses.replace(cell, seed=seed) for seed in range(self.seeds)))

    def declaration(self) -> dict[str, Any]:
        """What a command must have in common with this search to go on with it, ready for JSON."""
        return {
            "search": self.name,
            "space": self.space.to_dict(),
            "fixed": dict(self.fields),
            "metrics": list(self.metrics),
            "directions": self.directions,
            "seeds": self.seeds,
            "fidelity": self.fidelity,
        }

    def unlike(self, known: Mapping[str, Any]) -> str:
        """How a declaration that was stored differs from this search's, in words; empty where it does not.

        One of before there was a choice of reference images does not name them: it compares with the test split.
        """
        declared = json.loads(json.dumps(self.declaration()))
        before = {key: known.get(key) for key in declared}
        for one in (before, declared):
            if isinstance(one["fixed"], dict):
                one["fixed"] = {"reference": MemberConfig.reference, **one["fixed"]}
        return differences(before, declared) if before != declared else ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a trial is worth, after an epoch or at its end."""

    values: tuple[float, ...] | None
    """The mean over its members of each metric; None where there is none (yet)."""
    reason: str | None = None
    """Why it can never have a value: a member failed or diverged."""


def outcome(metrics: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Outcome:
    """What a trial is worth whose members have these rows."""
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
    """A finite value that is worse than any trial's.

    >>> worst("minimize"), worst("maximize")
    (1000000000.0, -1000000000.0)
    """
    return WORST if direction == "minimize" else -WORST


def differences(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """How two declarations differ, in words; by parameter where their spaces differ."""
    parts = []
    for key in sorted({*known, *wanted} - {"space", "fixed"}):
        if known.get(key) != wanted.get(key):
            parts.append(f"{key}: {in_words(known.get(key))} there, {in_words(wanted.get(key))} asked")
    for part in ("space", "fixed"):
        before, now = (x if isinstance(x := of.get(part), dict) else {} for of in (known, wanted))
        for name in sorted({*before, *now}):
            if before.get(name) != now.get(name):
                parts.append(f"{name}: {in_words(before.get(name))} there, {in_words(now.get(name))} asked")
    return "; ".join(parts[:4]) + (" …" if len(parts) > 4 else "")


def in_words(value: Any) -> str:
    """A declared value, or a parameter's declaration, in a few words."""
    if not isinstance(value, dict) or "attributes" not in value:
        return "nothing" if value is None else "/".join(map(str, value)) if isinstance(value, list) else str(value)
    attributes = value["attributes"]
    try:
        if "choices" in attributes:
            text = "/".join(map(str, attributes["choices"]))
        else:
            text = f"{attributes['low']:g} to {attributes['high']:g}{' log' if attributes.get('log') else ''}"
        conditions: Iterable[tuple[str, Any]] = (value.get("when") or {}).items()
        return text + "".join(f" where {k} is {'/'.join(map(str, v))}" for k, v in conditions)
    except (AttributeError, KeyError, TypeError, ValueError):  # a file that another program wrote
        return "something else"
