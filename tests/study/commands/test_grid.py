"""Grids by their command, as its user has it: real data, real Ray, real signals."""

import importlib
import os
import time
from collections.abc import Callable, Sized
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import psutil
import pytest
from cohorts import assert_same, cohort
from running import (
    FEW,
    FEW_SAMPLES,
    ROOT,
    assert_refused,
    command,
    here,
    kill_all,
    plugins_forgotten,
    started,
    wait_until,
)

import study.launch
from analysis.__main__ import main as analysis
from binarygan.errors import UserError
from binarygan.plugins import Plugin
from study.commands.grid import _cohorts, task_of
from study.options import RunOptions
from study.run import main
from study.store.store import Store

FIGURES = ("figure-3", "figure-6", "figure-8", "scores", "training-curves")
"""That the appendix's twelve cells have."""


def rows_of(root: Path, name: str) -> list[dict[str, Any]]:
    """The members of a study as they stand."""
    return list(Store(root, name).statuses().values())


def test_bad_input_is_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cases = {
        ("--grid", "paper-apendix"): "did you mean 'paper-appendix'",
        ("--grid", "paper-appendix", "--fidelity", "exact"): "invalid choice",
        ("--grid", "paper-appendix", "--seeds", "0"): "--seeds 0",
        ("--grid", "slope-annealing", "--quick"): "give --epochs 2 or more",
        ("--list", "--plugin", tmp_path / "none.py"): "there is no such Python file",
        ("--grid", "paper-appendix", "--epochs", "-3"): "--epochs -3",
        ("--grid", "paper-appendix", "--results", tmp_path / "file"): "is a file, not a folder",
        ("--grid", "paper-appendix", "--plan", "--results", tmp_path / "file"): "is a file, not a folder",
        ("--retrain", "0123456789abcdef", "--results", tmp_path / "file"): "is a file, not a folder",
        ("--grid", "paper-appendix", "--data", "none.npy"): "does not exist",
        ("--grid", "paper-appendix", "--device", "cuda", "--results", tmp_path): "no GPU",
        ("--grid", "paper-appendix", "--results", "nosuch://x"): "on no file system that is known here",
        ("--grid", "paper-appendix", "--gpus-per-trial", "inf"): "is no number of GPUs",
        ("--grid", "paper-appendix", "--cpus-per-trial", "nan"): "must be above 0",
        ("--grid", "paper-appendix", "--cpus-per-trial", "0.00001"): "less than Ray can reserve",
        ("--grid", "paper-appendix", "--address", ""): "--address is empty",
        ("--grid", "paper-appendix", "--executor", "local", "--resource", "a=1"): "leave out one of them",
        ("--grid", "paper-appendix", "--only", "neuron=dbn"): "known: deterministic, stochastic",
        ("--search", "mlp", "--trials", "2", "--only", "seed=0"): "--only chooses members of a grid",
        (): "--grid",
    }
    for options, words in cases.items():
        assert_refused(here(*options), words)


def test_an_unreachable_cluster_is_refused_in_time(batch: Path, tmp_path: Path) -> None:
    start = time.monotonic()
    same = ("--grid", "paper-neurons", "--data", batch, "--results", tmp_path)
    assert_refused(command(*same, "--address", "127.0.0.1:1"), "no Ray cluster answers")
    assert time.monotonic() - start < 60


