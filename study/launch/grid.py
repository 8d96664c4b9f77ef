"""Launch a grid: one Ray Tune trial a cohort, in order."""

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
    """Train each cohort as a trial that reserves these resources. A failure becomes a row in the store.

    Raises:
        KeyboardInterrupt: the command was interrupted.
    """
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
    deaths = {i: why(results[i].error) for i in range(len(results))}  # results have the order of the cohorts
    for i, reason in watch.failed.items():  # the trial itself may not have been able to say so
        store.fail(cohorts[i].members, task.fidelity, reason + deaths.get(i, ""))
    if watch.ended < len(cohorts):  # after SIGINT, fit() returns as if all trials had ended
        raise KeyboardInterrupt


def _trainable(config: dict[str, Any], *, cohorts: list[Cohort], task: Task) -> None:
    """A trial; `config["cohort"]` is the index of its cohort. It raises nothing, since Ray would only try it again."""
    from study.trials.trial import train_cohort  # imports torch, which the driver never needs

    try:
        train_cohort(cohorts[config["cohort"]], task, lambda epoch, _: tune.report({"epoch": epoch}))
    except Exception as error:
        tune.report({"failed": f"{type(error).__name__}: {error}"})


class _Watch(tune.Callback):
    """Counts what trials report. Its methods raise nothing: an exception would end the whole experiment."""

    def __init__(self, cohorts: Sequence[Cohort], progress: StudyProgress) -> None:
        self._sizes = [len(c.members) for c in cohorts]
        self._progress = progress
        self._epochs = [0] * len(cohorts)
        self.ended = 0
        self.failed: dict[int, str] = {}

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any) -> None:
        i = trial.config["cohort"]
        if "failed" in result:
            self.failed[i] = result["failed"]
        elif result.get("epoch", 0) > self._epochs[i]:  # a trial that was started again reports its first epochs again
            self._epochs[i] = result["epoch"]
            self._progress.epoch(self._sizes[i])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self.ended += 1
        i = trial.config["cohort"]
        self._progress.finished(self._sizes[i], failed=i in self.failed)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self.ended += 1
        i = trial.config["cohort"]
        self.failed[i] = f"its worker process died {RETRIES + 1} times"
        self._progress.finished(self._sizes[i], failed=True)
