"""Grids by their command, as its user has it: real processes, real data, real Ray."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import psutil
import pytest
from cohorts import cohort
from running import ROOT, RUN, command, kill_all, started, wait_until

from binarygan.errors import UserError
from study.commands.grid import _cohorts, task_of
from study.options import RunOptions
from study.store.store import Store

FIGURES = ("figure-3", "figure-6", "figure-8", "scores", "training-curves")
"""That the appendix's twelve cells have."""


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
        ("--grid", "paper-appendix", "--executor", "local", "--resource", "a=1"): "leave out one of them",
        ("--grid", "paper-appendix", "--only", "neuron=dbn"): "known: deterministic, stochastic",
        ("--search", "mlp", "--trials", "2", "--only", "seed=0"): "--only chooses members of a grid",
        (): "--grid",
    }
    for options, words in cases.items():
        outcome = command(*options)
        assert outcome.returncode == 2, outcome
        assert words in outcome.stderr
        assert outcome.stderr.count("\n") == 1, outcome.stderr


@pytest.mark.alone
def test_an_unreachable_cluster_is_refused_in_time(tiny: Path, tmp_path: Path) -> None:
    start = time.monotonic()
    options = ("--grid", "paper-neurons", "--data", tiny, "--results", tmp_path, "--address", "127.0.0.1:1")
    outcome = command(*options)
    assert (outcome.returncode, outcome.stderr.count("\n")) == (2, 1)
    assert "no Ray cluster answers" in outcome.stderr
    assert time.monotonic() - start < 30


PLUGIN = """
from binarygan.model.neurons import NEURONS, Neuron
from study.design.grids import GRIDS, Grid, every

@NEURONS.named("eager")
class Eager(Neuron):
    label = "eager"

    def output(self, p, v):
        return (p > 0.4).to(p.dtype)

GRIDS.register("lengths", Grid("an eager neuron, two lengths", lambda _: every(neuron=["eager"], epochs=[1, 2])))
"""


def test_a_grid_of_parts_from_outside_is_trained(tiny: Path, tmp_path: Path) -> None:
    """Its own epochs count, not the 20 that are the default; study.json keeps the plugin as it was given."""
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN)
    assert "lengths               an eager neuron, two lengths" in command("--list", "--plugin", plugin).stdout
    same = ("--grid", "lengths", "--plugin", plugin, "--data", tiny, "--results", tmp_path / "r")
    outcome = command(*same, "--engine", "reference")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    found = rows_of(tmp_path / "r" / "lengths")
    assert sorted((r["neuron"], r["epochs_done"]) for r in found) == [("eager", 1), ("eager", 2)]
    assert (Store(tmp_path / "r", "lengths").description() or {})["plugins"] == [str(plugin)]
    refused = command(*same, "--epochs", 3)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "--epochs 3: this grid has epochs 1, 2 of its own: leave --epochs out" in refused.stderr


def test_another_configuration_is_never_mixed(tiny: Path, tmp_path: Path) -> None:
    same = ("--grid", "paper-real-valued", "--executor", "local", "--data", tiny, "--results", tmp_path)
    assert command(*same, "--epochs", 1).returncode == 0
    outcome = command(*same, "--epochs", 2)
    assert outcome.returncode == 2
    assert "epochs: 1 there, 2 asked" in outcome.stderr


def assert_loopback_only(pid: int) -> None:
    """The process and all its children listen on the loopback interface alone."""
    own = {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.pid in own]
    assert listening, "Ray has services"
    assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("wanted", ["", "1"])
def test_usage_statistics_are_off_unless_the_user_turns_them_on(wanted: str) -> None:
    code = "import study.launch; from ray._common.usage import usage_lib; print(usage_lib.usage_stats_enabled())"
    environment = {k: v for k, v in os.environ.items() if k != "RAY_USAGE_STATS_ENABLED"}
    environment |= {"RAY_USAGE_STATS_ENABLED": wanted} if wanted else {}
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert outcome.stdout.strip() == str(bool(wanted)), outcome.stderr


