"""Searches: what a space draws, how Optuna's storage is gone on with, and the command through real Ray."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import psutil
import pytest
from optuna.trial import TrialState

from binarygan.data import load_images
from binarygan.errors import UserError
from study.plan import Cohort
from study.results import Store
from study.samplers import MAKE, make_sampler
from study.search import Search, outcome
from study.space import SPACES, find_space
from study.task import Task
from study.trials import AGAIN, CRASHED, JOURNAL, MEMBERS, REASON, STATUS, Trials, close, storage_of

ROOT = Path(__file__).parents[2]
RUN = [sys.executable, str(ROOT / "study" / "run.py")]
COMMON = {"data": "mnist", "data_digest": "x", "train_images": 128, "epochs": 2, "dtype": "float32"}


def search(space: str = "annealing", **settings: object) -> Search:
    given = {"metrics": ("fid",), "seeds": 2, "fidelity": "as-described", "fields": COMMON, **settings}
    return Search(space=find_space(space), **given)  # type: ignore[arg-type]


def command(*options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *map(str, options)], capture_output=True, text=True, cwd=ROOT)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.npy"
    np.save(path, load_images("mnist").bits(64).reshape(-1, 28, 28))
    return path


@pytest.mark.parametrize("name", SPACES)
def test_what_a_space_draws_is_a_configuration_and_leads_back_to_it(name: str) -> None:
    own = search(name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(40):
        trial = study.ask()
        config = own.draw(trial)
        assert own.space.params_of(config) == trial.params
        assert own.cohort(trial.params).members[0] == config
        assert ("clip_value" in trial.params) == (config.objective == "wgan" and name in ("everything", "mlp"))
        assert len({m.cohort_key for m in own.cohort(trial.params).members}) == 1


def test_a_cell_outside_the_space_has_no_parameters() -> None:
    own = search()
    config = own.draw(optuna.trial.FixedTrial({"neuron": "stochastic", "slope_rate": 1.2}))
    assert own.space.params_of(config) == {"neuron": "stochastic", "slope_rate": 1.2}
    fields = config.to_dict()
    for other in ({"neuron": "real"}, {"slope_rate": 2.0}):
        assert own.space.params_of(type(config).from_dict(fields | other)) is None


@pytest.mark.parametrize("name", MAKE)
def test_a_sampler_draws_the_same_from_its_seed_and_goes_on_otherwise(name: str) -> None:
    if name == "cmaes":
        pytest.importorskip("cmaes")
    own = search("optimizer")

    def draws(seed: int, before: int) -> list[dict[str, object]]:
        study = optuna.create_study(sampler=make_sampler(name, seed, before))
        trials = [study.ask() for _ in range(3)]
        for trial in trials:
            own.draw(trial)
        return [t.params for t in trials]

    assert draws(0, 0) == draws(0, 0)
    assert draws(0, 0) != draws(1, 0)
    assert draws(0, 0) != draws(0, 3)


def test_a_batch_larger_than_the_data_is_refused_before_any_trial() -> None:
    with pytest.raises(UserError, match="batches of up to 128, more than 64"):
        search("mlp", fields=COMMON | {"train_images": 64})


def test_a_value_is_the_mean_over_seeds_and_never_hides_a_lost_one() -> None:
    rows = [{"status": "done", "error": None, "fid": f, "seconds": 1.0} for f in (1.0, 2.0)]
    assert outcome(["fid", "seconds"], rows).values == (1.5, 1.0)
    lost = outcome(["fid"], [rows[0], {"status": "diverged", "error": "NaN after epoch 3", "fid": 1.0}])
    assert lost.values is None
    assert lost.reason == "1 of 2 members diverged: NaN after epoch 3"
    assert outcome(["fid"], [rows[0], {"status": "running", "fid": None}]) == outcome(["fid"], [{"status": "running"}])
    assert "not a finite number" in str(outcome(["fid"], [{"status": "done", "fid": float("nan")}]).reason)


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
    for number, place in ((1, 1), (3, 2)):  # the crashed one has a new number
        trial = again.study.ask()
        assert trial.number == number
        assert again.search.draw(trial).member_id == drawn[place]
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


def finished(store: Store, own: Search, params: dict[str, object], fid: float) -> None:
    for member in own.cohort(params).members:
        row = {**member.to_dict(), "member_id": member.member_id, "cell_id": member.cell_id}
        store.write("members", member.member_id, [row | {"status": "done", "fid": fid, "study": store.study}])


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


def test_a_plan_of_a_search_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from study.run import main

    before = signal.getsignal(signal.SIGTERM)
    words = ["--search", "annealing", "--trials", "4", "--quick", "--plan", "--results", str(tmp_path / "r")]
    assert main(words) == 0
    signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr().out
    assert "4 trials of 1 members, 1 epochs, 0 settled, 4 to run on cpu; goal: fid minimized" in said
    assert "slope_rate          1 to 1.3 where neuron is deterministic/stochastic" in said
    assert re.search(r"about \d+\.\d h .* about \d+ MB of results \(from 4 trials drawn at random\)", said)
    assert not list(tmp_path.iterdir())


def test_a_vanished_storage_is_not_begun_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Or its trials would be run once more, under other numbers."""
    from study.run import main

    data = load_images("mnist")
    fields = COMMON | {"data_digest": data.digest, "train_images": 6400, "epochs": 1}
    store = Store(tmp_path, "search-annealing")
    store.create()
    finished(store, search(fields=fields), {"neuron": "stochastic", "slope_rate": 1.1}, 5.0)
    before = signal.getsignal(signal.SIGTERM)
    status = main(["--search", "annealing", "--trials", "4", "--quick", "--seeds", "2", "--results", str(tmp_path)])
    signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr().err
    assert (status, said.count("\n")) == (2, 1)
    assert "trials of this search are gone" in said


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


