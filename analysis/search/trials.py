"""The trials of a search, from the rows of their runs."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from analysis import labels
from analysis.results.command import data_of, surroundings
from analysis.results.study import Study
from analysis.search.search import FIELDS, Parameter, Search, read_search
from analysis.statistics.summaries import Summary, Unavailable, summarize

STATES = {"complete": "complete", "stopped": "stopped early", "failed": "failed", "unfinished": "unfinished"}
"""Of a trial, and what sentences call it."""
LOST = ("failed", "diverged")


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """One trial: the runs of a cell."""

    number: int
    """In the order in which trials started, from 0."""
    cell_id: str
    state: str
    """One of `STATES`."""
    params: Mapping[str, Any]
    """The values drawn, of parameters that its cell has a use for."""
    seeds: tuple[tuple[float, ...], ...]
    """A metric each: its runs' numbers in order of seed, as far as they have one."""
    member_ids: tuple[str, ...]
    """By seed."""
    epochs_done: float
    seconds: float
    """All runs' together."""
    reason: str
    """Why it is not complete; empty where it is."""

    def value(self, metric: int = 0) -> float:
        """The mean over its runs; of one that is not complete as it stood at its end. NaN where it has none."""
        known = self.seeds[metric]
        return math.fsum(known) / len(known) if known else math.nan

    def summary(self, metric: int = 0) -> Summary:
        """The metric over its runs."""
        return summarize(self.seeds[metric])


@dataclass(frozen=True, eq=False)
class Trials:
    """All trials of a search, in order."""

    search: Search
    all: tuple[Trial, ...]
    data: str
    """As `--data` names them."""
    surroundings: tuple[str, ...] = ()
    """Options with which a command finds the study's runs again."""

    @cached_property
    def complete(self) -> tuple[Trial, ...]:
        """Those whose runs are all done."""
        return self.of("complete")

    def of(self, state: str) -> tuple[Trial, ...]:
        """Those in a state, in order."""
        return tuple(t for t in self.all if t.state == state)

    @property
    def counts(self) -> dict[str, int]:
        """Trials by state, states that none is in left out."""
        found = Counter(t.state for t in self.all)
        return {state: found[state] for state in STATES if found[state]}

    @cached_property
    def values(self) -> np.ndarray:
        """(complete, metrics), lower is better."""
        signs = [m.sign for m in self.search.metrics]
        rows = [[s * t.value(i) for i, s in enumerate(signs)] for t in self.complete]
        return np.array(rows, dtype=float).reshape(len(rows), len(signs))

    @cached_property
    def front(self) -> frozenset[int]:
        """Numbers of the complete trials that none beats in every metric; with one metric the best."""
        on_it = front(self.values)
        return frozenset(t.number for t, on in zip(self.complete, on_it, strict=True) if on)

    @cached_property
    def ranked(self) -> tuple[Trial, ...]:
        """The complete ones, those on the front first, then by the first metric, the best first."""
        first = self.search.metrics[0].sign
        return tuple(sorted(self.complete, key=lambda t: (t.number not in self.front, first * t.value(), t.number)))

    @cached_property
    def best_first(self) -> tuple[Trial, ...]:
        """All: the complete ones as ranked, then the others in order."""
        return (*self.ranked, *(t for t in self.all if t.state != "complete"))

    def best(self, metric: int = 0) -> Trial:
        """The complete trial with the best value of a metric; there must be one."""
        sign = self.search.metrics[metric].sign
        return min(self.complete, key=lambda t: (sign * t.value(metric), t.number))

    @property
    def varied(self) -> tuple[Parameter, ...]:
        """The parameters that some trial has and that have more than one value to draw."""
        return tuple(p for p in self.search.parameters if not p.single and any(p.name in t.params for t in self.all))


