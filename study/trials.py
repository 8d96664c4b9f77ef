"""A search's trials in Optuna's storage: opened, agreed upon, settled after a crash, warmed up from other studies."""

import json
import logging
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.files import Place
from study.results import Store
from study.schemas import STOPPED
from study.search import Search, outcome

JOURNAL = "optuna-journal.log"
DECLARED, STATUS, REASON, MEMBERS, SOURCE = "binarygan", "status", "reason", "members", "warm start from"
"""Names of the attributes that stand in Optuna's storage, where its dashboard shows them."""
AGAIN = "again, of trial"
CRASHED = "crashed"
"""Status of a trial whose worker died or whose code failed: it is tried again under a new number."""

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@dataclass(frozen=True)
class Counts:
    """How many trials of a search ended in which way; warm starts are none of them."""

    complete: int = 0
    stopped: int = 0
    failed: int = 0
    running: int = 0

    @property
    def settled(self) -> int:
        """Those that are not to be tried again."""
        return self.complete + self.stopped + self.failed


def storage_of(url: str | None, folder: Place, *, mend: bool = False) -> optuna.storages.BaseStorage:
    """The journal file in the study's folder, or the storage that `url` names.

    Args:
        mend: cut off what a power cut left at the journal's end; for the run that holds the study's lock.

    Raises:
        UserError: it cannot be opened or read.
    """
    if url is None:
        if not isinstance(folder, Path):
            raise UserError(f"a search with its results in {folder} needs --storage URL of a database for its trials")
        return _journal(folder / JOURNAL, mend)
    try:
        return optuna.storages.get_storage(url)
    except Exception as error:  # SQLAlchemy and drivers raise what they like
        raise UserError(f"--storage {_shown(url)} cannot be opened: {_first_line(error)}") from None


def _journal(path: Path, mend: bool) -> optuna.storages.BaseStorage:
    try:
        if mend and path.exists():
            _cut_off_torn_end(path)
        return optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None
    except Exception as error:
        raise UserError(f"{path} is damaged ({_first_line(error)}): move it away or choose --study NAME") from None


def _cut_off_torn_end(path: Path) -> None:
    """A power cut can leave the beginning of a line, after which Optuna could read nothing more."""
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)


