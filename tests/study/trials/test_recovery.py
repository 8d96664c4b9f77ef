"""Trials that are cut off, run out of memory or diverge: nothing is lost, nothing counted twice."""

import dataclasses
import errno
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from cohorts import assert_same, cohort, table, train

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.training import checkpoints
from binarygan.training.trainer import EpochLosses, Trainer
from study.design.cohorts import Cohort
from study.store.resume import started, tidy
from study.store.schemas import SCHEMAS
from study.store.store import Store

pytestmark = pytest.mark.usefixtures("few_samples")
Undisturbed = Callable[[int, int], tuple[Cohort, Store]]


@pytest.fixture(scope="module")
def undisturbed(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A cohort of so many seeds and epochs, and its study, to which nothing happened; each is trained once."""

    @cache
    def of(seeds: int, epochs: int) -> tuple[Cohort, Store]:
        whole = cohort(tiny, seeds, epochs)
        return whole, train(tiny, tmp_path_factory.mktemp("whole"), whole)

    return of


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has something happen to trainers before or after each epoch."""

    def patch(
        before: Callable[[Trainer], object] = lambda _: None,
        after: Callable[[Trainer, EpochLosses], EpochLosses] = lambda _, losses: losses,
    ) -> None:
        class Disturbed(Trainer):
            def train_epoch(self) -> EpochLosses:
                before(self)
                return after(self, super().train_epoch())

        monkeypatch.setattr("study.trials.trial.Trainer", Disturbed)

    return patch


def infinite(losses: EpochLosses) -> EpochLosses:
    return dataclasses.replace(losses, generator_loss=losses.generator_loss * torch.inf)


def lose_a_weight(trainer: Trainer, losses: EpochLosses) -> EpochLosses:
    """The second member's generator has a NaN in it after the second epoch."""
    if trainer.epochs_done == 2:
        with torch.no_grad():
            trainer.generator.parameters["0.weight"][1, 0, 0] = torch.nan
    return losses


def memory_for_two(error: Exception) -> Callable[[Trainer], None]:
    """Memory runs out in the second epoch with more than two members: what a small GPU does."""

    def fail(trainer: Trainer) -> None:
        if trainer.epochs_done == 1 and len(trainer.configs) > 2:
            raise error

    return fail


def train_and_cut(data: Path, results: Path, whole: Cohort, *, before: int) -> None:
    """Train, and be killed before the first row of members that a trial writes of this epoch."""
    original = Store.write

    def write(store: Store, name: str, member_id: str, rows: list[dict[str, Any]]) -> None:
        if name == "members" and rows[0]["epochs_done"] == before:
            raise KeyboardInterrupt
        original(store, name, member_id, rows)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Store, "write", write)
        with pytest.raises(KeyboardInterrupt):
            train(data, results, whole)


@pytest.mark.long
def test_out_of_memory_halves_the_cohort_and_loses_nothing(
    undisturbed: Undisturbed, disturb: Callable[..., None], tiny: Path, tmp_path: Path
) -> None:
    """Each epoch is reported once, of the whole cohort."""
    whole, expected = undisturbed(5, 3)
    told: list[tuple[int, list[int]]] = []
    disturb(memory_for_two(torch.OutOfMemoryError("out of memory")))
    halved = train(
        tiny, tmp_path, whole, report=lambda epoch, rows: told.append((epoch, [r["epochs_done"] for r in rows]))
    )
    assert told == [(epoch, [epoch] * 5) for epoch in (1, 2, 3)]
    assert set(table(halved, "members")["status"]) == {"done"}
    pd.testing.assert_frame_equal(table(halved, "curves"), table(expected, "curves"), rtol=1e-4)
    assert not list((halved.folder / "checkpoints").rglob("epoch-*")), "nothing is left to go on from"


def test_a_member_that_does_not_fit_alone_says_so(disturb: Callable[..., None], tiny: Path, tmp_path: Path) -> None:
    def none(_: Trainer) -> None:
        raise torch.OutOfMemoryError("out of memory")

    disturb(none)
    with pytest.raises(torch.OutOfMemoryError):
        train(tiny, tmp_path, cohort(tiny, 2))
    rows = table(Store(tmp_path, "s"), "members")
    assert rows["status"].tolist() == ["failed", "failed"]
    assert rows["error"].str.contains("OutOfMemoryError: out of memory").all()


def test_halves_report_to_the_end_where_one_diverges_whole(
    disturb: Callable[..., None], tiny: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, list[str]]] = []
    disturb(
        memory_for_two(RuntimeError("CUDA error: out of memory")),
        lambda t, losses: infinite(losses) if t.configs[0].seed == 0 and t.epochs_done == 2 else losses,
    )
    report = lambda epoch, rows: told.append((epoch, [r["status"] for r in rows]))  # noqa: E731
    train(tiny, tmp_path, cohort(tiny, 3, epochs=4), report=report)
    assert [epoch for epoch, _ in told] == [1, 2, 3, 4]
    assert told[-1][1] == ["diverged", "diverged", "done"]


