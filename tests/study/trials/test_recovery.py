"""Trials that are cut off, run out of memory or diverge: nothing is lost, nothing counted twice."""

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from cohorts import cohort, table, train

from binarygan.config import MemberConfig
from binarygan.training import checkpoints
from binarygan.training.trainer import EpochLosses, Trainer
from study.design.cohorts import Cohort
from study.store.resume import started, tidy
from study.store.schemas import SCHEMAS
from study.store.store import Store

pytestmark = pytest.mark.usefixtures("few_samples")


def cut_before(monkeypatch: pytest.MonkeyPatch, table_name: str, epoch: int) -> None:
    """A kill before the first row that a trial writes of this table and epoch."""
    original = Store.write

    def write(store: Store, name: str, member_id: str, rows: list[dict[str, Any]]) -> None:
        if name == table_name and rows[0]["epochs_done"] == epoch:
            raise KeyboardInterrupt
        original(store, name, member_id, rows)

    monkeypatch.setattr(Store, "write", write)


def train_and_cut(monkeypatch: pytest.MonkeyPatch, data: Path, results: Path, whole: Cohort, *, before: int) -> None:
    """Train, and be killed before the members' rows of this epoch are written."""
    with monkeypatch.context() as patched:
        cut_before(patched, "members", before)
        with pytest.raises(KeyboardInterrupt):
            train(data, results, whole)


class MemoryForTwo(Trainer):
    """Runs out of memory in the second epoch with more than two members: what a small GPU does."""

    error = RuntimeError("CUDA error: out of memory")

    def train_epoch(self) -> EpochLosses:
        if self.epochs_done == 1 and len(self.configs) > 2:
            raise self.error
        return super().train_epoch()


