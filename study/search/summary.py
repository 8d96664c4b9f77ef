"""What a search says before and after: its plan, its best trials, and those that gave no value."""

import argparse
import shlex
from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial

from binarygan.data.images import Images
from study.search.declarations import words
from study.search.search import Search
from study.search.trials import CRASHED, MEMBERS, REASON, STATUS, Trials, existing_trials
from study.store.store import Store

SHOWN = 5
"""Of a front."""
SAMPLED = 8
"""Trials drawn at random from the space to estimate its cost."""


def show_search_plan(store: Store, search: Search, arguments: argparse.Namespace, data: Images, device: str) -> None:
    """Print what would run, what is settled, and what the rest costs; writes nothing."""
    import optuna

    from study.commands.summary import costs_line

    trials = existing_trials(arguments.storage, store.folder, store.study, search)
    settled = trials.counts().settled if trials else 0
    left = max(0, arguments.trials - settled)
    print(
        f"{store.study}: {arguments.trials} trials of {search.seeds} members, {search.epochs} epochs, "
        f"{settled} settled, {left} to run on {device}; goal: {', '.join(_goals(search))}"
    )
    for name, declared in search.space.to_dict().items():
        print(f"  {name:20}{words(declared)}")
    if not left:
        return
    drawn = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    cohorts = [search.cohort(_params(drawn.ask(), search)) for _ in range(min(SAMPLED, left))]
    line = costs_line(cohorts, data, device, arguments.max_concurrent, times=left / len(cohorts), trials=left)
    stops = ", less what the scheduler stops" if (arguments.scheduler or "none") != "none" else ""
    print(f"{line} (from {len(cohorts)} trials drawn at random{stops})")


def summarize_search(trials: Trials, store: Store, *, wanted: int, again: Sequence[str]) -> int:
    """Print how the trials ended and the best; the exit status: 1 where some gave no value or are still to run.

    Args:
        wanted: how many trials were asked for.
        again: the options with which a member of this search is found and trained again.
    """
    counts = trials.counts()
    open_ = max(0, wanted - counts.settled)
    print(
        f"{store.folder}: {counts.complete} trials complete, {counts.stopped} stopped early, {counts.failed} failed"
        + (f", {open_} not run: the same command goes on" if open_ else "")
    )
    for trial in trials.own():
        if REASON in trial.user_attrs and trial.user_attrs.get(STATUS) != CRASHED:
            print(f"  trial {trial.number}: failed: {trial.user_attrs[REASON]}")
    crashed = [t for t in trials.own() if t.user_attrs.get(STATUS) == CRASHED] if open_ else []
    for trial in crashed:
        print(f"  trial {trial.number}: crashed, to be run again: {trial.user_attrs[REASON]}")
    best = trials.best()
    for trial in best[:SHOWN]:
        print(f"best: {_described(trial, trials.search)}")
    if len(best) > SHOWN:
        print(f"  … and {len(best) - SHOWN} more on the front")
    if best:
        command = ["python", "study/run.py", "--retrain", best[0].user_attrs[MEMBERS][0], "--seeds", "10"]
        print(f"next: {shlex.join([*command, *again])}")
    print(f"next: python -m analysis report {store.folder}")
    return 1 if counts.failed or open_ else 0


def _described(trial: FrozenTrial, search: Search) -> str:
    values = ", ".join(f"{m} {v:.4g}" for m, v in zip(search.metrics, trial.values, strict=True))
    params = ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in trial.params.items())
    return f"trial {trial.number}: {values}: {params}; members {', '.join(trial.user_attrs[MEMBERS])}"


def _goals(search: Search) -> list[str]:
    return [f"{m} {d}d" for m, d in zip(search.metrics, search.directions, strict=True)]


def _params(trial: Any, search: Search) -> dict[str, Any]:
    search.draw(trial)
    return dict(trial.params)
