"""Launch a search: Ray Tune runs the trials, OptunaSearch draws them, a scheduler may stop those that do badly."""

import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from optuna.trial import TrialState
from ray import tune
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, MedianStoppingRule, TrialScheduler
from ray.tune.search.optuna import OptunaSearch

from binarygan.plugins import load_plugins
from study.launch.progress import StudyProgress
from study.launch.trials import DIED, Watch, run_trials
from study.options import ClusterOptions, SearchOptions
from study.search.samplers import make_sampler
from study.search.search import Search, outcome, worst
from study.search.trials import CRASHED, MEMBERS, REASON, STATUS, Trials, close
from study.trials.task import Task

Train = Callable[..., None]
"""The type of `study.trials.trial.train_cohort`. A benchmark passes a function that trains nothing."""


def run_search(
    search: Search,
    trials: Trials,
    task: Task,
    progress: StudyProgress,
    *,
    count: int,
    asked: SearchOptions,
    resources: Mapping[str, float],
    clusters: ClusterOptions | None = None,
    train: Train | None = None,
) -> None:
    """Run trials with these resources each until `count` have ended, or the time budget is used up.

    Raises:
        KeyboardInterrupt: the command was interrupted. With the next one, trials go on from their last whole epoch.
    """
    before = len(trials.study.get_trials(deepcopy=False))
    searcher = _Searcher(search, trials, make_sampler(asked.sampler, asked.sampler_seed, before), task)
    start = time.monotonic()
    run_trials(
        tune.with_parameters(_trainable, search=search, task=task, train=train),
        Watch(lambda _: (search.seeds, search.epochs), progress),
        task.study,
        clusters or ClusterOptions(),
        resources,
        searcher=searcher,
        scheduler=_scheduler(asked.scheduler, search),
        num_samples=count,
        time_budget_s=asked.time_budget,
    )
    in_time = asked.time_budget is None or time.monotonic() - start < asked.time_budget
    if in_time and searcher.ended < count:  # after SIGINT, fit() returns as if all trials had ended
        raise KeyboardInterrupt


def _scheduler(name: str, search: Search) -> TrialScheduler:
    if name == "none":
        return FIFOScheduler()
    goal: dict[str, Any] = {"metric": search.metrics[0], "mode": "min" if search.directions[0] == "minimize" else "max"}
    if name == "median":
        return MedianStoppingRule(time_attr="epoch", grace_period=1, min_samples_required=5, **goal)
    return AsyncHyperBandScheduler(time_attr="epoch", max_t=search.epochs, grace_period=1, reduction_factor=2, **goal)


def _trainable(config: dict[str, Any], *, search: Search, task: Task, train: Train | None) -> None:
    """A trial; `config["params"]` are the drawn values. It raises nothing, since Ray would only try it again."""

    def report(epoch: int, rows: list[dict[str, Any]]) -> None:
        found = outcome(search.metrics, rows)
        said: dict[str, Any] = {"epoch": epoch}
        if found.reason:
            said |= {"doomed": 1, "reason": found.reason}
        values = found.values or ([worst(d) for d in search.directions] if found.reason else None)
        if values is not None:
            said |= dict(zip(search.metrics, values, strict=True))
        tune.report(said)

    if train is None:
        from study.trials.trial import train_cohort  # imports torch, which the driver never needs

        train = train_cohort
    try:
        load_plugins(task.plugins)  # the configurations of the cohort may name their parts
        train(search.cohort(config["params"]), task, report)
    except Exception as error:
        goals = zip(search.metrics, search.directions, strict=True)
        reason = f"{type(error).__name__}: {error}"
        tune.report({"epoch": 0, "crashed": reason, "doomed": 1, **{m: worst(d) for m, d in goals}})


class _Searcher(OptunaSearch):
    """OptunaSearch that also tells Optuna of early stops, of failures and why, and of the trials' members."""

    def __init__(self, search: Search, trials: Trials, sampler: Any, task: Task) -> None:
        modes = ["min" if d == "minimize" else "max" for d in search.directions]
        single = len(modes) == 1
        self._search, self._own_trials, self._task = search, trials, task
        self._asked: dict[str, Any] = {}
        self._running: dict[str, list[str]] = {}
        self._held: tuple[dict[str, Any], Any] | None = None
        self.ended = 0
        super().__init__(
            space=self._draw,
            metric=search.metrics[0] if single else list(search.metrics),
            mode=modes[0] if single else modes,
            sampler=sampler,
            storage=trials.storage,
            study_name=trials.study.study_name,
        )

    def _draw(self, trial: Any) -> dict[str, Any]:
        """Draw the trial's values. OptunaSearch records them, so that nothing need be returned."""
        self._search.draw(trial)
        self._latest = trial
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """What to train next. None if this configuration is in training: Tune asks again, when the store has it."""
        params, drawn = self._held or (super().suggest(trial_id) or {}, self._latest)
        members = [m.member_id for m in self._search.cohort(params).members]
        if members in self._running.values():
            self._held = params, drawn
            return None
        self._held, self._running[trial_id], self._asked[trial_id] = None, members, drawn
        drawn.set_user_attr(MEMBERS, members)
        return {"params": params, "number": drawn.number}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if not isinstance(self.metric, list) and result.get(self.metric) is not None and not result.get("doomed"):
            with warnings.catch_warnings():  # a trial that goes on reports its first epochs again
                warnings.simplefilter("ignore")
                self._asked[trial_id].report(result[self.metric], result["epoch"])

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self._running.pop(trial_id, None)
        if result is None and not error:
            return  # interrupted: the next command goes on with the trial
        trial, study = self._asked.pop(trial_id), self._own_trials.study
        self.ended += 1
        crashed = DIED if error else (result or {}).get("crashed")
        reason = crashed or (result or {}).get("reason")
        if reason:
            trial.set_user_attr(STATUS, CRASHED if crashed else "failed")
            trial.set_user_attr(REASON, reason)
            study.tell(trial.number, state=TrialState.FAIL)
        elif result and (result["epoch"] < self._search.epochs or result.get(self._search.metrics[0]) is None):
            self._asked[trial_id] = trial
            self.on_trial_result(trial_id, result)  # Tune does not pass on the report upon which it stops a trial
            del self._asked[trial_id]
            study.tell(trial.number, state=TrialState.PRUNED)
        elif result:
            study.tell(trial.number, values=[result[m] for m in self._search.metrics])
        close(self._own_trials, trial.number, self._task.store)

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: a search goes on from Optuna's storage."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing, for the same reason."""