PLUGIN = """
from binarygan.model.neurons import NEURONS, Neuron
from study.design.grids import GRIDS, Grid, every

@NEURONS.named("eager")
class Eager(Neuron):
    label = "eager"

    def output(self, p, v):
        return (p > 0.4).to(p.dtype)

def each(**axes):
    return every(neuron=["eager"], critic_schedule=["constant"], **axes)

GRIDS.register("lengths", Grid("an eager neuron, two lengths", lambda _: each(epochs=[1, 2])))
GRIDS.register("long", Grid("an eager neuron for hours", lambda _: each(epochs=[2000])))
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FEW_SAMPLES + PLUGIN)
    return path


@pytest.mark.usefixtures("few_samples")
def test_a_grid_of_parts_from_outside_is_trained(plugin: Path, batch: Path, tmp_path: Path) -> None:
    """Its own epochs count, not the 20 that are the default; study.json keeps the plugin as it was given."""
    same = ("--grid", "lengths", "--plugin", plugin, "--data", batch, "--results", tmp_path, "--executor", "local")
    with plugins_forgotten():
        assert "lengths               an eager neuron, two lengths" in here("--list", "--plugin", plugin).stdout
        outcome = here(*same, "--engine", "reference")
        assert (outcome.returncode, outcome.stderr) == (0, FEW)
        assert outcome.stdout.endswith(f"next: python -m analysis report {tmp_path / 'lengths'} --plugin {plugin}\n")
        refused = here(*same, "--epochs", 3)
    found = rows_of(tmp_path, "lengths")
    assert sorted((r["neuron"], r["engine"], r["epochs_done"]) for r in found) == [
        ("eager", "reference", epochs) for epochs in (1, 2)
    ]
    assert (Store(tmp_path, "lengths").description() or {})["plugins"] == [str(plugin)]
    assert_refused(refused, "--epochs 3: this grid has epochs 1, 2 of its own: leave --epochs out")


def assert_loopback_only(pid: int) -> None:
    """The process and all its children listen on the loopback interface alone."""
    own = {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.pid in own]
    assert listening, "Ray has services"
    assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("wanted", ["", "1"])
def test_usage_statistics_are_off_unless_the_user_turns_them_on(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ray._common.usage import usage_lib

    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    if wanted:
        monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", wanted)
    importlib.reload(study.launch)
    assert usage_lib.usage_stats_enabled() == bool(wanted)


def test_a_worker_that_ray_ends_for_want_of_memory_says_so(batch: Path, tmp_path: Path) -> None:
    """Its monitor told that a twentieth of the memory is nearly all: the worker is ended before it has a row."""
    options = ("--grid", "paper-real-valued", "--data", batch, "--results", tmp_path, "--epochs", 2)
    outcome = command(*options, environment=os.environ | {"RAY_memory_usage_threshold": "0.02"})
    assert outcome.returncode == 1
    [row] = rows_of(tmp_path, "paper-real-valued")
    assert (row["status"], row["fidelity"]) == ("failed", "as-described")
    assert row["error"].startswith(
        "its worker process died 3 times, ended by Ray since the node's memory was nearly full"
    )
    assert row["error"] in outcome.stdout


def test_help_is_frozen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A change of the command line is a change of a contract: make it on purpose, in tests/data/help.txt too."""
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out == (ROOT / "tests" / "data" / "help.txt").read_text()