@lru_cache(maxsize=8)
def trials_of(study: Study) -> Trials | Unavailable | None:
    """The study's trials; None for a grid; why they cannot be shown where that is so."""
    search = read_search(study)
    if not isinstance(search, Search):
        return search
    names = [m.name for m in search.metrics]
    rest = ["cell_id", "member_id", "seed", "status", "error", "epochs", "epochs_done", "seconds", "started_at"]
    members = study.members[list(dict.fromkeys([*rest, *sorted(FIELDS), *names]))]
    seeds = members["seed"]  # more seeds of a cell, trained afterwards, are not the search's own
    members = members[members["cell_id"].notna() & (seeds < search.seeds if search.seeds else seeds.notna())]
    started = pd.to_datetime(members["started_at"], utc=True, errors="coerce")
    members = members.assign(first=started.groupby(members["cell_id"]).transform("min"))
    rows: dict[str, list[dict[Any, Any]]] = {}
    for row in members.sort_values(["first", "cell_id", "seed"], kind="stable").to_dict("records"):
        rows.setdefault(row["cell_id"], []).append(row)
    found = tuple(_trial(number, own, search) for number, own in enumerate(rows.values()))
    return Trials(search, found, data_of(study.description, study.members), tuple(surroundings(study)))


def _trial(number: int, rows: list[dict[Any, Any]], search: Search) -> Trial:
    seeds = tuple(tuple(_finite(row[m.name] for row in rows)) for m in search.metrics)
    state, reason = _state(rows, search)
    for metric, known in zip(search.metrics, seeds, strict=True):
        if state == "complete" and len(known) < len(rows):
            state, reason = "failed", f"{metric.label} is not a finite number"
    first = rows[0] | labels.parameters(rows[0]["part_parameters"])
    values = {p.name: p.read(first) for p in search.parameters}
    return Trial(
        number=number,
        cell_id=str(rows[0]["cell_id"]),
        state=state,
        params={name: value for name, value in values.items() if value is not None},
        seeds=seeds,
        member_ids=tuple(str(row["member_id"]) for row in rows),
        epochs_done=max(_finite(row["epochs_done"] for row in rows), default=0.0),
        seconds=math.fsum(_finite(row["seconds"] for row in rows)),
        reason=reason,
    )


def _state(rows: list[dict[Any, Any]], search: Search) -> tuple[str, str]:
    """A trial's state and why: one run lost is enough to fail it, one stopped to stop it."""
    for state, statuses in (("failed", LOST), ("stopped", ("stopped",))):
        if those := [row for row in rows if row["status"] in statuses]:
            error = those[0]["error"]
            who = f"{len(those)} of {len(rows)} runs" if len(rows) > 1 else "its run"
            return state, f"{who} {those[0]['status']}: {error if isinstance(error, str) else 'no reason given'}"
    done = sum(row["status"] == "done" for row in rows)
    if done < len(rows) or (search.seeds is not None and done < search.seeds):
        return "unfinished", f"{done} of {search.seeds or len(rows)} runs done"
    return "complete", ""


def _finite(values: Any) -> list[float]:
    """Those that are finite numbers."""
    return [float(v) for v in values if isinstance(v, int | float | np.number) and math.isfinite(v)]


def described(trial: Trial, trials: Trials) -> str:
    """Its drawn values in a sentence: `learning rate 0.0003, batch size 64`."""
    shown = [p for p in trials.varied if p.name in trial.params]
    return ", ".join(f"{p.label} {labels.choice(p.name, trial.params[p.name])}" for p in shown) or "no parameters"


def front(values: np.ndarray) -> np.ndarray:
    """(n,) of bool for `values` (n, metrics), lower is better: rows that none is as good as in all and better in one.

    >>> front(np.array([[1.0, 5.0], [2.0, 2.0], [3.0, 3.0], [2.0, 2.0]])).tolist()
    [True, True, False, True]
    """
    beaten = [bool(((values <= row).all(axis=1) & (values < row).any(axis=1)).any()) for row in values]
    return ~np.array(beaten, dtype=bool)


def trials_to_draw(study: Study) -> Trials | None:
    """The trials to draw; None for a grid, or where study.json does not allow it."""
    trials = trials_of(study)
    return trials if isinstance(trials, Trials) and trials.all else None
