"""Launch a grid: one Ray Tune trial a cohort, in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from ray import tune

from study.design.cohorts import Cohort
from study.launch.connection import why
from study.launch.progress import StudyProgress
from study.launch.trials import DIED, Watch, run_trials
from study.options import ClusterOptions
from study.trials.task import Task


def run_cohorts(
    cohorts: Sequence[Cohort],
    task: Task,
    progress: StudyProgress,
    *,
    asked: ClusterOptions,
    resources: Mapping[str, float],
) -> None:
    """Train each cohort as a trial that reserves these resources. A failure becomes a row in the store.

    Raises:
        KeyboardInterrupt: the command was interrupted.
    """

    def size(config: dict[str, Any]) -> tuple[int, int]:
        members = cohorts[config["cohort"]].members
        return len(members), members[0].epochs

    watch = Watch(size, progress)
    trainable = tune.with_parameters(_trainable, cohorts=list(cohorts), task=task)
    indices = {"cohort": tune.grid_search(list(range(len(cohorts))))}
    results = run_trials(trainable, watch, task.study, asked, resources, param_space=indices)
    for i in range(len(results)):  # they have the order of the cohorts
        error, last = results[i].error, results[i].metrics or {}
        if reason := DIED + why(error) if error else last.get("reason"):  # the trial may not have been able to say so
            task.store.fail(cohorts[i].members, task.fidelity, reason)
    if watch.ended < len(cohorts):  # after SIGINT, fit() returns as if all trials had ended
        raise KeyboardInterrupt


def _trainable(config: dict[str, Any], *, cohorts: list[Cohort], task: Task) -> None:
    """A trial; `config["cohort"]` is the index of its cohort. It raises nothing, since Ray would only try it again."""
    from study.trials.trial import train_cohort  # imports torch, which the driver never needs

    try:
        train_cohort(cohorts[config["cohort"]], task, lambda epoch, _: tune.report({"epoch": epoch}))
    except Exception as error:
        tune.report({"doomed": 1, "reason": f"{type(error).__name__}: {error}"})
