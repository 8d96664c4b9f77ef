"""Trials in this process, on real digits."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cohorts import cohort, table, train

from analysis.results.load import load_study
from binarygan.errors import UserError
from study.commands.grid import task_of
from study.design.cohorts import Cohort
from study.options import parser
from study.publish import publish
from study.store.reuse import take_over, trained_elsewhere
from study.store.schemas import SCHEMA_VERSION, SCHEMAS
from study.store.store import Store


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is not what is tested here."""
    monkeypatch.setattr("binarygan.metrics.evaluation.EVALUATION_SAMPLES", 256)


def test_members_of_neighbouring_studies_are_taken_over(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 2, epochs=1)
    first = train(tiny, tmp_path, whole, "first")
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


def test_what_only_claims_to_be_a_member_is_not_taken_over(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 2, epochs=2)
    first = train(tiny, tmp_path, whole, "first")
    mine, other = (m.member_id for m in whole.members)
    own = {name: first.read(name, mine) for name in SCHEMAS}

    def taken() -> bool:
        return trained_elsewhere(Store(tmp_path, "second"), [mine]) == {mine: "first"}

    assert taken()
    changes: list[tuple[str, list[dict[str, Any]]]] = [
        ("members", first.read("members", other)),
        ("members", own["members"] * 2),
        ("members", [own["members"][0] | {"learning_rate": 0.5}]),
        ("members", [own["members"][0] | {"epochs_done": 1}]),
        ("curves", own["curves"][:1]),
        ("samples", own["samples"][1:]),
        ("histograms", own["histograms"][:1]),
    ]
    for name, rows in changes:
        first.write(name, mine, rows)
        assert not taken(), name
        first.write(name, mine, own[name])
    assert taken()


def test_a_neighbours_row_is_read_before_what_belongs_to_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run may be going on: tables that are older than a row that says `done` would be torn."""
    whole, second, read = cohort(tiny, 1, epochs=1), Store(tmp_path, "second"), []
    train(tiny, tmp_path, whole, "first")
    second.create()
    original = Store.read

    def reading(store: Store, name: str, member_id: str) -> list[dict[str, Any]]:
        read.append((store.study, name))
        return original(store, name, member_id)

    monkeypatch.setattr(Store, "read", reading)
    assert len(take_over(second, [whole.members[0].member_id, *"abc"])) == 1
    assert [name for study, name in read if study == "first"] == ["members", *SCHEMAS], "and what is not there, never"


def test_a_member_that_other_extractors_measured_is_not_taken_over(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 1, epochs=1)
    first, member_id = train(tiny, tmp_path, whole, "first"), whole.members[0].member_id
    assert trained_elsewhere(Store(tmp_path, "second"), [member_id]) == {member_id: "first"}
    first.write("members", member_id, [first.read("members", member_id)[0] | {"extractors": "0123456789abcdef"}])
    assert trained_elsewhere(Store(tmp_path, "second"), [member_id]) == {}


def test_workers_are_told_where_data_sets_are(tmp_path: Path) -> None:
    """Their working folder is Ray's."""
    arguments = parser().parse_args(["--grid", "paper", "--data", "fashion-mnist"])
    assert task_of(arguments, Store(tmp_path, "s"), "cpu", "as-described").root == Path("datasets").resolve()


def test_one_thread_whatever_the_environment_says() -> None:
    code = (
        "import numpy, scipy.linalg, torch, threadpoolctl\n"
        "from binarygan.arithmetic.process import use_one_thread\n"
        "use_one_thread()\n"
        "print({torch.get_num_threads(), *(p['num_threads'] for p in threadpoolctl.threadpool_info())})"
    )
    many = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "7")
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=many)
    assert outcome.stdout.strip() == "{1}"


def test_published_studies_are_read_as_they_were(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 3, epochs=3)
    first = train(tiny, tmp_path, Cohort(whole.members[:2]), "first")
    second = train(tiny, tmp_path, Cohort(whole.members[1:]), "second")
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


def test_a_failure_is_published_unless_another_study_has_the_member_done(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 2, epochs=1)
    failed = train(tiny, tmp_path, whole, "failed")
    for member in whole.members:
        [row] = failed.read("members", member.member_id)
        failed.write("members", member.member_id, [row | {"status": "failed", "error": "it died"}])
    done = train(tiny, tmp_path, Cohort(whole.members[:1]), "done")
    assert publish([failed.folder, done.folder], tmp_path / "published") == 2
    rows = load_study(tmp_path / "published").members.set_index("seed")
    assert rows["status"].to_dict() == {0: "done", 1: "failed"}


def test_rows_of_an_epoch_are_replaced_not_doubled(tiny: Path, tmp_path: Path) -> None:
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


def test_tensorboard_has_the_curves_where_it_is_asked_for(tiny: Path, tmp_path: Path) -> None:
    from tensorboardX.proto.event_pb2 import Event

    whole = cohort(tiny, 1, epochs=2)
    store = train(tiny, tmp_path, whole)
    assert not (store.folder / "tensorboard").exists()
    train(tiny, tmp_path, whole, "with", tensorboard=True)
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
