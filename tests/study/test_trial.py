"""Trials in this process, on real digits."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from analysis.load import load_study
from binarygan.config import MemberConfig, paper_config
from binarygan.data import load_images
from binarygan.errors import UserError
from binarygan.training import EpochLosses, Trainer
from study.plan import Cohort
from study.publish import publish
from study.results import Store
from study.reuse import take_over
from study.schemas import SCHEMA_VERSION, SCHEMAS
from study.task import Task
from study.trial import train_cohort

MEASURED = ["seconds", "evaluation_seconds", "started_at"]


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is not what is tested here."""
    monkeypatch.setattr("binarygan.evaluation.EVALUATION_SAMPLES", 256)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.npy"
    np.save(path, load_images("mnist").bits(128).reshape(-1, 28, 28))
    return path


def cohort(source: Path, seeds: int, epochs: int = 2) -> Cohort:
    data = load_images(str(source))
    fields = {"objective": "gan", "data": data.name, "data_digest": data.digest, "train_images": 128, "epochs": epochs}
    members = [paper_config(fidelity="as-released", seed=s, critic_schedule="constant", **fields) for s in range(seeds)]
    return Cohort(tuple(members))


def train(source: Path, root: Path, whole: Cohort, study: str = "s", tensorboard: bool = False) -> Store:
    store = Store(root, study)
    store.create()
    settings = {"fidelity": "as-released", "source": str(source), "root": None, "device": "cpu"}
    task = Task(results=root, study=study, tensorboard=tensorboard, **settings)
    train_cohort(whole, task, lambda *_: None)
    return store


def table(store: Store, name: str) -> pd.DataFrame:
    keys = ["member_id"] if name == "members" else ["member_id", "epoch"]
    frame = pd.read_parquet(store.folder / name).sort_values(keys).reset_index(drop=True)
    return frame.drop(columns=MEASURED, errors="ignore")


class MemoryForTwo(Trainer):
    """Runs out of memory in the second epoch with more than two members: what a small GPU does."""

    def train_epoch(self) -> EpochLosses:
        if self.epochs_done == 1 and len(self.configs) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return super().train_epoch()


class MemoryForNone(Trainer):
    def train_epoch(self) -> EpochLosses:
        raise torch.OutOfMemoryError("out of memory")


def test_out_of_memory_halves_the_cohort_and_loses_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cohort(source, 5)
    expected = train(source, tmp_path / "whole", whole)
    monkeypatch.setattr("study.trial.Trainer", MemoryForTwo)
    halved = train(source, tmp_path / "halved", whole)
    assert set(table(halved, "members")["status"]) == {"done"}
    pd.testing.assert_frame_equal(table(halved, "curves"), table(expected, "curves"), rtol=1e-4)
    assert not list((halved.folder / "checkpoints").rglob("epoch-*")), "nothing is left to go on from"


def test_a_member_that_does_not_fit_alone_says_so(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.trial.Trainer", MemoryForNone)
    with pytest.raises(torch.OutOfMemoryError):
        train(source, tmp_path, cohort(source, 2))
    rows = table(Store(tmp_path, "s"), "members")
    assert rows["status"].tolist() == ["failed", "failed"]
    assert rows["error"].str.contains("OutOfMemoryError: out of memory").all()


def test_a_cut_off_cohort_is_known_from_its_checkpoint(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CutOff(Trainer):
        def train_epoch(self) -> EpochLosses:
            if self.epochs_done == 1:
                raise KeyboardInterrupt
            return super().train_epoch()

    monkeypatch.setattr("study.trial.Trainer", CutOff)
    whole = cohort(source, 3)
    with pytest.raises(KeyboardInterrupt):
        train(source, tmp_path, whole)
    assert Store(tmp_path, "s").started() == [list[MemberConfig](whole.members)]


def test_members_of_neighbouring_studies_are_taken_over(source: Path, tmp_path: Path) -> None:
    whole = cohort(source, 2, epochs=1)
    first = train(source, tmp_path, whole, "first")
    second = Store(tmp_path, "second")
    second.create()
    ids = [m.member_id for m in whole.members]
    (first.folder / "samples" / f"{ids[1]}.parquet").unlink()  # not whole: not taken
    assert take_over(second, [*ids, "unknown"]) == {ids[0]: "first"}
    row = table(second, "members").iloc[0]
    assert (row["member_id"], row["study"], row["status"]) == (ids[0], "second", "done")
    for name in ("curves", "samples", "histograms"):
        theirs = table(first, name)
        theirs = theirs[theirs["member_id"] == ids[0]].reset_index(drop=True)
        pd.testing.assert_frame_equal(table(second, name), theirs)
    assert take_over(second, [ids[0]]) == {ids[0]: "first"}


def test_one_thread_whatever_the_environment_says() -> None:
    code = (
        "import numpy, scipy.linalg, torch, threadpoolctl\n"
        "from binarygan.threads import use_one_thread\n"
        "use_one_thread()\n"
        "print({torch.get_num_threads(), *(p['num_threads'] for p in threadpoolctl.threadpool_info())})"
    )
    many = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "7")
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=many)
    assert outcome.stdout.strip() == "{1}"


