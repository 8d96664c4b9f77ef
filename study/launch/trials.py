"""Trials in Ray Tune, of a grid or of a search: how they are run, and what is counted of their reports."""

import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from ray import tune

from study.launch.connection import RETRIES, connected, slots
from study.launch.progress import StudyProgress
from study.options import ClusterOptions

DIED = f"its worker process died {RETRIES + 1} times"


class Watch(tune.Callback):
    """Counts what trials report. Its methods raise nothing: an exception would end the whole experiment.

    Args:
        members: gets a trial's configuration; says how many members it has, and how many epochs each.
    """

    def __init__(self, members: Callable[[dict[str, Any]], tuple[int, int]], progress: StudyProgress) -> None:
        self._members, self._progress = members, progress
        self._seen: dict[str, int] = {}
        self.ended = 0

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any) -> None:
        # a trial that was started again reports its first epochs again
        if result.get("epoch", 0) > self._seen.get(trial.trial_id, 0):
            self._seen[trial.trial_id] = result["epoch"]
            self._progress.epoch(self._members(trial.config)[0])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self.ended += 1
        (members, epochs), last = self._members(trial.config), trial.last_result or {}
        skipped = members * (epochs - self._seen.get(trial.trial_id, 0))
        self._progress.finished(members, failed=bool(last.get("doomed")), skipped=skipped)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self.ended += 1
        self._progress.finished(self._members(trial.config)[0], failed=True)


def run_trials(
    trainable: Callable[..., None],
    watch: Watch,
    name: str,
    asked: ClusterOptions,
    resources: Mapping[str, float],
    *,
    searcher: Any = None,
    param_space: dict[str, Any] | None = None,
    **config: Any,
) -> tune.ResultGrid:
    """Run trials that reserve these resources each; a trial whose report says `doomed` ends with it.

    Args:
        searcher: what draws the trials, unless `param_space` lists them.
        config: more of Tune's `TuneConfig`.
    """
    with connected(asked.address, resources), tempfile.TemporaryDirectory(prefix="tune-") as scratch:
        # without a limit Tune would run one of a searcher's trials at a time
        most = asked.max_concurrent or (slots(resources) if searcher else None)
        return tune.Tuner(
            tune.with_resources(trainable, dict(resources)),
            param_space=param_space,
            tune_config=tune.TuneConfig(search_alg=searcher, max_concurrent_trials=most, reuse_actors=True, **config),
            run_config=tune.RunConfig(
                name=name,
                storage_path=scratch,
                verbose=0,
                callbacks=[watch],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                stop={"doomed": 1},
            ),
        ).fit()
