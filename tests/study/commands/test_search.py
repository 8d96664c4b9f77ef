"""Searches by their command, through real Ray."""

import re
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from cohorts import table
from optuna.trial import TrialState
from running import assert_refused, command, here, kill_all, plugins_forgotten, started, wait_until
from searches import COMMON, finished, search

from binarygan.data.images import load_images
from study.design.cohorts import Cohort
from study.options import SearchOptions
from study.search.storage import storage_of
from study.search.trials import MEMBERS, REASON, Trials
from study.store.store import Store
from study.trials.task import Task


def test_a_plan_of_a_search_writes_nothing(tiny: Path, tmp_path: Path) -> None:
    words = ["--search", "annealing", "--trials", "4", "--epochs", "1", "--plan", "--max-concurrent", "1"]
    outcome = here(*words, "--data", tiny, "--results", tmp_path / "r")
    assert outcome.returncode == 0
    said = outcome.stdout
    assert "4 trials of 1 member, 1 epoch, 0 settled, 4 to run on cpu" in said
    assert "; goal: fid minimized on validation images\n" in said
    assert "slope_rate              1 to 1.3 where neuron is deterministic/stochastic" in said
    assert re.search(r"about [\d.]+ (h|min) .* about \d+ MB of results \(from 4 trials drawn at random\)", said)
    assert not list(tmp_path.iterdir())


def test_a_vanished_storage_is_not_begun_anew(tmp_path: Path) -> None:
    """Or its trials would be run once more, under other numbers."""
    data = load_images("mnist")
    fields = COMMON | {"data_digest": data.digest, "train_images": 6400, "epochs": 1}
    store = Store(tmp_path, "search-annealing")
    store.create()
    finished(store, search(fields=fields), {"neuron": "stochastic", "slope_rate": 1.1}, 5.0)
    options = ("--search", "annealing", "--trials", 4, "--quick", "--seeds", 2, "--results", tmp_path)
    assert_refused(here(*options), "trials of this search are gone")