class MemoryForNone(Trainer):
    def train_epoch(self) -> EpochLosses:
        raise torch.OutOfMemoryError("out of memory")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("out of memory"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=["torch's", "a graph's", "cuBLAS's"],
)
def test_out_of_memory_halves_the_cohort_and_loses_nothing(
    error: RuntimeError, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cohort(tiny, 5)
    expected = train(tiny, tmp_path / "whole", whole)
    monkeypatch.setattr(MemoryForTwo, "error", error)
    monkeypatch.setattr("study.trials.trial.Trainer", MemoryForTwo)
    halved = train(tiny, tmp_path / "halved", whole)
    assert set(table(halved, "members")["status"]) == {"done"}
    pd.testing.assert_frame_equal(table(halved, "curves"), table(expected, "curves"), rtol=1e-4)
    assert not list((halved.folder / "checkpoints").rglob("epoch-*")), "nothing is left to go on from"


def test_a_member_that_does_not_fit_alone_says_so(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.trials.trial.Trainer", MemoryForNone)
    with pytest.raises(torch.OutOfMemoryError):
        train(tiny, tmp_path, cohort(tiny, 2))
    rows = table(Store(tmp_path, "s"), "members")
    assert rows["status"].tolist() == ["failed", "failed"]
    assert rows["error"].str.contains("OutOfMemoryError: out of memory").all()


def test_a_cut_off_cohort_is_known_from_its_checkpoint(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CutOff(Trainer):
        def train_epoch(self) -> EpochLosses:
            if self.epochs_done == 1:
                raise KeyboardInterrupt
            return super().train_epoch()

    monkeypatch.setattr("study.trials.trial.Trainer", CutOff)
    whole = cohort(tiny, 3)
    with pytest.raises(KeyboardInterrupt):
        train(tiny, tmp_path, whole)
    assert list(started(Store(tmp_path, "s")).values()) == [list[MemberConfig](whole.members)]


def test_halves_report_each_epoch_once_and_whole(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, list[int]]] = []
    monkeypatch.setattr("study.trials.trial.Trainer", MemoryForTwo)
    whole = cohort(tiny, 5, epochs=3)
    train(tiny, tmp_path, whole, report=lambda epoch, rows: told.append((epoch, [r["epochs_done"] for r in rows])))
    assert told == [(epoch, [epoch] * 5) for epoch in (1, 2, 3)]


def test_halves_report_to_the_end_where_one_diverges_whole(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FirstHalfDiverges(MemoryForTwo):
        def train_epoch(self) -> EpochLosses:
            losses = super().train_epoch()
            if self.configs[0].seed == 0 and self.epochs_done == 2:
                return dataclasses.replace(losses, generator_loss=losses.generator_loss * torch.inf)
            return losses

    told: list[tuple[int, list[str]]] = []
    monkeypatch.setattr("study.trials.trial.Trainer", FirstHalfDiverges)
    whole = cohort(tiny, 3, epochs=4)
    train(tiny, tmp_path, whole, report=lambda epoch, rows: told.append((epoch, [r["status"] for r in rows])))
    assert [epoch for epoch, _ in told] == [1, 2, 3, 4]
    assert told[-1][1] == ["diverged", "diverged", "done"]


def test_a_kill_at_the_last_epoch_costs_that_epoch_alone(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cohort(tiny, 2, epochs=3)
    expected = train(tiny, tmp_path / "whole", whole)
    train_and_cut(monkeypatch, tiny, tmp_path / "cut", whole, before=3)
    trained: list[int] = []

    class Counting(Trainer):
        def train_epoch(self) -> EpochLosses:
            losses = super().train_epoch()
            trained.append(self.epochs_done)
            return losses

    monkeypatch.setattr("study.trials.trial.Trainer", Counting)
    again = train(tiny, tmp_path / "cut", whole)
    assert trained == [3]
    for name in SCHEMAS:
        pd.testing.assert_frame_equal(table(again, name), table(expected, name), check_exact=True)
    assert not list((again.folder / "checkpoints").rglob("epoch-*"))


@pytest.mark.parametrize("lost", ["curves", "samples", "histograms"])
def test_a_file_that_was_moved_away_is_made_again_from_the_first_epoch(
    lost: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the program advises where one is damaged: its earlier epochs are in no checkpoint."""
    whole = cohort(tiny, 1, epochs=3)
    expected = train(tiny, tmp_path / "whole", whole)
    train_and_cut(monkeypatch, tiny, tmp_path / "cut", whole, before=3)
    [file] = (tmp_path / "cut" / "s" / lost).glob("*.parquet")
    file.unlink()
    again = train(tiny, tmp_path / "cut", whole)
    for name in SCHEMAS:
        pd.testing.assert_frame_equal(table(again, name), table(expected, name), check_exact=True)


def test_a_member_without_all_its_epochs_is_never_done(tiny: Path, tmp_path: Path) -> None:
    """Another process that was taken for dead writes, too, and drops what is later than its own epoch."""
    whole = cohort(tiny, 1, epochs=3)
    member_id = whole.members[0].member_id

    def other(epoch: int, _: object) -> None:
        if epoch == 2:
            store = Store(tmp_path, "s")
            store.write("curves", member_id, store.read("curves", member_id)[:1])

    with pytest.raises(RuntimeError, match="has no curves of epoch 2: another process wrote here"):
        train(tiny, tmp_path, whole, report=other)
    [row] = Store(tmp_path, "s").read("members", member_id)
    assert row["status"] == "failed"
    again = train(tiny, tmp_path, whole)
    assert again.read("members", member_id)[0]["status"] == "done"
    assert list(again.epochs("curves", member_id)) == [1, 2, 3]


def test_checkpoints_of_a_finished_cohort_are_tidied(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "forget_epochs", killed)
        with pytest.raises(KeyboardInterrupt):
            train(tiny, tmp_path, cohort(tiny, 2))
    store = Store(tmp_path, "s")
    assert len(started(store)) == 1
    tidy(store)
    assert not started(store)
    assert [p.name for p in (store.folder / "checkpoints").rglob("*.safetensors")] == ["final.safetensors"]


def test_finished_members_of_a_cohort_that_goes_on_keep_what_they_have(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them may have been taken over from another study since the cohort was cut off."""
    whole = cohort(tiny, 2, epochs=3)
    expected = train(tiny, tmp_path / "whole", whole)
    train_and_cut(monkeypatch, tiny, tmp_path / "cut", whole, before=2)
    first, cut = whole.members[0].member_id, Store(tmp_path / "cut", "s")
    for name in reversed(SCHEMAS):
        cut.write(
            name, first, [row | ({"seconds": 7.0} if name == "members" else {}) for row in expected.read(name, first)]
        )
    with monkeypatch.context() as patched:
        cut_before(patched, "members", 3)
        with pytest.raises(KeyboardInterrupt):
            train(tiny, tmp_path / "cut", whole)
    [row] = cut.read("members", first)
    assert (row["status"], row["seconds"], len(cut.read("samples", first))) == ("done", 7.0, 3)
    train(tiny, tmp_path / "cut", whole)
    for name in SCHEMAS:
        pd.testing.assert_frame_equal(table(cut, name), table(expected, name), check_exact=True)


class Diverges(Trainer):
    """The second member's generator has a NaN in it after the second epoch."""

    def train_epoch(self) -> EpochLosses:
        losses = super().train_epoch()
        if self.epochs_done == 2:
            with torch.no_grad():
                self.generator.parameters["0.weight"][1, 0, 0] = torch.nan
        return losses


def test_a_member_that_diverges_ends_alone(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cohort(tiny, 3, epochs=4)
    expected = train(tiny, tmp_path / "whole", whole)
    monkeypatch.setattr("study.trials.trial.Trainer", Diverges)
    disturbed = train(tiny, tmp_path / "disturbed", whole)
    lost = whole.members[1].member_id
    [row] = disturbed.read("members", lost)
    assert (row["status"], row["epochs_done"]) == ("diverged", 2)
    assert row["error"] == "epoch 2: the generator's parameters are not finite"
    assert [c["epoch"] for c in disturbed.read("curves", lost)] == [1, 2]
    assert [s["epoch"] for s in disturbed.read("samples", lost)] == [1], "nothing was measured of it since"
    for name in SCHEMAS:
        mates = [t[t["member_id"] != lost] for t in (table(disturbed, name), table(expected, name))]
        mates = [mate.reset_index(drop=True) for mate in mates]
        pd.testing.assert_frame_equal(mates[0], mates[1], check_exact=True)


def test_a_cohort_that_diverged_whole_ends(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class DivergesWhole(Trainer):
        def train_epoch(self) -> EpochLosses:
            losses = super().train_epoch()
            return dataclasses.replace(losses, generator_loss=losses.generator_loss * torch.inf)

    monkeypatch.setattr("study.trials.trial.Trainer", DivergesWhole)
    store = train(tiny, tmp_path, cohort(tiny, 2, epochs=4))
    rows = table(store, "members")
    assert rows["error"].str.match(r"epoch 1: generator_loss is -?inf").all()
    assert set(rows["epochs_done"]) == {1}
    assert not list(store.folder.rglob("epoch-*"))


@pytest.mark.parametrize("what", ["loss", "parameters"])
def test_divergence_is_found_out_again_after_a_kill(
    what: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnceInfinite(Trainer):
        def train_epoch(self) -> EpochLosses:
            losses = super().train_epoch()
            if self.epochs_done == 1:
                losses.generator_loss[1] = torch.inf
            return losses

    monkeypatch.setattr("study.trials.trial.Trainer", OnceInfinite if what == "loss" else Diverges)
    at = 1 if what == "loss" else 2
    whole = cohort(tiny, 2, epochs=3)
    expected = train(tiny, tmp_path / "whole", whole)
    with monkeypatch.context() as patched:
        cut_before(patched, "members", at)
        with pytest.raises(KeyboardInterrupt):
            train(tiny, tmp_path / "cut", whole)
    again = train(tiny, tmp_path / "cut", whole)
    assert again.read("members", whole.members[1].member_id)[0]["epochs_done"] == at
    pd.testing.assert_frame_equal(table(again, "members"), table(expected, "members"), check_exact=True)
