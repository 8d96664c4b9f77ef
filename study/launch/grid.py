"""A grid: one Ray Tune trial a cohort, first come, first served."""

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from ray import tune

from study.design.cohorts import Cohort
from study.launch.connection import RETRIES, connected, why
from study.launch.progress import StudyProgress
from study.store.store import Store
from study.trials.task import Task


def run_cohorts(
    cohorts: Sequence[Cohort],
    task: Task,
    progress: StudyProgress,
    *,
    resources: Mapping[str, float],
    address: str | None = None,
    max_concurrent: int | None = None,
) -> None:
    """Train all cohorts as trials with these resources each; failures stay in the store."""
    watch = _Watch(cohorts, progress)
    with connected(address, resources), tempfile.TemporaryDirectory(prefix="tune-") as scratch:
        results = tune.Tuner(
            tune.with_resources(tune.with_parameters(_trainable, cohorts=list(cohorts), task=task), dict(resources)),
            param_space={"cohort": tune.grid_search(list(range(len(cohorts))))},
            tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=max_concurrent),
            run_config=tune.RunConfig(
                name=task.study,
                storage_path=scratch,
                verbose=0,
                callbacks=[watch],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
            ),
        ).fit()
    store = Store(task.results, task.study)
    deaths = {i: why(results[i].error) for i in range(len(results))}  # in the order of the cohorts
    for place, reason in watch.failed.items():  # where the trial itself could not say so
        store.fail(cohorts[place].members, task.fidelity, reason + deaths.get(place, ""))
    if watch.ended < len(cohorts):  # after SIGINT, fit() returns as if all were well
        raise KeyboardInterrupt


def _trainable(config: dict[str, Any], *, cohorts: list[Cohort], task: Task) -> None:
    """A trial: `config["cohort"]` is the cohort's place in the list. What it raises Ray would only try again."""
    from study.trials.trial import train_cohort  # and with it torch, which the driver never needs

    try:
        train_cohort(cohorts[config["cohort"]], task, lambda epoch, _: tune.report({"epoch": epoch}))
    except Exception as error:
        tune.report({"failed": f"{type(error).__name__}: {error}"})


class _Watch(tune.Callback):
    """Passes on what trials report. A callback's exception would end the whole experiment: these raise none."""

    def __init__(self, cohorts: Sequence[Cohort], progress: StudyProgress) -> None:
        self._sizes = [len(c.members) for c in cohorts]
        self._progress = progress
        self._epochs = [0] * len(cohorts)
        self.ended = 0
        self.failed: dict[int, str] = {}

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any) -> None:
        place = trial.config["cohort"]
        if "failed" in result:
            self.failed[place] = result["failed"]
        elif result.get("epoch", 0) > self._epochs[place]:  # one that was started again reports its first epochs again
            self._epochs[place] = result["epoch"]
            self._progress.epoch(self._sizes[place])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self.ended += 1
        place = trial.config["cohort"]
        self._progress.finished(self._sizes[place], failed=place in self.failed)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self.ended += 1
        place = trial.config["cohort"]
        self.failed[place] = f"its worker process died {RETRIES + 1} times"
        self._progress.finished(self._sizes[place], failed=True)