WRONG = {
    "no trials": (["--search", "annealing"], "needs --trials"),
    "unknown": (["--search", "anealing", "--trials", "1"], "did you mean 'annealing'"),
    "a grid's name": (["--search", "paper", "--trials", "1"], "is a grid: use --grid"),
    "a search's name": (["--grid", "annealing"], "is a search space: use --search"),
    "both": (["--grid", "paper", "--search", "mlp", "--trials", "1"], "two commands"),
    "unknown metric": (["--search", "mlp", "--trials", "1", "--metric", "fdi"], "did you mean 'fid'"),
    "no goal": (["--search", "mlp", "--trials", "1", "--metric", "ink"], "neither low nor high"),
    "late metric": (["--search", "mlp", "--trials", "1", "--metric", "kid", "--scheduler", "asha"], "every epoch"),
    "PBT": (["--grid", "paper", "--scheduler", "pbt"], "invalid choice: 'pbt'"),
    "scheduler of a grid": (["--grid", "paper", "--scheduler", "asha"], "--scheduler is a search's"),
    "two goals, one scheduler": (
        ["--search", "mlp", "--trials", "1", "--metric", "fid", "seconds", "--scheduler", "asha"],
        "one metric",
    ),
    "two goals, cmaes": (
        ["--search", "mlp", "--trials", "1", "--metric", "fid,seconds", "--sampler", "cmaes"],
        "one goal",
    ),
    "time": (["--search", "mlp", "--trials", "1", "--time-budget", "soon"], "is no time"),
    "storage": (["--search", "mlp", "--trials", "1", "--storage", "sqlite:////no/where.db"], "cannot be opened"),
    "warm start": (["--search", "mlp", "--trials", "1", "--warm-start", "/no/where"], "holds no study"),
    "local": (["--search", "mlp", "--trials", "1", "--executor", "local"], "leave out --executor local"),
    "resources": (["--grid", "paper", "--resource", "tpu"], "NAME=AMOUNT"),
    "retrain": (["--retrain", "0123456789abcdef"], "no study in"),
    "retrain, quick": (["--retrain", "0123456789abcdef", "--quick"], "--quick is settled by the member"),
    "s3 without its database": (
        ["--search", "mlp", "--trials", "1", "--results", "memory://x"],
        "needs --storage URL",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_contradictions_are_one_line(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from study.run import main

    options, words = WRONG[case]
    before = signal.getsignal(signal.SIGTERM)
    results = [] if "--results" in options else ["--results", str(tmp_path / "r")]
    status = main([*options, *results])
    signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr().err
    assert (status, said.count("\n")) == (2, 1), said
    assert words in said


def test_a_killed_search_goes_on_and_remembers(tiny: Path, tmp_path: Path) -> None:
    """SIGKILL to all its processes in the middle; then the same command; then more trials; then the best again."""
    options = ["--search", "annealing", "--trials", "5", "--epochs", "2", "--scheduler", "asha"]
    options += ["--data", str(tiny), "--results", str(tmp_path), "--study", "s"]
    process = subprocess.Popen([*RUN, *options], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    folder, deadline = tmp_path / "s", time.monotonic() + 150
    store = Store(tmp_path, "s")
    while time.monotonic() < deadline and not any(r["epochs_done"] for r in store.statuses().values()):
        time.sleep(0.1)
    victims = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for victim in victims:
        try:
            os.kill(victim.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
    before = optuna.load_study(study_name="s", storage=storage_of(None, folder)).trials
    assert any(t.state == TrialState.RUNNING for t in before), "it was killed in the middle"
    outcome = command(*options)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    after = optuna.load_study(study_name="s", storage=storage_of(None, folder)).trials
    assert len(after) == 5, "none was lost, none was run twice"
    assert {t.state for t in after} <= {TrialState.COMPLETE, TrialState.PRUNED}
    for old, new in zip(before, after, strict=False):
        assert old.params == new.params
    members = pd.read_parquet(folder / "members")
    assert sorted(m for t in after for m in t.user_attrs[MEMBERS]) == sorted(members["member_id"])
    assert set(members["status"]) <= {"done", "stopped"}
    complete = [t for t in after if t.state == TrialState.COMPLETE]
    rows = members.set_index("member_id")
    for trial in complete:
        assert trial.values == [rows.loc[trial.user_attrs[MEMBERS][0], "fid"]]
    assert not list(folder.rglob("epoch-*")), "what no trial goes on from is gone"

    best = min(complete, key=lambda t: t.values[0]).user_attrs[MEMBERS][0]
    assert f"--retrain {best}" in outcome.stdout
    place = ["--data", tiny, "--results", tmp_path, "--executor", "local"]
    again = command("--retrain", best[:10], *place)
    assert again.returncode == 0, again.stderr
    assert re.search(rf"{best}: all \d+ numbers equal those in s", again.stdout), again.stdout


def test_a_trial_that_diverges_is_failed_with_its_reason(tiny: Path, tmp_path: Path) -> None:
    """A cohort whose second seed diverges: a value of neither NaN nor the first seed's alone."""
    from study.launch.search import Setup, run_search
    from study.progress import StudyProgress

    def diverging(cohort: Cohort, task: Task, report: Callable[..., None]) -> None:
        """Stands for training: stochastic members' second seed diverges."""
        for epoch in (1, 2):
            rows = [
                {"status": "done", "error": None, "fid": 10.0 + epoch + m.seed + m.slope_rate} for m in cohort.members
            ]
            if cohort.members[0].neuron == "stochastic":
                rows[1] = {"status": "diverged", "error": "NaN in epoch 1", "fid": float("nan")}
            report(epoch, rows)

    own, store = search(fields=COMMON), Store(tmp_path, "s")
    store.create()
    trials = Trials(storage_of(None, store.folder), "s", own)
    task = Task(results=tmp_path, study="s", fidelity="as-described", source=str(tiny), root=None, device="cpu")
    setup = Setup(trials=4, sampler="tpe", sampler_seed=0, scheduler="asha", resources={"cpu": 1})
    run_search(own, trials, task, setup, StudyProgress(members=8, total=16), train=diverging)
    ended = trials.study.trials
    assert len(ended) == 4
    for trial in ended:
        if trial.params["neuron"] == "stochastic":
            assert trial.state == TrialState.FAIL
            assert trial.user_attrs[REASON] == "1 of 2 members diverged: NaN in epoch 1"
        else:
            assert trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    assert {t.state for t in ended} > {TrialState.FAIL}, "both kinds were drawn"
    assert json.loads(json.dumps([t.values for t in ended]))


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
    program = str(Path(sys.executable).parent / "optuna-dashboard")
    words = [program, str(tmp_path / JOURNAL), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=5) as answer:
                    studies = json.load(answer)["study_summaries"]
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert [s["study_name"] for s in studies] == ["mine"]
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/api/studies/{studies[0]['study_id']}", timeout=5
        ) as answer:
            [shown] = json.load(answer)["trials"]
        assert (shown["values"], {p["name"] for p in shown["params"]}) == ([7.0], {"neuron", "slope_rate"})
    finally:
        server.terminate()
        server.wait()