def test_a_worker_that_ray_ends_for_want_of_memory_says_so(tiny: Path, tmp_path: Path) -> None:
    """Its monitor told that a twentieth of the memory is nearly all: the worker is ended before it has a row."""
    options = ("--grid", "paper-real-valued", "--data", tiny, "--results", tmp_path, "--epochs", 2)
    outcome = command(*options, environment=os.environ | {"RAY_memory_usage_threshold": "0.02"})
    assert outcome.returncode == 1
    [row] = Store(tmp_path, "paper-real-valued").statuses().values()
    assert (row["status"], row["fidelity"]) == ("failed", "as-described")
    assert row["error"].startswith(
        "its worker process died 3 times, ended by Ray since the node's memory was nearly full"
    )
    assert row["error"] in outcome.stdout


def test_help_is_frozen() -> None:
    """A change of the command line is a change of a contract: make it on purpose, in tests/data/help.txt too."""
    environment = os.environ | {"COLUMNS": "110", "NO_COLOR": "1"}
    outcome = subprocess.run([*RUN, "--help"], capture_output=True, text=True, env=environment)
    assert outcome.stdout == (ROOT / "tests" / "data" / "help.txt").read_text()


def test_a_plan_says_what_is_done_and_how_long_the_rest_takes(tiny: Path, tmp_path: Path) -> None:
    options = ("--grid", "paper-neurons", "--data", tiny, "--results", tmp_path, "--epochs", 1)
    before = command(*options, "--plan")
    assert (before.returncode, before.stderr) == (0, "")
    assert "3 members, 0 finished, 3 trials" in before.stdout
    assert re.search(r"about [\d.]+ (h|min)", before.stdout)
    assert not list(tmp_path.iterdir()), "a plan writes nothing"
    assert command(*options, "--executor", "local").returncode == 0
    after = command(*options, "--plan")
    assert "3 members, 3 finished, 0 trials" in after.stdout
    assert "to train" not in after.stdout
    for member_id, row in Store(tmp_path, "paper-neurons").statuses().items():
        Store(tmp_path, "paper-neurons").write("members", member_id, [row | {"git_commit": "0123abcd-dirty"}])
    neighbour = command(*options, "--study", "other", "--plan")
    assert "3 finished members of other studies are not taken over" in neighbour.stdout
    assert "3 trials on cpu" in neighbour.stdout
    trusted = command(*options, "--study", "other", "--plan", "--trust-dirty")
    assert "to be taken over: 3 members from paper-neurons" in trusted.stdout
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "grid",
    [
        ["--grid", "paper-neurons", "--epochs", "3"],
        pytest.param(
            ["--grid", "paper-appendix", "--quick", "--data", "mnist"],
            marks=[pytest.mark.long, pytest.mark.timeout(1800)],
        ),
    ],
    ids=["neurons", "appendix"],
)
def test_kill_and_continue_gives_the_same_numbers(grid: list[str], tiny: Path, tmp_path: Path) -> None:
    """SIGKILL to the driver and every worker in the middle; readers in the middle, too."""
    options = ["--data", str(tiny), "--study", "s", *grid]
    process = started(*options, "--results", tmp_path / "killed")
    folder = tmp_path / "killed" / "s" / "members"
    wait_until(lambda: bool(list(folder.parent.glob("checkpoints/*/*"))))
    pattern = str(folder / "*.parquet")
    counts = {
        len(pd.read_parquet(folder)),
        len(pl.read_parquet(folder)),
        len(duckdb.sql(f"select * from '{pattern}'").df()),
    }
    assert min(counts) >= 1
    assert_loopback_only(process.pid)
    second = command(*options, "--results", tmp_path / "killed")
    assert (second.returncode, second.stderr.count("\n")) == (2, 1)
    assert f"is being written by process {process.pid} on " in second.stderr
    kill_all(process)
    statuses = set(pd.read_parquet(folder)["status"])
    assert "running" in statuses
    assert command(*options, "--results", tmp_path / "killed").returncode == 0
    executor = "ray" if "--quick" in grid else "local"
    assert command(*options, "--results", tmp_path / "whole", "--executor", executor).returncode == 0
    for table, key in (
        ("members", ["member_id"]),
        ("curves", ["member_id", "epoch"]),
        ("samples", ["member_id", "epoch"]),
    ):
        killed, whole = (
            pd.read_parquet(tmp_path / name / "s" / table)
            .sort_values(key)
            .reset_index(drop=True)
            .drop(columns=["seconds", "evaluation_seconds", "started_at"], errors="ignore")
            for name in ("killed", "whole")
        )
        pd.testing.assert_frame_equal(killed, whole, check_exact=True)
    assert set(pd.read_parquet(folder)["status"]) == {"done"}
    again = command(*options, "--results", tmp_path / "killed")
    assert again.returncode == 0
    assert "trials to train" not in again.stdout