def test_a_kill_at_the_last_epoch_costs_that_epoch_alone(
    undisturbed: Undisturbed, disturb: Callable[..., None], tiny: Path, tmp_path: Path
) -> None:
    whole, expected = undisturbed(2, 3)
    train_and_cut(tiny, tmp_path, whole, before=3)
    assert list(started(Store(tmp_path, "s")).values()) == [list[MemberConfig](whole.members)]
    trained: list[int] = []
    disturb(lambda trainer: trained.append(trainer.epochs_done))
    again = train(tiny, tmp_path, whole)
    assert trained == [2]
    assert_same(again, expected)
    assert not list((again.folder / "checkpoints").rglob("epoch-*"))


@pytest.mark.parametrize("lost", ["curves", "samples", "histograms"])
def test_a_file_that_was_moved_away_is_made_again_from_the_first_epoch(
    lost: str, undisturbed: Undisturbed, tiny: Path, tmp_path: Path
) -> None:
    """As the program advises where one is damaged: its earlier epochs are in no checkpoint."""
    whole, expected = undisturbed(1, 3)
    train_and_cut(tiny, tmp_path, whole, before=3)
    [file] = (tmp_path / "s" / lost).glob("*.parquet")
    file.unlink()
    assert_same(train(tiny, tmp_path, whole), expected)


def test_a_checkpoint_that_cannot_be_read_now_is_kept_and_gone_on_with_later(
    undisturbed: Undisturbed, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no damage: from the first epoch the study would lose what it has."""
    whole, expected = undisturbed(1, 3)
    train_and_cut(tiny, tmp_path, whole, before=3)
    [kept] = (tmp_path / "s" / "checkpoints").rglob("epoch-*")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refusing(Path.open, kept))
        for ask in (lambda: train(tiny, tmp_path, whole), lambda: started(Store(tmp_path, "s"))):
            with pytest.raises(UserError, match=r"cannot be read: .*; the file may well be whole$"):
                ask()
    assert kept.exists()
    [row] = Store(tmp_path, "s").read("members", whole.members[0].member_id)
    assert row["status"] == "failed"
    epochs: list[int] = []
    monkeypatch.setattr(Trainer, "train_epoch", noting(Trainer.train_epoch, epochs))
    assert_same(train(tiny, tmp_path, whole), expected)
    assert epochs == [2], "it went on from the second epoch"


def refusing(opens: Callable[..., Any], which: Path) -> Callable[..., Any]:
    """`Path.open`, but for one file: the machine says that too many are open."""

    def open_(path: Path, *words: Any, **more: Any) -> Any:
        if path == which:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return opens(path, *words, **more)

    return open_


def noting(trains: Callable[[Trainer], EpochLosses], epochs: list[int]) -> Callable[[Trainer], EpochLosses]:
    """`train_epoch`, which notes from where it goes on."""

    def train_epoch(trainer: Trainer) -> EpochLosses:
        epochs.append(trainer.epochs_done)
        return trains(trainer)

    return train_epoch


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
    undisturbed: Undisturbed, tiny: Path, tmp_path: Path
) -> None:
    """One of them may have been taken over from another study since the cohort was cut off."""
    whole, expected = undisturbed(2, 3)
    train_and_cut(tiny, tmp_path, whole, before=2)
    first, cut = whole.members[0].member_id, Store(tmp_path, "s")
    for name in reversed(list(SCHEMAS)):
        more = {"seconds": 7.0} if name == "members" else {}
        cut.write(name, first, [row | more for row in expected.read(name, first)])
    train_and_cut(tiny, tmp_path, whole, before=3)
    [row] = cut.read("members", first)
    assert (row["status"], row["seconds"], len(cut.read("samples", first))) == ("done", 7.0, 3)
    train(tiny, tmp_path, whole)
    assert_same(cut, expected)


def test_a_member_that_diverges_ends_alone(
    undisturbed: Undisturbed, disturb: Callable[..., None], tiny: Path, tmp_path: Path
) -> None:
    whole, expected = undisturbed(5, 3)
    disturb(after=lose_a_weight)
    disturbed = train(tiny, tmp_path, whole)
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


def test_a_cohort_that_diverged_whole_ends(disturb: Callable[..., None], tiny: Path, tmp_path: Path) -> None:
    disturb(after=lambda _, losses: infinite(losses))
    store = train(tiny, tmp_path, cohort(tiny, 2, epochs=4))
    rows = table(store, "members")
    assert rows["error"].str.match(r"epoch 1: generator_loss is -?inf").all()
    assert set(rows["epochs_done"]) == {1}
    assert not list(store.folder.rglob("epoch-*"))


def lose_a_loss(trainer: Trainer, losses: EpochLosses) -> EpochLosses:
    if trainer.epochs_done == 1:
        losses.generator_loss[1] = torch.inf
    return losses


@pytest.mark.parametrize(("after", "at"), [(lose_a_loss, 1), (lose_a_weight, 2)])
def test_divergence_is_found_out_again_after_a_kill(
    after: Callable[..., EpochLosses], at: int, disturb: Callable[..., None], tiny: Path, tmp_path: Path
) -> None:
    disturb(after=after)
    whole = cohort(tiny, 2, epochs=3)
    expected = train(tiny, tmp_path / "whole", whole)
    train_and_cut(tiny, tmp_path / "cut", whole, before=at)
    again = train(tiny, tmp_path / "cut", whole)
    assert again.read("members", whole.members[1].member_id)[0]["epochs_done"] == at
    pd.testing.assert_frame_equal(table(again, "members"), table(expected, "members"), check_exact=True)
