"""More epochs: a longer study goes on from what a shorter one of the same results root has finished."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cohorts import assert_same
from running import here

from study.store.store import Store

pytestmark = pytest.mark.usefixtures("few_samples", "committed")
SAME = ("--grid", "paper-neurons", "--only", "neuron=deterministic,stochastic", "--executor", "local")
SAME += ("--set", "critic_schedule=constant")
Run = Callable[..., tuple[str, Store]]


def files(store: Store, name: str) -> list[Path]:
    return sorted((store.folder / "checkpoints").glob(f"*/{name}"))


@pytest.fixture
def trained(batch: Path, tmp_path: Path) -> Run:
    """A function that runs the grid with so many epochs as a study, and returns what it printed and the store."""

    def train(epochs: int, study: str, *options: str, root: str = "results") -> tuple[str, Store]:
        where = ("--data", batch, "--results", tmp_path / root, "--study", study, "--epochs", epochs)
        outcome = here(*SAME, *where, *options)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout, Store(tmp_path / root, study)

    return train


def test_more_epochs_go_on_and_give_what_training_at_once_gives(trained: Run) -> None:
    """Two runs in one training state each time."""
    sized = ("--cohort-size", "2")
    _, short = trained(1, "short", *sized)
    before = {p: p.read_bytes() for p in short.folder.rglob("*.parquet")}
    trained(2, "middle", *sized)
    planned, _ = trained(3, "long", *sized, "--plan")
    said, longer = trained(3, "long", *sized)
    assert "long: 2 members of middle with 2 epochs: the longer runs go on from there\n" in said
    assert "  2 members of middle with 2 epochs: the longer runs go on from there\n" in planned
    assert {r["git_commit"] for r in longer.statuses().values()} == {"0" * 40}
    assert {p: p.read_bytes() for p in before} == before
    _, at_once = trained(3, "long", *sized, root="elsewhere")
    assert_same(longer, at_once)
    assert not files(longer, "epoch-*")


def test_runs_without_a_training_state_begin_anew_and_the_command_says_so(trained: Run) -> None:
    _, short = trained(1, "short", "--forget-state")
    assert not files(short, "state.safetensors")
    said, longer = trained(2, "long")
    assert "long: 2 members of short with 1 epoch: kept no training state that can be read" in said
    assert {(r["status"], r["epochs_done"]) for r in longer.statuses().values()} == {("done", 2)}


def test_a_damaged_state_costs_no_run(trained: Run) -> None:
    _, short = trained(1, "short")
    for path in files(short, "state.safetensors"):
        path.write_bytes(path.read_bytes()[:-9])
    said, longer = trained(2, "long")
    assert "long: 2 members of short with 1 epoch: kept no training state that can be read" in said
    assert {(r["status"], r["epochs_done"]) for r in longer.statuses().values()} == {("done", 2)}