@pytest.mark.long
@pytest.mark.timeout(900)
def test_from_command_to_figure(tiny: Path, tmp_path: Path) -> None:
    options = ("--grid", "paper-appendix", "--epochs", 1, "--executor", "local", "--data", tiny, "--results", tmp_path)
    assert command(*options).returncode == 0
    words = [
        sys.executable,
        "-m",
        "analysis",
        "report",
        str(tmp_path / "paper-appendix"),
        "--out",
        str(tmp_path / "out"),
    ]
    outcome = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
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


def test_a_dead_worker_is_started_again_and_at_last_a_failure(tiny: Path, tmp_path: Path) -> None:
    process = started("--grid", "paper-real-valued", "--data", tiny, "--epochs", 2000, "--results", tmp_path)
    folder = tmp_path / "paper-real-valued"
    for _ in range(3):
        worker, epoch = None, max((r["epochs_done"] for r in rows_of(folder)), default=0)
        wait_until(lambda known=epoch: any(r["epochs_done"] > known for r in rows_of(folder)))
        for child in psutil.Process(process.pid).children(recursive=True):
            if "ray::ImplicitFunc" in " ".join(child.cmdline()):
                worker = child
        assert worker
        worker.kill()
    assert process.wait(timeout=90) == 1
    [row] = rows_of(folder)
    assert (row["status"], row["error"]) == ("failed", "its worker process died 3 times")


def test_without_a_gpu_only_what_would_be_measured_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head of a cluster plans for GPUs that it does not have."""
    monkeypatch.setattr("study.commands.grid.has_gpu", lambda: False)
    store = Store(tmp_path, "s")
    assert _cohorts([], store, "cuda", None) == []
    few, many = (cohort(tiny, seeds=count).members for count in (16, 17))
    assert [len(c.members) for c in _cohorts(few, store, "cuda", None)] == [16]
    with pytest.raises(UserError, match="--cohort-size N"):
        _cohorts(many, store, "cuda", None)


def test_trials_are_told_absolute_paths_and_the_engine(tmp_path: Path) -> None:
    """Their working folder is Ray's."""
    options = RunOptions(grid="paper", data="fashion-mnist", plugin=("mine.py",), engine="reference")
    task = task_of(options, Store(tmp_path, "s"), "cpu", "as-described")
    assert (task.root, task.engine) == (Path("datasets").resolve(), "reference")
    assert task.plugins == (str(Path("mine.py").resolve()),)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The members as they stand."""
    return list(Store(folder.parent, folder.name).statuses().values())


@pytest.mark.alone
@pytest.mark.parametrize(
    ("executor", "times"),
    [("ray", 1), ("local", 1), ("local", 2), pytest.param("ray", 2, marks=pytest.mark.long)],
    ids=["ray", "local", "local, twice", "ray, twice"],
)
def test_an_interrupt_ends_the_run_soon_and_says_how_to_go_on(executor: str, times: int, tmp_path: Path) -> None:
    """In the middle of an epoch that takes a minute."""
    options = [*RUN, "--grid", "paper-neurons", "--results", str(tmp_path), "--executor", executor]
    process = subprocess.Popen(options, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not rows_of(tmp_path / "paper-neurons"):
        time.sleep(0.05)
    time.sleep(3)
    start = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    if times == 1 or process.returncode != -signal.SIGINT:  # a second one may find a process that is ending already
        assert process.returncode == 130
        assert said.endswith("interrupted: the same command goes on from the last whole epoch\n")
    assert time.monotonic() - start < 10
    assert {r["status"] for r in rows_of(tmp_path / "paper-neurons")} == {"running"}


@pytest.mark.alone
@pytest.mark.parametrize("executor", ["ray", "local"])
def test_sigterm_ends_a_background_job_that_is_deaf_to_ctrl_c(executor: str, tmp_path: Path) -> None:
    words = [*RUN, "--grid", "paper-neurons", "--results", tmp_path, "--executor", executor]
    shell = ["/bin/sh", "-c", f"trap '' INT; exec {shlex.join(map(str, words))}"]
    process = subprocess.Popen(shell, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: bool(rows_of(tmp_path / "paper-neurons")))
    process.send_signal(signal.SIGINT)
    time.sleep(2)
    assert process.poll() is None
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("interrupted: the same command goes on from the last whole epoch\n")
