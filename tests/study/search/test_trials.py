"""Optuna's storage: what it keeps, how it is gone on with, and what its trials leave in the store."""

import json
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from running import wait_until
from searches import COMMON, finished, search

from binarygan.errors import UserError
from study.search.search import Search
from study.search.storage import JOURNAL, storage_of
from study.search.trials import AGAIN, CRASHED, MEMBERS, REASON, SOURCE, STATUS, Trials, close, existing_trials
from study.store.store import Store
from study.trials.task import Task


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_what_a_killed_run_left_goes_on_under_its_number(tmp_path: Path, kind: str) -> None:
    url = None if kind == "journal" else f"sqlite:///{tmp_path}/optuna.db"
    trials = Trials(storage_of(url, tmp_path), "s", search())
    first, second, third = (trials.study.ask() for _ in range(3))
    drawn = [trials.search.draw(t).member_id for t in (first, second, third)]
    trials.study.tell(first.number, values=[3.0])
    third.set_user_attr(STATUS, CRASHED)
    trials.study.tell(third.number, state=TrialState.FAIL)
    again = Trials(storage_of(url, tmp_path), "s", search())
    assert again.settle() == 2
    assert (again.counts().settled, again.counts().complete) == (1, 1)
    for number, index in ((1, 1), (3, 2)):  # the crashed one has a new number
        trial = again.study.ask()
        assert trial.number == number
        assert again.search.draw(trial).member_id == drawn[index]
    assert again.study.trials[3].user_attrs[AGAIN] == 2
    assert again.settle() == 2, "what crashed is put back once"


def test_a_torn_journal_is_read_to_its_last_whole_line(tmp_path: Path) -> None:
    trials = Trials(storage_of(None, tmp_path), "s", search())
    trials.search.draw(trials.study.ask())
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'{"op_code": 4, "worker')
    again = Trials(storage_of(None, tmp_path, mend=True), "s", search())
    again.search.draw(again.study.ask())
    assert len(Trials(storage_of(None, tmp_path), "s", search()).study.trials) == 2


def test_the_lock_of_a_dead_writer_is_broken(tmp_path: Path) -> None:
    """Optuna's are links, which a study's folder must not have otherwise; it would wait for this one for ever."""
    store = Store(tmp_path, "s")
    store.create()
    Trials(storage_of(None, store.folder), "s", search())
    for name in (f"{JOURNAL}.lock", f"{JOURNAL}.lock0123.rename"):
        (store.folder / name).symlink_to("/moved/away")
    store.create()
    Trials(storage_of(None, store.folder, mend=True), "s", search()).study.ask()
    assert not [p for p in store.folder.iterdir() if p.is_symlink()]


def test_a_storage_in_memory_is_refused(tmp_path: Path) -> None:
    for url in ("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"):
        with pytest.raises(UserError, match="in memory"):
            storage_of(url, tmp_path)
    storage_of(f"sqlite:///{tmp_path}/a.db", tmp_path)


def test_a_locked_database_is_said_to_be_locked(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    storage_of(f"sqlite:///{path}", tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match="database is locked"):
            Trials(storage_of(f"sqlite:///{path}?timeout=0", tmp_path), "s", search())


def test_a_plan_says_that_a_database_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Trials(storage_of(f"sqlite:///{path}", tmp_path), "s", search())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match="database is locked"):
            existing_trials(f"sqlite:///{path}?timeout=0", tmp_path, "s", search())


def test_another_search_in_the_storage_is_named(tmp_path: Path) -> None:
    Trials(storage_of(None, tmp_path), "s", search("optimizer"))
    with pytest.raises(UserError, match=r"batch_size: 32/64/128 there, nothing asked"):
        Trials(storage_of(None, tmp_path), "s", search("annealing"))
    with pytest.raises(UserError, match=r"metrics: fid there, kid asked"):
        Trials(storage_of(None, tmp_path), "s", search("optimizer", metrics=("kid",)))
    optuna.create_study(storage=storage_of(None, tmp_path), study_name="foreign").ask()
    with pytest.raises(UserError, match="not of this program"):
        Trials(storage_of(None, tmp_path), "foreign", search())


