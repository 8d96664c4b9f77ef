"""A study across three real Ray nodes, one of which dies in the middle."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cohorts import assert_same
from ray_nodes import Nodes
from running import ROOT, RUN, assert_refused, command, wait_until

from binarygan.registry import file_digest
from study.store.store import Store

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    with TemporaryDirectory(prefix="r", dir="/tmp") as scratch:  # Ray's sockets need a short path
        found = Nodes(Path(scratch))
        try:
            yield found
        finally:
            found.stop()


def test_a_study_outlives_one_of_its_three_nodes(nodes: Nodes, batch: Path, tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        nodes.start(name)
    options = ["--grid", "paper-real-valued", "--seeds", "4", "--epochs", "3", "--data", str(batch), "--study", "s"]
    process = subprocess.Popen(
        [*RUN, *options, "--results", str(tmp_path / "cut"), "--address", nodes.address],
        cwd=ROOT,
        env=nodes.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    store = Store(tmp_path / "cut", "s")
    wait_until(lambda: sum(r["epochs_done"] > 0 for r in store.statuses().values()) >= 3)
    nodes.kill("third")
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said
    assert command(*options, "--results", tmp_path / "whole", "--executor", "local").returncode == 0
    assert_same(store, Store(tmp_path / "whole", "s"))
    assert {r["status"] for r in store.statuses().values()} == {"done"}


def test_custom_resources_decide_where_trials_go(nodes: Nodes, batch: Path, tmp_path: Path) -> None:
    """Resources that no node has are refused at once; so is a cluster whose token is another."""
    nodes.start("first")
    options = ["--grid", "paper-real-valued", "--epochs", "1", "--data", str(batch), "--study", "s"]
    options += ["--results", str(tmp_path), "--address", nodes.address]
    cases = {
        "no node of the Ray cluster has 1 tpu": (["--resource", "tpu=1"], nodes.environment),
        "no node of the Ray cluster has 4 cpu": (["--cpus-per-trial", "4"], nodes.environment),
        "refuses this machine's token": ([], nodes.environment | {"RAY_AUTH_TOKEN": "0" * 32}),
    }
    for words, (more, environment) in cases.items():
        assert_refused(command(*options, *more, environment=environment), words)
    fits = ["--resource", "first=0.5", "--cpus-per-trial", "0.5", "--max-concurrent", "1"]
    outcome = command(*options, *fits, environment=nodes.environment)
    assert outcome.returncode == 0, outcome.stderr


def test_a_plugin_goes_to_a_node_that_has_no_copy_of_it(nodes: Nodes, batch: Path, tmp_path: Path) -> None:
    """Its objective trains there, and its digest is that of the file here."""
    private = tmp_path / "private"
    private.mkdir()
    plugin = shutil.copy(ROOT / "examples" / "hinge.py", private)
    nodes.start("first")
    nodes.start("second", without=private)
    options = ["--sweep", "objective=hinge", "--study", "s", "--epochs", "1", "--data", str(batch)]
    options += ["--plugin", str(plugin), "--results", str(tmp_path / "r"), "--resource", "second=1"]
    outcome = command(*options, "--address", nodes.address, environment=nodes.environment)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    (row,) = Store(tmp_path / "r", "s").statuses().values()
    assert (row["objective"], row["status"]) == ("hinge", "done")
    assert json.loads(row["part_sources"]) == {"objective": file_digest(ROOT / "examples" / "hinge.py")}
