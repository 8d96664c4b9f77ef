"""Cohorts in this process, one after another: for debuggers, profilers and machines without Ray."""

from collections.abc import Sequence

from study.design.cohorts import Cohort
from study.launch.progress import StudyProgress
from study.trials.task import Task
from study.trials.trial import train_cohort


def run_cohorts(cohorts: Sequence[Cohort], task: Task, progress: StudyProgress) -> None:
    """Train all cohorts; one that fails leaves its reason in the store and the others go on."""
    for cohort in cohorts:
        size = len(cohort.members)
        try:
            train_cohort(cohort, task, lambda _, rows: progress.epoch(len(rows)))
        except Exception as error:
            task.store.fail(cohort.members, task.fidelity, f"{type(error).__name__}: {error}")
            progress.finished(size, failed=True)
        else:
            progress.finished(size)