def test_a_damaged_storage_is_one_line(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(b"no journal\nat all\n")
    with pytest.raises(UserError, match="damaged"):
        storage_of(None, tmp_path)
    with pytest.raises(UserError, match="cannot be opened"):
        storage_of("sqlite:////nowhere/at/all.db", tmp_path)
    with pytest.raises(UserError, match=r"mysql://me@host/db") as raised:
        storage_of("mysql://me:secret@host/db", tmp_path)
    assert "secret" not in str(raised.value)


def test_a_journal_that_cannot_be_read_here_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trials(storage_of(None, tmp_path), "s", search())
    for error, said in ((MemoryError(), "does not fit into memory here"), (OSError(24, "Too many"), "Too many")):

        def fails(*_: object, why: Exception = error, **__: object) -> None:
            raise why

        monkeypatch.setattr(optuna.storages, "JournalStorage", fails)
        with pytest.raises(UserError, match=said) as caught:
            storage_of(None, tmp_path)
        assert "move it away" not in str(caught.value)


def test_a_lock_that_a_dead_writer_left_stops_no_reader(tmp_path: Path) -> None:
    """--plan and a report look at the journal without the study's lock, and remove nothing."""
    Trials(storage_of(None, tmp_path), "s", search()).study.ask()
    lock = tmp_path / f"{JOURNAL}.lock"
    lock.symlink_to("/moved/away")
    found = existing_trials(None, tmp_path, "s", search())
    assert found is not None
    assert found.counts().running == 1
    assert lock.is_symlink()


def test_a_warm_start_takes_the_cells_that_the_space_holds(tmp_path: Path) -> None:
    store, own = Store(tmp_path, "earlier"), search()
    store.create()
    finished(store, own, {"neuron": "deterministic", "slope_rate": 1.1}, 5.0)
    finished(store, search(fields=COMMON | {"epochs": 3}), {"neuron": "deterministic", "slope_rate": 1.2}, 4.0)
    finished(store, search("optimizer"), optuna_params(search("optimizer")), 3.0)
    trials = Trials(storage_of(None, tmp_path), "s", own)
    assert trials.warm_start(store) == (1, 2)
    assert trials.warm_start(store) == (0, 2), "once"
    assert trials.counts().settled == 0, "it is none of this search's trials"
    assert (trials.best(), [t.values for t in trials.study.trials]) == ([], [[5.0]])


def optuna_params(own: Search) -> dict[str, object]:
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    own.draw(trial)
    return dict(trial.params)


def test_members_say_how_their_trial_ended(tmp_path: Path) -> None:
    store, own = Store(tmp_path, "s"), search()
    store.create()
    trials = Trials(storage_of(None, store.folder), "s", own)
    ids = []
    for reason in ("", "1 of 2 members diverged: NaN", "OSError: no space"):
        trial = trials.study.ask()
        own.draw(trial)
        members = own.cohort(trial.params).members
        trial.set_user_attr(MEMBERS, [m.member_id for m in members])
        for member in members:
            row = {**member.to_dict(), "member_id": member.member_id, "cell_id": member.cell_id, "status": "running"}
            store.write("members", member.member_id, [row])
        trial.report(9.0, 1)
        if reason:
            trial.set_user_attr(STATUS, CRASHED if "OS" in reason else "failed")
            trial.set_user_attr(REASON, reason)
        trials.study.tell(trial.number, state=TrialState.FAIL if reason else TrialState.PRUNED)
        close(trials, trial.number, store)
        ids.append(members[0].member_id)
    rows = store.statuses()
    assert [rows[i]["status"] for i in ids] == ["stopped", "stopped", "failed"]
    assert "after epoch 1" in rows[ids[0]]["error"]
    assert "NaN" in rows[ids[1]]["error"]
    assert rows[ids[2]]["error"] == "OSError: no space"


def test_optuna_dashboard_opens_the_journal(tmp_path: Path) -> None:
    """The real program, asked as its page asks."""
    pytest.importorskip("optuna_dashboard")
    own = search()
    trials = Trials(storage_of(None, tmp_path), "mine", own)
    trial = trials.study.ask()
    own.draw(trial)
    trials.study.tell(trial.number, values=[7.0])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def answer(path: str) -> dict[str, Any]:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{path}", timeout=5) as found:
            return dict(json.load(found))
        return {}

    program = str(Path(sys.executable).parent / "optuna-dashboard")
    words = [program, str(tmp_path / JOURNAL), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: bool(answer("studies")), seconds=60)
        [study] = answer("studies")["study_summaries"]
        assert study["study_name"] == "mine"
        [shown] = answer(f"studies/{study['study_id']}")["trials"]
        assert (shown["values"], {p["name"] for p in shown["params"]}) == ([7.0], {"neuron", "slope_rate"})
    finally:
        server.terminate()
        server.wait()


def test_looking_at_a_storage_makes_none(tmp_path: Path) -> None:
    url, own = f"sqlite:///{tmp_path}/trials.db", search("annealing")
    assert existing_trials(url, tmp_path, "s", own) is None
    assert existing_trials(None, tmp_path, "s", own) is None
    assert not list(tmp_path.iterdir())
    Trials(storage_of(url, tmp_path), "another", own)
    assert existing_trials(url, tmp_path, "s", own) is None
    Trials(storage_of(url, tmp_path), "s", own).study.ask()
    found = existing_trials(url, tmp_path, "s", own)
    assert found is not None
    assert found.counts().running == 1
    with pytest.raises(UserError, match="cannot be opened"):
        existing_trials("nonsense://x", tmp_path, "s", own)


def test_warm_starts_do_not_hide_the_front(tmp_path: Path) -> None:
    trials = Trials(storage_of(None, tmp_path), "s", search("annealing", metrics=("fid", "seconds")))
    trials.study.add_trial(create_trial(state=TrialState.COMPLETE, values=[1.0, 1.0], user_attrs={SOURCE: "x"}))
    for values in ([10.0, 4.0], [11.0, 3.5], [12.0, 4.5], [10.0, 4.0]):
        trials.study.add_trial(create_trial(state=TrialState.COMPLETE, values=values))
    assert [t.values for t in trials.best()] == [[10.0, 4.0], [11.0, 3.5], [10.0, 4.0]]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_cell_in_training_is_not_begun_again_but_waited_for(tmp_path: Path) -> None:
    """Two trials of one cell would write the same rows and checkpoints."""
    from study.launch.search import _Searcher

    own, store = search("annealing"), Store(tmp_path, "s")
    store.create()
    trials = Trials(storage_of(None, store.folder), "s", own)
    one_cell = optuna.samplers.PartialFixedSampler(
        {"neuron": "deterministic", "slope_rate": 1.1}, optuna.samplers.RandomSampler(seed=0)
    )
    task = Task(results=tmp_path, study="s", fidelity="as-described", source="mnist", root=None, device="cpu")
    searcher = _Searcher(own, trials, one_cell, task)
    first = searcher.suggest("a")
    assert first is not None
    assert searcher.suggest("b") is None
    assert searcher.suggest("c") is None
    searcher.on_trial_complete("a", {"epoch": own.epochs, own.metrics[0]: 1.0})
    second = searcher.suggest("c")
    assert second == first | {"number": 1}
    assert len(trials.study.trials) == 2, "none is drawn and dropped"