def test_published_studies_are_read_as_they_were(source: Path, tmp_path: Path) -> None:
    whole = cohort(source, 3, epochs=3)
    first = train(source, tmp_path, Cohort(whole.members[:2]), "first")
    second = train(source, tmp_path, Cohort(whole.members[1:]), "second")
    target = tmp_path / "published" / "both"
    assert publish([first.folder, second.folder], target) == 3
    assert publish([target], tmp_path / "again") == 3
    for folder in (target, tmp_path / "again"):
        study = load_study(folder)
        assert (len(study.members), study.problems) == (3, ())
        assert study.curves().groupby("member_id")["epoch"].apply(list).tolist() == [[1, 2, 3]] * 3
        for member in whole.members:
            kept = [1, 2, 3] if member.seed == 0 else [3]
            assert [s.epoch for s in study.evolution(member.member_id)] == kept
            origin = first if member.seed < 2 else second
            before, after = (load_study(f).histogram(member.member_id) for f in (origin.folder, folder))
            assert before is not None
            assert after is not None
            np.testing.assert_array_equal(before[1], after[1])
    with pytest.raises(UserError, match="holds no study"):
        publish([tmp_path / "none"], target)


def test_a_failure_is_published_unless_another_study_has_the_member_done(source: Path, tmp_path: Path) -> None:
    whole = cohort(source, 2, epochs=1)
    failed = train(source, tmp_path, whole, "failed")
    for member in whole.members:
        [row] = failed.read("members", member.member_id)
        failed.write("members", member.member_id, [row | {"status": "failed", "error": "it died"}])
    done = train(source, tmp_path, Cohort(whole.members[:1]), "done")
    assert publish([failed.folder, done.folder], tmp_path / "published") == 2
    rows = load_study(tmp_path / "published").members.set_index("seed")
    assert rows["status"].to_dict() == {0: "done", 1: "failed"}


class Diverges(Trainer):
    """The second member's generator has a NaN in it after the second epoch."""

    def train_epoch(self) -> EpochLosses:
        losses = super().train_epoch()
        if self.epochs_done == 2:
            with torch.no_grad():
                self.generator_parameters["0.weight"][1, 0, 0] = torch.nan
        return losses


def test_a_member_that_diverges_ends_alone(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cohort(source, 3, epochs=4)
    expected = train(source, tmp_path / "whole", whole)
    monkeypatch.setattr("study.trial.Trainer", Diverges)
    disturbed = train(source, tmp_path / "disturbed", whole)
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


def test_a_cohort_that_diverged_whole_ends(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class DivergesWhole(Trainer):
        def train_epoch(self) -> EpochLosses:
            losses = super().train_epoch()
            return dataclasses.replace(losses, generator_loss=losses.generator_loss * torch.inf)

    monkeypatch.setattr("study.trial.Trainer", DivergesWhole)
    store = train(source, tmp_path, cohort(source, 2, epochs=4))
    rows = table(store, "members")
    assert rows["error"].str.match(r"epoch 1: generator_loss is -?inf").all()
    assert set(rows["epochs_done"]) == {1}
    assert not list(store.folder.rglob("epoch-*"))


def test_rows_of_an_epoch_are_replaced_not_doubled(source: Path, tmp_path: Path) -> None:
    store = Store(tmp_path, "s")
    store.create()
    for epoch in (1, 2, 3, 2):  # as after a crash between the rows and the checkpoint
        store.append("curves", "m", {"member_id": "m", "epoch": epoch, "slope": float(epoch)})
    assert [r["epoch"] for r in store.read("curves", "m")] == [1, 2]


def test_what_a_newer_program_wrote_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path, "s")
    store.create()
    newer = SCHEMAS["members"].with_metadata({"schema_version": str(SCHEMA_VERSION + 1)})
    pq.write_table(pa.Table.from_pylist([{"member_id": "m"}], schema=newer), store.folder / "members" / "m.parquet")
    with pytest.raises(UserError, match="update it"):
        store.statuses()
    (store.folder / "members" / "m.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(UserError, match="is damaged"):
        store.statuses()


def test_tensorboard_has_the_curves_where_it_is_asked_for(source: Path, tmp_path: Path) -> None:
    from tensorboardX.proto.event_pb2 import Event

    whole = cohort(source, 1, epochs=2)
    store = train(source, tmp_path, whole)
    assert not (store.folder / "tensorboard").exists()
    train(source, tmp_path, whole, "with", tensorboard=True)
    [path] = (tmp_path / "with" / "tensorboard" / whole.members[0].member_id).iterdir()
    found = {}
    content = path.read_bytes()
    while content:  # TFRecord: length (8), its checksum (4), data, its checksum (4)
        length = int.from_bytes(content[:8], "little")
        event = Event.FromString(content[12 : 12 + length])
        found |= {(v.tag, event.step): v.simple_value for v in event.summary.value}
        content = content[16 + length :]
    for row in store.read("curves", whole.members[0].member_id):
        for name in ("fid", "generator_loss"):
            assert found[name, row["epoch"]] == pytest.approx(row[name], rel=1e-6)


def test_rows_of_many_epochs_are_appended_and_replaced(tmp_path: Path) -> None:
    """More than stand in one row group, and an epoch that is done again with those after it."""
    store = Store(tmp_path, "s")
    store.create()
    for epoch in range(1, 21):
        store.append("curves", "m", {"member_id": "m", "epoch": epoch, "slope": 1.0})
    assert [r["epoch"] for r in store.read("curves", "m")] == list(range(1, 21))
    store.append("curves", "m", {"member_id": "m", "epoch": 11, "slope": 2.0})
    rows = store.read("curves", "m")
    assert [(r["epoch"], r["slope"]) for r in rows] == [*((e, 1.0) for e in range(1, 11)), (11, 2.0)]