@pytest.mark.usefixtures("few_samples")
def test_a_plan_says_what_is_done_and_how_long_the_rest_takes(
    batch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With made-up times: those of a search's plan are measured."""
    monkeypatch.setattr("study.cost.estimate.seconds_of", lambda cohorts, *_: [3600.0] * len(cohorts))
    same = ("--grid", "paper-real-valued", "--seeds", 2, "--data", batch, "--results", tmp_path)
    options = (*same, "--epochs", 1, "--executor", "local")
    before = here(*options, "--plan")
    assert (before.returncode, before.stderr) == (0, "")
    assert "2 members, 0 finished, 2 trials" in before.stdout
    assert "about 2.0 h on a machine like this one, 1 at a time" in before.stdout
    assert not list(tmp_path.iterdir()), "a plan writes nothing"
    assert here(*options).returncode == 0
    after = here(*options, "--plan")
    assert "2 members, 2 finished, 0 trials" in after.stdout
    assert "to train" not in after.stdout
    store = Store(tmp_path, "paper-real-valued")
    for member_id, row in store.statuses().items():
        store.write("members", member_id, [row | {"git_commit": "0123abcd-dirty"}])
    neighbour = here(*options, "--study", "other", "--plan")
    assert "2 finished members of other studies are not taken over" in neighbour.stdout
    assert "2 trials on cpu" in neighbour.stdout
    trusted = here(*options, "--study", "other", "--plan", "--trust-dirty")
    assert "to be taken over: 2 members from paper-real-valued" in trusted.stdout
    assert not (tmp_path / "other").exists()
    assert_refused(here(*same, "--epochs", 2), "epochs: 1 there, 2 asked")


def _read_soon(read: Callable[[], Sized]) -> Sized:
    """What a reader finds that may open a file twice by its name: it may be another file by then, as it says."""
    for _ in range(20):
        with suppress(pl.exceptions.ComputeError, duckdb.Error, OSError):
            return read()
    return read()


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize(
    ("grid", "executor"),
    [
        (["--grid", "paper-neurons", "--epochs", "3"], "local"),
        pytest.param(
            ["--grid", "paper-appendix", "--quick", "--data", "mnist"],
            "ray",
            marks=[pytest.mark.long, pytest.mark.timeout(1800)],
        ),
    ],
    ids=["neurons", "appendix"],
)
def test_kill_and_continue_gives_the_same_numbers(grid: list[str], executor: str, batch: Path, tmp_path: Path) -> None:
    """SIGKILL to the driver and every worker in the middle; readers in the middle, too."""
    quick = tmp_path / "few_samples.py"
    quick.write_text(FEW_SAMPLES)
    options = ["--data", batch, "--study", "s", "--plugin", quick, *grid]
    process = started(*options, "--results", tmp_path / "killed")
    killed = Store(tmp_path / "killed", "s")
    wait_until(lambda: bool(list(killed.folder.glob("checkpoints/*/*"))))
    folder = killed.folder / "members"
    for read in (
        lambda: pd.read_parquet(folder),
        lambda: pl.read_parquet(folder),
        lambda: duckdb.sql(f"select * from '{folder}/*.parquet'").df(),
    ):
        assert len(_read_soon(read)) >= 1
    assert_loopback_only(process.pid)
    second = here(*options, "--results", tmp_path / "killed")
    assert_refused(second, f"is being written by process {process.pid} on ")
    kill_all(process)
    assert "running" in {r["status"] for r in killed.statuses().values()}
    assert command(*options, "--results", tmp_path / "killed").returncode == 0
    assert here(*options, "--results", tmp_path / "whole", "--executor", executor).returncode == 0
    assert_same(killed, Store(tmp_path / "whole", "s"))
    assert {r["status"] for r in killed.statuses().values()} == {"done"}
    again = here(*options, "--results", tmp_path / "killed")
    assert again.returncode == 0
    assert "trials to train" not in again.stdout


@pytest.mark.long
@pytest.mark.timeout(900)
def test_from_command_to_figure(batch: Path, tmp_path: Path) -> None:
    options = ("--grid", "paper-appendix", "--epochs", 1, "--executor", "local", "--data", batch, "--results", tmp_path)
    assert here(*options).returncode == 0
    outcome = here("report", tmp_path / "paper-appendix", "--out", tmp_path / "out", program=analysis)
    assert outcome.returncode == 0, outcome.stderr
    assert "missing in figure-8" not in outcome.stdout
    assert "could not be made" not in outcome.stdout
    found = {p.name for p in (tmp_path / "out").iterdir()}
    figures = {f"{name}.{ending}" for name in FIGURES for ending in ("png", "pdf")}
    assert found >= {"report.html", "tables", *figures}
    table = pd.read_csv(tmp_path / "out" / "tables" / "cells.csv")
    assert (len(table), set(table["done"])) == (12, {1})
    assert table["fid"].notna().all()
    assert set(table["source"]) == {"this study"}, "the released code's runs are of other data"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "--grid</span> <span>paper-appendix" in page


def test_a_dead_worker_is_started_again_and_at_last_a_failure(plugin: Path, batch: Path, tmp_path: Path) -> None:
    """Each of its workers loads the plugin and goes on from the last whole epoch; none runs a file of its user's."""
    same = ("--plugin", plugin, "--data", batch, "--results", tmp_path)
    (tmp_path / "study.py").write_text("raise SystemExit('this is no part of the project')\n")
    process, epoch = started("--grid", "long", *same, folder=tmp_path), 0
    for _ in range(3):
        wait_until(lambda known=epoch: any(r["epochs_done"] > known for r in rows_of(tmp_path, "long")))
        children = psutil.Process(process.pid).children(recursive=True)
        [worker] = [c for c in children if "ray::ImplicitFunc" in " ".join(c.cmdline())]
        worker.kill()
        epoch = rows_of(tmp_path, "long")[0]["epochs_done"]
    assert process.wait(timeout=90) == 1
    [row] = rows_of(tmp_path, "long")
    assert (row["neuron"], row["status"], row["error"]) == ("eager", "failed", "its worker process died 3 times")


def test_without_a_gpu_only_what_would_be_measured_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head of a cluster plans for GPUs that it does not have."""
    monkeypatch.setattr("study.commands.grid.has_gpu", lambda: False)
    store, options = Store(tmp_path, "s"), RunOptions(grid="paper")
    assert _cohorts([], store, options, "cuda") == []
    few, many = (cohort(tiny, seeds=count).members for count in (16, 17))
    assert [len(c.members) for c in _cohorts(few, store, options, "cuda")] == [16]
    with pytest.raises(UserError, match="--cohort-size N"):
        _cohorts(many, store, options, "cuda")


def test_trials_are_told_absolute_paths_and_the_engine(tmp_path: Path) -> None:
    """Their working folder is Ray's."""
    plugin = tmp_path / "mine.py"
    plugin.write_text("mine = True")
    options = RunOptions(grid="paper", data="fashion-mnist", plugin=(os.path.relpath(plugin),), engine="reference")
    task = task_of(options, Store(tmp_path, "s"), "cpu", "as-described")
    assert (task.root, task.engine) == (Path("datasets").resolve(), "reference")
    assert task.plugins == (Plugin(str(plugin), b"mine = True"),)