class Trials:
    """The trials of one search.

    Raises:
        UserError: the storage holds another search under this name, or cannot be used.
    """

    def __init__(self, storage: optuna.storages.BaseStorage, name: str, search: Search) -> None:
        self.search = search
        try:
            self.study = optuna.create_study(
                storage=storage, study_name=name, load_if_exists=True, directions=search.directions
            )
            self._agree()
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"Optuna's storage of {name} cannot be used: {_first_line(error)}") from None

    @property
    def storage(self) -> optuna.storages.BaseStorage:
        """Where they are kept."""
        return self.study._storage

    def _agree(self) -> None:
        wanted = json.loads(json.dumps(self.search.declaration()))
        known = self.study.user_attrs.get(DECLARED)
        if known is None and self.study.trials:
            raise UserError(
                f"the Optuna study {self.study.study_name!r} is not of this program: choose another --study NAME"
            )
        if known is None:
            self.study.set_user_attr(DECLARED, wanted)
        elif known != wanted:
            raise UserError(
                f"the Optuna study {self.study.study_name!r} is another search's ({differences(known, wanted)}); "
                "choose another --study NAME"
            )

    def settle(self) -> int:
        """Put back what a killed run left running, under its number, and what crashed, under a new one; how many.

        Only for the run that holds the study's lock.
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
        """As they stand."""
        found = {"complete": 0, "stopped": 0, "failed": 0, "running": 0}
        for trial in self.own():
            if trial.user_attrs.get(STATUS) == CRASHED:
                continue
            state = trial.state
            kind = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "stopped", TrialState.FAIL: "failed"}
            found[kind.get(state, "running")] += 1
        return Counts(**found)

    def own(self) -> list[FrozenTrial]:
        """All but the warm starts."""
        return [t for t in self.study.get_trials(deepcopy=False) if SOURCE not in t.user_attrs]

    def best(self) -> list[FrozenTrial]:
        """The best complete one of this search, or the front where there are several goals."""
        complete = [t for t in self.own() if t.state == TrialState.COMPLETE]
        if not complete:
            return []
        if len(self.search.metrics) > 1:
            return [t for t in self.study.best_trials if SOURCE not in t.user_attrs]
        pick = min if self.search.directions == ["minimize"] else max
        return [pick(complete, key=lambda t: t.values[0])]

    def warm_start(self, store: Store) -> tuple[int, int]:
        """Enter the finished cells of another study that this space holds, once; how many, and how many others.

        A cell is one of the space's where all that the search does not draw is the same.
        """
        before = {t.user_attrs.get(SOURCE) for t in self.study.get_trials(deepcopy=False)}
        cells: dict[str, list[dict[str, Any]]] = {}
        for row in store.statuses().values():
            cells.setdefault(row["cell_id"], []).append(row)
        taken = others = 0
        for cell_id, rows in sorted(cells.items()):
            place = f"{store.study}/{cell_id}"
            if place in before:
                continue
            trial = self._evaluated(rows, place)
            if trial is None:
                others += 1
            else:
                self.study.add_trial(trial)
                taken += 1
        return taken, others

    def _evaluated(self, rows: list[dict[str, Any]], place: str) -> FrozenTrial | None:
        done = [r for r in rows if r["status"] == "done"]
        values = outcome(self.search.metrics, done).values if done else None
        try:
            config = MemberConfig.from_dict({k: rows[0][k] for k in MemberConfig.__dataclass_fields__} | {"seed": 0})
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
            user_attrs={SOURCE: place, MEMBERS: [r["member_id"] for r in done]},
        )


def close(trials: Trials, number: int, store: Store) -> None:
    """Let the store's members of a trial say how it ended, where they were cut off with it."""
    trial = trials.study.get_trials(deepcopy=False)[number]
    ids = trial.user_attrs.get(MEMBERS, [])
    if trial.state == TrialState.PRUNED:
        store.end(ids, STOPPED, f"stopped early by the search's scheduler after epoch {trial.last_step}")
    elif trial.state == TrialState.FAIL:
        reason = trial.user_attrs.get(REASON, "")
        crashed = trial.user_attrs.get(STATUS) == CRASHED
        store.end(ids, "failed" if crashed else STOPPED, reason if crashed else f"its trial ended: {reason}")
        if crashed:
            return  # it may be gone on with
    else:
        return
    from binarygan import checkpoints

    members = trials.search.cohort(trial.params)
    try:
        checkpoints.keep_generators(store.checkpoints(members.cohort_id))
    except checkpoints.DamagedCheckpointError as error:
        logging.getLogger(__name__).warning("no generator is kept of trial %d: %s", number, error)


def differences(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """What two declarations have unlike, in words: the parameter first where a space differs."""
    parts = []
    for key in sorted({*known, *wanted} - {"space", "fixed"}):
        if known.get(key) != wanted.get(key):
            parts.append(f"{key}: {words(known.get(key))} there, {words(wanted.get(key))} asked")
    for part in ("space", "fixed"):
        before, now = known.get(part) or {}, wanted.get(part) or {}
        for name in sorted({*before, *now}):
            if before.get(name) != now.get(name):
                parts.append(f"{name}: {words(before.get(name))} there, {words(now.get(name))} asked")
    return "; ".join(parts[:4]) + (" …" if len(parts) > 4 else "")


def words(value: Any) -> str:
    """A declared value in a few words."""
    if not isinstance(value, dict) or "attributes" not in value:
        return "nothing" if value is None else "/".join(map(str, value)) if isinstance(value, list) else str(value)
    attributes = value["attributes"]
    if "choices" in attributes:
        text = "/".join(map(str, attributes["choices"]))
    else:
        text = f"{attributes['low']:g} to {attributes['high']:g}{' log' if attributes.get('log') else ''}"
    conditions: Iterable[tuple[str, Any]] = (value.get("when") or {}).items()
    return text + "".join(f" where {k} is {'/'.join(map(str, v))}" for k, v in conditions)


def _shown(url: str) -> str:
    """A URL without its password."""
    head, found, rest = url.partition("://")
    if not found or "@" not in rest:
        return url
    user, _, place = rest.rpartition("@")
    return f"{head}://{user.split(':')[0]}@{place}"


def _first_line(error: BaseException) -> str:
    logging.getLogger(__name__).debug("storage", exc_info=error)
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