WRONG = {
    "no trials": (["--search", "annealing"], "needs --trials"),
    "unknown": (["--search", "anealing", "--trials", "1"], "did you mean 'annealing'"),
    "a grid's name": (["--search", "paper", "--trials", "1"], "is a grid: use --grid"),
    "a search's name": (["--grid", "annealing"], "is a search space: use --search"),
    "both": (["--grid", "paper", "--search", "mlp", "--trials", "1"], "two commands"),
    "too few to hold any out": (
        ["--search", "mlp", "--trials", "1", "--data", "BATCH"],
        "more than 54 training images",
    ),
    "a field that --set does not know": (["--grid", "paper", "--set", "splt=train"], "did you mean 'split'"),
    "a split": (["--grid", "paper", "--set", "split=test"], "split=test: no such value"),
    "a setting": (["--grid", "paper", "--set", "split"], "is not FIELD=VALUE"),
    "test images that are kept": (
        ["--grid", "paper", "--set", "split=all", "--reference", "validation"],
        "--set split=all trains on the test images",
    ),
    "retrain, set": (["--retrain", "0123456789abcdef", "--set", "split=train"], "--set is settled by the member"),
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
def test_contradictions_are_one_line(case: str, batch: Path, tmp_path: Path) -> None:
    options, words = WRONG[case]
    options = [str(batch) if word == "BATCH" else word for word in options]
    results = [] if "--results" in options else ["--results", tmp_path / "r"]
    assert_refused(here(*options, *results), words)


PLUGIN = """
from optuna.distributions import CategoricalDistribution, FloatDistribution
from binarygan.model.neurons import NEURONS, Neuron
from study.design.spaces import SPACES, Parameter, Space

@NEURONS.named("reluctant")
class Reluctant(Neuron):
    label = "reluctant"

    def output(self, p, v):
        return (p > 0.6).to(p.dtype)

neuron = Parameter("neuron", CategoricalDistribution(["reluctant"]))
slope = Parameter("slope_rate", FloatDistribution(1, 1.3))
SPACES.register("mine", Space("a neuron and its slope", (neuron, slope), {"critic_schedule": "constant"}))
"""


@pytest.mark.long
def test_a_killed_search_goes_on_and_remembers(batch: Path, tmp_path: Path) -> None:
    """SIGKILL to all its processes in the middle, the same command, the best again; the neuron is from outside."""
    plugin = tmp_path / "searched.py"
    plugin.write_text(PLUGIN)
    same = ["--plugin", plugin, "--data", batch, "--results", tmp_path]
    options = ["--search", "mine", "--trials", 5, "--epochs", 2, "--scheduler", "asha", "--study", "s", *same]
    options += ["--reference", "test"]  # too few digits to hold any out
    process, store = started(*options), Store(tmp_path, "s")
    wait_until(lambda: any(r["epochs_done"] for r in store.statuses().values()))
    kill_all(process)
    before = optuna.load_study(study_name="s", storage=storage_of(None, store.folder)).trials
    assert any(t.state == TrialState.RUNNING for t in before), "it was killed in the middle"
    outcome = command(*options)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    after = optuna.load_study(study_name="s", storage=storage_of(None, store.folder)).trials
    assert len(after) == 5, "none was lost, none was run twice"
    assert {t.state for t in after} <= {TrialState.COMPLETE, TrialState.PRUNED}
    for old, new in zip(before, after, strict=False):
        assert old.params == new.params
    rows = table(store, "members").set_index("member_id")
    assert sorted(m for t in after for m in t.user_attrs[MEMBERS]) == sorted(rows.index)
    assert set(rows["status"]) <= {"done", "stopped"}
    assert set(rows["neuron"]) == {"reluctant"}
    complete = [t for t in after if t.state == TrialState.COMPLETE]
    for trial in complete:
        assert trial.values == [rows.loc[trial.user_attrs[MEMBERS][0], "fid"]]
    assert not list(store.folder.rglob("epoch-*")), "what no trial goes on from is gone"

    best = min(complete, key=lambda t: t.values[0]).user_attrs[MEMBERS][0]
    assert f"--retrain {best}" in outcome.stdout
    with plugins_forgotten():
        again, once_more = (here("--retrain", best[:10], *same, "--executor", "local") for _ in range(2))
    assert again.returncode == 0, again.stderr
    assert once_more.returncode == 0, "the same command goes on"
    assert re.search(rf"{best}: all \d+ numbers equal those in s", again.stdout), again.stdout
    assert "s is a search, which chose this cell by its seeds" in again.stdout


def test_a_trial_that_diverges_is_failed_with_its_reason(batch: Path, tmp_path: Path) -> None:
    """A cohort whose second seed diverges: a value of neither NaN nor the first seed's alone."""
    from study.launch.progress import StudyProgress
    from study.launch.search import run_search

    def diverging(cohort: Cohort, task: Task, report: Callable[..., None]) -> None:
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
    task = Task(results=tmp_path, study="s", fidelity="as-described", source=str(batch), root=None, device="cpu")
    progress, asked = StudyProgress(members=8, total=16), SearchOptions(scheduler="asha")
    run_search(own, trials, task, progress, count=4, asked=asked, resources={"cpu": 1}, train=diverging)
    ended = trials.study.trials
    assert len(ended) == 4
    for trial in ended:
        if trial.params["neuron"] == "stochastic":
            assert trial.state == TrialState.FAIL
            assert trial.user_attrs[REASON] == "1 of 2 members diverged: NaN in epoch 1"
        else:
            assert trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    assert {t.state for t in ended} > {TrialState.FAIL}, "both kinds were drawn"


TWO_PARTS = """
from binarygan.model.estimators import ESTIMATORS, SigmoidAdjusted

@ESTIMATORS.named("one")
class One(SigmoidAdjusted):
    label = "one"

@ESTIMATORS.named("two")
class Two(SigmoidAdjusted):
    label = "two"
"""


def test_each_part_from_outside_that_a_search_draws_is_checked_once(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin, file = tmp_path / "two.py", tmp_path / "s.toml"
    plugin.write_text(TWO_PARTS)
    space = 'neuron = ["stochastic"]\nestimator = ["sigmoid", "one", "two"]\n'
    file.write_text(f'name = "s"\n[search]\ntrials = 1\n[search.space]\n{space}')
    checked: list[str] = []
    monkeypatch.setattr("binarygan.training.checks.check_parts", lambda cell, _: checked.append(cell.estimator))
    with plugins_forgotten():
        outcome = here("--file", file, "--plugin", plugin, "--data", tiny, "--results", tmp_path / "r", "--plan")
    assert outcome.returncode == 0, outcome.stderr
    assert sorted(checked) == ["one", "two"]
