"""The trials of a search, as Optuna's storage has them; what becomes of them after a crash; warm starts."""

import dataclasses
import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.study._multi_objective import _get_pareto_front_trials_by_trials
from optuna.trial import FrozenTrial, TrialState, create_trial

from binarygan.errors import UserError
from binarygan.io.files import AnyPath
from study.search.search import Search, outcome
from study.search.storage import existing_database, first_line, storage_of
from study.store.schemas import FINISHED, STOPPED
from study.store.store import JOURNAL, Store, config_of

DECLARED, STATUS, REASON, MEMBERS, SOURCE = "binarygan", "status", "reason", "members", "warm start from"
"""Names of attributes in Optuna's storage; its dashboard shows them."""
AGAIN = "again, of trial"
CRASHED = "crashed"
"""Status of a trial whose worker died or whose code failed. It is tried again, as a trial of another number."""


@dataclass(frozen=True)
class Counts:
    """How many trials of a search ended in which way, without its warm starts."""

    complete: int = 0
    stopped: int = 0
    failed: int = 0
    running: int = 0

    @property
    def settled(self) -> int:
        """How many trials are not to be tried again."""
        return self.complete + self.stopped + self.failed


class Trials:
    """The trials of one search.

    Args:
        existing: only look at trials that are there; write nothing.

    Raises:
        UserError: the storage holds another search under this name, or cannot be used.
        KeyError: there are no trials, where only existing ones were asked for.
    """

    def __init__(
        self, storage: optuna.storages.BaseStorage, name: str, search: Search, *, existing: bool = False
    ) -> None:
        self.search = search
        try:
            if existing:
                self.study = optuna.load_study(storage=storage, study_name=name)
            else:
                self.study = optuna.create_study(
                    storage=storage, study_name=name, load_if_exists=True, directions=search.directions
                )
            self._agree(declare=not existing)
        except (UserError, KeyError):
            raise
        except Exception as error:
            raise UserError(f"Optuna's storage of {name} cannot be used: {first_line(error)}") from None

    @property
    def storage(self) -> optuna.storages.BaseStorage:
        """Optuna's storage of the trials."""
        return self.study._storage

    def _agree(self, *, declare: bool) -> None:
        known, name = self.study.user_attrs.get(DECLARED), self.study.study_name
        if known is None and self.study.trials:
            raise UserError(f"the Optuna study {name!r} is not of this program: choose another --study NAME")
        if known is None and declare:
            self.study.set_user_attr(DECLARED, self.search.declaration())
        elif known is not None and (unlike := self.search.unlike(known)):
            raise UserError(f"the Optuna study {name!r} is another search's ({unlike}); choose another --study NAME")

    def settle(self) -> int:
        """Queue trials that a killed command left running, and, under new numbers, trials that crashed; how many.

        Only the command that holds the study's lock may call this.
        """
        trials = self.study.get_trials(deepcopy=False)
        again = {t.user_attrs[AGAIN] for t in trials if AGAIN in t.user_attrs}
        running = [t for t in trials if t.state == TrialState.RUNNING]
        for trial in running:
            self.storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
        crashed = [t for t in trials if t.user_attrs.get(STATUS) == CRASHED and t.number not in again]
        for trial in crashed:
            self.study.enqueue_trial(trial.params, user_attrs={AGAIN: trial.number})
        return len(running) + len(crashed)

    def counts(self) -> Counts:
        """How many trials ended in which way by now."""
        kinds = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "stopped", TrialState.FAIL: "failed"}
        settled = [t for t in self.own() if t.user_attrs.get(STATUS) != CRASHED]
        return Counts(**Counter(kinds.get(trial.state, "running") for trial in settled))

    def own(self) -> list[FrozenTrial]:
        """All trials but the warm starts."""
        return [t for t in self.study.get_trials(deepcopy=False) if SOURCE not in t.user_attrs]

    def best(self) -> list[FrozenTrial]:
        """The best complete trial of this search, or, with several goals, the front; empty if none is complete."""
        complete = [t for t in self.own() if t.state == TrialState.COMPLETE]
        if not complete:
            return []
        if len(self.search.metrics) > 1:
            return _get_pareto_front_trials_by_trials(complete, self.study.directions)
        pick = min if self.search.directions == ["minimize"] else max
        return [pick(complete, key=lambda t: t.values[0])]

    def warm_start(self, store: Store) -> tuple[int, int]:
        """Enter the finished configurations of another study as complete trials, each once.

        Only configurations of this space count: the fields that the search does not draw must be equal.

        Returns:
            How many were entered, and how many are none of this space.
        """
        before = {t.user_attrs.get(SOURCE) for t in self.study.get_trials(deepcopy=False)}
        cells: dict[str, list[dict[str, Any]]] = {}
        for row in store.statuses().values():
            cells.setdefault(row["cell_id"], []).append(row)
        taken = others = 0
        for cell_id, rows in sorted(cells.items()):
            source = f"{store.folder}/{cell_id}"
            if source in before:
                continue
            trial = self._evaluated(rows, source)
            if trial is None:
                others += 1
            else:
                self.study.add_trial(trial)
                taken += 1
        return taken, others

    def _evaluated(self, rows: list[dict[str, Any]], source: str) -> FrozenTrial | None:
        ended = [r for r in rows if r["status"] in FINISHED]
        values = outcome(self.search.metrics, ended).values if ended else None
        try:
            config = dataclasses.replace(config_of(rows[0]), seed=0)
            params = self.search.space.params_of(config)
            same = params is not None and self.search.cohort(params).members[0] == config
        except (UserError, KeyError, ValueError):
            return None
        if not same or params is None or values is None:
            return None
        known = {p.name: p.distribution for p in self.search.space.parameters}
        return create_trial(
            params=params,
            distributions={name: known[name] for name in params},
            values=list(values),
            user_attrs={SOURCE: source, MEMBERS: [r["member_id"] for r in ended]},
        )


def existing_trials(url: str | None, folder: AnyPath, name: str, search: Search) -> Trials | None:
    """The search's trials, or None if there are none; nothing is written, no database is made.

    Raises:
        UserError: as `Trials`.
    """
    if url is None:
        storage = storage_of(None, folder) if (folder / JOURNAL).exists() else None
    else:
        storage = existing_database(url)
    try:
        return Trials(storage, name, search, existing=True) if storage else None
    except KeyError:
        return None


def close(trials: Trials, number: int, store: Store) -> None:
    """Enter into the rows of a trial's members that still say `running` how the trial ended."""
    trial = trials.study.get_trials(deepcopy=False)[number]
    ids = trial.user_attrs.get(MEMBERS, [])
    if trial.state == TrialState.PRUNED:
        store.end(ids, STOPPED, f"stopped early by the search's scheduler after epoch {trial.last_step}")
    elif trial.state == TrialState.FAIL:
        reason = trial.user_attrs.get(REASON, "")
        crashed = trial.user_attrs.get(STATUS) == CRASHED
        store.end(ids, "failed" if crashed else STOPPED, reason if crashed else f"its trial ended: {reason}")
        if crashed:
            return  # the trial is tried again, from its checkpoint
    else:
        return
    from binarygan.io.tensor_files import UnreadableFileError
    from binarygan.training import checkpoints

    members = trials.search.cohort(trial.params)
    try:
        checkpoints.keep_generators(store.checkpoints(members.cohort_id))
    except (checkpoints.DamagedCheckpointError, UnreadableFileError) as error:
        logging.getLogger(__name__).warning("no generator is kept of trial %d: %s", number, error)
