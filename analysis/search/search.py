"""What `study.json` says of a search: what was drawn, what was optimized. Each of its values may be of any type."""

import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from analysis import labels
from analysis.results.load import whole_number
from analysis.results.study import Study
from analysis.statistics.summaries import Unavailable
from binarygan.config import PARTS, MemberConfig
from binarygan.metrics.names import columns

DIRECTIONS = ("minimize", "maximize")
DISTRIBUTIONS = ("FloatDistribution", "IntDistribution", "CategoricalDistribution")
FIELDS = {f.name for f in fields(MemberConfig)} - {"seed"}
MOST_CHOICES = 100
"""Of a category; a study.json with more is none of ours."""


@dataclass(frozen=True)
class Metric:
    """One of the numbers that a search optimizes."""

    name: str
    maximize: bool = False

    @property
    def label(self) -> str:
        """What tables and figures call it."""
        return labels.COLUMNS.get(self.name, self.name)

    @property
    def sign(self) -> int:
        """What makes lower better."""
        return -1 if self.maximize else 1


@dataclass(frozen=True)
class Parameter:
    """A field of a configuration that the search draws."""

    name: str
    kind: str
    """One of `DISTRIBUTIONS`."""
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    choices: tuple[Any, ...] = ()
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """Drawn only where each of these fields has one of its values."""

    @property
    def label(self) -> str:
        """What tables and figures call it."""
        return labels.field(self.name)

    @property
    def categorical(self) -> bool:
        """Whether it has choices rather than a range."""
        return self.kind == "CategoricalDistribution"

    @property
    def single(self) -> bool:
        """Whether there is nothing to draw."""
        return len(self.choices) == 1 if self.categorical else self.low == self.high

    def read(self, row: Mapping[Any, Any]) -> Any:
        """A run's value; None where its cell has no use for it, or has it from outside the space."""
        if not all(row.get(name) in values for name, values in self.when):
            return None
        value = row.get(self.name)
        if self.categorical:
            return next((c for c in self.choices if c == value), None)
        if not isinstance(value, int | float | np.number) or not self.low <= value <= self.high:
            return None
        return int(value) if self.kind == "IntDistribution" else float(value)


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search as it was declared."""

    space: str
    metrics: tuple[Metric, ...]
    sampler: str
    scheduler: str
    """Empty where there was none."""
    asked: int | None
    """Trials."""
    seeds: int | None
    """Runs a trial."""
    epochs: int | None
    reference: str
    """Which images chose: `test` or `validation`; empty where it does not say."""
    parameters: tuple[Parameter, ...]
    problems: tuple[str, ...]
    """What of study.json cannot be used, one line each."""


def read_search(study: Study) -> Search | Unavailable | None:
    """The study's search; None for a grid; why it cannot be shown where that is so."""
    said = study.description
    if not study.is_search:
        return None
    metrics = _metrics(said.get("metrics"), said.get("directions"))
    if isinstance(metrics, str):
        return Unavailable(f"study.json is damaged: {metrics}, so trials cannot be compared")
    parameters, problems = _parameters(said.get("space"))
    fixed = said.get("fixed")
    return Search(
        space=_text(said["search"]),
        metrics=metrics,
        sampler=_text(said.get("sampler")),
        scheduler=_text(said.get("scheduler")).replace("none", ""),
        asked=whole_number(said.get("trials")),
        seeds=whole_number(said.get("seeds")),
        epochs=whole_number(said.get("epochs")),
        reference=_text(fixed.get("reference")) if isinstance(fixed, dict) else "",
        parameters=parameters,
        problems=tuple(f"study.json: {p}" for p in problems),
    )


def _metrics(names: object, directions: object) -> tuple[Metric, ...] | str:
    """The metrics, or what is wrong with them."""
    if not isinstance(names, list) or not names:
        return "it names no metric"
    known = {*columns(light=False), "seconds", "discriminator_loss", "generator_loss"}
    if unknown := [n for n in names if not isinstance(n, str) or n not in known]:
        return f"metric {unknown[0]!r} is no column of runs"
    if not isinstance(directions, list) or len(directions) != len(names) or len(set(names)) != len(names):
        return "its metrics and directions do not match"
    if unknown := [d for d in directions if d not in DIRECTIONS]:
        return f"direction {unknown[0]!r} is neither minimize nor maximize"
    return tuple(Metric(n, d == "maximize") for n, d in zip(names, directions, strict=True))


def _parameters(space: object) -> tuple[tuple[Parameter, ...], list[str]]:
    """The parameters that can be read, and a line on each other one."""
    if not isinstance(space, dict):
        return (), ["it has no space, so nothing can be said of parameters"]
    found, problems = [], []
    for name, said in space.items():
        try:
            found.append(_parameter(name, said))
        except Exception as error:  # whatever Optuna raises
            reason = str(error).partition("\n")[0] or type(error).__name__
            problems.append(f"parameter {name!r} cannot be read ({reason})")
    return tuple(found), problems


def _parameter(name: str, said: Any) -> Parameter:
    """One parameter; a ValueError, or whatever Optuna raises, where it is none."""
    from optuna.distributions import json_to_distribution  # a grid's report does without

    if name not in FIELDS and name.partition(".")[0] not in PARTS:
        raise ValueError("no field of a configuration, and no part's parameter")
    kind, attributes, when = said["name"], said["attributes"], said.get("when", {})
    if kind not in DISTRIBUTIONS:
        raise ValueError("no distribution")
    if not all(f in FIELDS and isinstance(values, list) for f, values in when.items()):
        raise ValueError("its condition is none")
    conditions = tuple((f, tuple(values)) for f, values in when.items())
    if kind == "CategoricalDistribution":
        choices = attributes["choices"]
        plain = isinstance(choices, list) and all(isinstance(c, str | int | float) or c is None for c in choices)
        if not plain or len(choices) > MOST_CHOICES or len(set(choices)) < len(choices):
            raise ValueError("its choices are none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a range that its step does not divide
        found: Any = json_to_distribution(json.dumps({"name": kind, "attributes": attributes}))
    if kind == "CategoricalDistribution":
        return Parameter(name, kind, choices=tuple(found.choices), when=conditions)
    low, high = float(found.low), float(found.high)
    if not math.isfinite(high - low):
        raise ValueError("its range is not finite")
    return Parameter(name, kind, low, high, bool(found.log), when=conditions)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
