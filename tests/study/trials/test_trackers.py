"""Trackers, by what the real packages wrote."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cohorts import cohort, train
from running import assert_refused, here

from binarygan.errors import UserError
from study.store.store import Store
from study.trials.trackers import TRACKERS, Tracker, check_trackers

pytestmark = pytest.mark.usefixtures("few_samples")
NAMES = ("fid", "generator_loss")
Curve = dict[tuple[str, int], float]


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_API_KEY", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def stored(store: Store, member_id: str) -> Curve:
    return {(n, row["epoch"]): row[n] for row in store.read("curves", member_id) for n in NAMES}


def of_tensorboard(folder: Path, member_id: str) -> Curve:
    from tensorboardX.proto.event_pb2 import Event

    found: Curve = {}
    [path] = (folder / "tensorboard" / member_id).iterdir()
    content = path.read_bytes()
    while content:  # TFRecord: length (8), its checksum (4), data, its checksum (4)
        length = int.from_bytes(content[:8], "little")
        event = Event.FromString(content[12 : 12 + length])
        found |= {(v.tag, event.step): v.simple_value for v in event.summary.value}
        content = content[16 + length :]
    return found


def of_mlflow(folder: Path, member_id: str) -> Curve:
    tracking = pytest.importorskip("mlflow.tracking")
    client = tracking.MlflowClient(tracking_uri=(folder / "mlflow").as_uri())
    experiment = client.get_experiment_by_name(folder.name)
    [run] = client.search_runs([experiment.experiment_id], f"tags.member_id = '{member_id}'")
    assert run.info.status == "FINISHED"
    assert run.data.params["neuron"] == "deterministic"
    return {(n, m.step): m.value for n in NAMES for m in client.get_metric_history(run.info.run_id, n)}


def of_wandb(folder: Path, member_id: str) -> Curve:
    internal = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    [path] = (folder / "wandb").glob(f"offline-run-*-{member_id}/*.wandb")
    found: Curve = {}
    for content in _records(path.read_bytes()):
        record = internal.Record.FromString(content)
        items = {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}
        found |= {(n, items["_step"]): items[n] for n in NAMES if n in items}
    return found


def _records(content: bytes) -> Iterator[bytes]:
    """The records of a LevelDB log: blocks of 32 KiB; each piece has a checksum (4), a length (2) and a type (1)."""
    at, whole = 7, b""  # the file's own header
    while at + 7 <= len(content):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a whole record, or the last piece of one
            yield whole
            whole = b""


READERS = {"tensorboard": of_tensorboard, "mlflow": of_mlflow, "wandb": of_wandb}


@pytest.mark.parametrize("name", READERS)
def test_a_tracker_is_told_each_epoch_where_it_is_asked_for(name: str, tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip(TRACKERS[name].package)
    whole = cohort(tiny, 2, epochs=2)
    store = train(tiny, tmp_path, whole, trackers=(name,))
    for member in whole.members:
        expected = stored(store, member.member_id)
        found = READERS[name](store.folder, member.member_id)
        assert {k: found[k] for k in expected} == pytest.approx(expected, rel=1e-6)
    assert not (train(tiny, tmp_path, whole, "without").folder / name).exists()


def test_a_run_that_is_gone_on_with_is_one_run_of_mlflow(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    row = {"study": "s", "member_id": "a", "cell_id": "b", "neuron": "deterministic"}
    for epoch, status in ((1, "running"), (2, "done")):
        tracker = TRACKERS["mlflow"](tmp_path / "s", row)
        tracker.epoch(epoch, {"fid": float(epoch), "generator_loss": 0.5})
        tracker.close(status)
    assert of_mlflow(tmp_path / "s", "a") == {
        ("fid", 1): 1.0,
        ("generator_loss", 1): 0.5,
        ("fid", 2): 2.0,
        ("generator_loss", 2): 0.5,
    }


class Broken(Tracker):
    package: ClassVar = "json"
    told: ClassVar[list[int]] = []

    def __init__(self, folder: Path, row: Mapping[str, Any]) -> None: ...

    def epoch(self, epoch: int, numbers: Mapping[str, float]) -> None:
        self.told.append(epoch)
        raise OSError("no space left")

    def close(self, status: str) -> None: ...


def test_a_tracker_that_fails_costs_no_run(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(TRACKERS, "_parts", {**TRACKERS._parts, "broken": Broken})
    whole = cohort(tiny, 1, epochs=2)
    store = train(tiny, tmp_path, whole, trackers=("broken",))
    [row] = store.read("members", whole.members[0].member_id)
    assert (row["status"], row["epochs_done"], Broken.told) == ("done", 2, [1])
    assert f"--log broken gets no more of run {row['member_id']}: OSError: no space left" in caplog.text


def test_what_cannot_be_told_is_refused_first(batch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("--grid", "paper-neurons", "--data", batch, "--results", tmp_path)
    assert_refused(here(*options, "--log", "tensorbord"), "did you mean 'tensorboard'")
    monkeypatch.setattr(Broken, "package", "no_such_package")
    monkeypatch.setattr(TRACKERS, "_parts", {"broken": Broken})
    assert_refused(here(*options, "--log", "broken"), "--log broken needs the package no_such_package: pip install")
    assert not list(tmp_path.iterdir())


def test_a_bucket_is_no_place_for_event_files() -> None:
    from binarygan.io.files import path_of

    with pytest.raises(UserError, match="--log tensorboard writes to a disk, not to memory://results"):
        check_trackers(["tensorboard"], path_of("memory://results"))
