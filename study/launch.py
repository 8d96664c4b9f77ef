"""One Ray Tune trial a cohort. The only module that imports Ray; its state is disposable, the store is the truth."""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from binarygan.errors import UserError
from study.plan import Cohort
from study.progress import StudyProgress
from study.results import Store
from study.trial import Task, train_cohort

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")  # the new output prints a box even when it is told to be quiet

import ray
from ray import tune

CONNECT_SECONDS = 15


def run_cohorts(
    cohorts: Sequence[Cohort],
    task: Task,
    progress: StudyProgress,
    *,
    address: str | None = None,
    max_concurrent: int | None = None,
) -> None:
    """Train all cohorts as trials, each on one CPU core or one GPU; failures stay in the store."""
    if address:
        _check(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    else:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        resources: dict[str, float] = {"cpu": 1, "gpu": 1} if task.device == "cuda" else {"cpu": 1}
        if task.device == "cuda" and ray.cluster_resources().get("GPU", 0) < 1:
            raise UserError("the Ray cluster has no GPU; use --device cpu")
        watch = _Watch(cohorts, progress)
        with tempfile.TemporaryDirectory(prefix="tune-") as scratch:
            tune.Tuner(
                tune.with_resources(tune.with_parameters(_trainable, cohorts=list(cohorts), task=task), resources),
                param_space={"cohort": tune.grid_search(list(range(len(cohorts))))},
                tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=max_concurrent),
                run_config=tune.RunConfig(name=task.study, storage_path=scratch, verbose=0, callbacks=[watch]),
            ).fit()
    finally:
        ray.shutdown()
    store = Store(task.results, task.study)
    for place in watch.failed:
        store.mark_failed([m.member_id for m in cohorts[place].members], "its worker process died")
    if watch.ended < len(cohorts):  # after SIGINT, fit() returns as if all were well
        raise KeyboardInterrupt


def _trainable(config: dict[str, Any], *, cohorts: list[Cohort], task: Task) -> None:
    """A trial: `config["cohort"]` is the cohort's place in the list."""
    train_cohort(cohorts[config["cohort"]], task, lambda members: tune.report({"members": members}))


class _Watch(tune.Callback):
    """Passes on what trials report. A callback's exception would end the whole experiment: these raise none."""

    def __init__(self, cohorts: Sequence[Cohort], progress: StudyProgress) -> None:
        self._sizes = [len(c.members) for c in cohorts]
        self._progress = progress
        self.ended = 0
        self.failed: list[int] = []

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any) -> None:
        if "members" in result and not result.get("done"):
            self._progress.epoch(result["members"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self.ended += 1
        self._progress.finished(self._sizes[trial.config["cohort"]])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self.ended += 1
        self.failed.append(trial.config["cohort"])
        self._progress.finished(self._sizes[trial.config["cohort"]], failed=True)


def _check(address: str) -> None:
    """A UserError where no Ray cluster answers at `address`; asked of another process, since ray.init may hang."""
    code = f"import ray; ray.init(address={address!r}, log_to_driver=False)"
    try:
        outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=CONNECT_SECONDS)
        reached = outcome.returncode == 0
    except subprocess.TimeoutExpired:
        reached = False
    if not reached:
        raise UserError(f"no Ray cluster answers at --address {address}; start one with `ray start --head`")
