"""Reading results: every layout of files."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_study import MEMBERS, ids, paper_members, write_rows, write_study

from analysis.results.anchors import anchors_for, load_anchors
from analysis.results.load import load_study
from analysis.results.study import Study
from binarygan.errors import UserError
from study.store.schemas import SCHEMAS


def compact(folder: Path, table: str) -> None:
    """All files of a table in one, as `pyarrow` would compact them."""
    paths = sorted((folder / table).glob("*.parquet"))
    whole = pa.concat_tables([pq.read_table(p, partitioning=None) for p in paths])
    for path in paths:
        path.unlink()
    pq.write_table(whole, folder / table / "all.parquet", row_group_size=2)


def test_a_study_has_every_column_and_no_problem(folder: Path) -> None:
    study = load_study(folder)
    assert study.problems == ()
    assert list(study.members.columns) == SCHEMAS["members"].names
    assert list(study.curves().columns) == SCHEMAS["curves"].names
    assert study.curves()[["member_id", "epoch"]].to_numpy().tolist() == sorted([i, e] for i in ids() for e in (1, 20))
    assert study.name == "s"


def test_values_are_those_that_pandas_reads(folder: Path) -> None:
    ours = load_study(folder).members.set_index("member_id")
    theirs = pd.read_parquet(folder / "members").set_index("member_id")
    for column in ("fid", "objective", "seed", "epochs_done", "git_commit", "started_at"):
        assert ours[column].to_dict() == theirs[column].to_dict()
    assert ours["error"].isna().all()


def test_compacted_files_give_what_single_ones_do(folder: Path) -> None:
    single = load_study(folder)
    before = single.members, single.curves(), [single.evolution(i) for i in ids()], [single.histogram(i) for i in ids()]
    for table in SCHEMAS:
        compact(folder, table)
    study = load_study(folder)
    assert study.problems == ()
    pd.testing.assert_frame_equal(study.members, before[0])
    pd.testing.assert_frame_equal(study.curves(), before[1])
    for i, evolution, histogram in zip(ids(), before[2], before[3], strict=True):
        found = study.evolution(i)
        assert [s.epoch for s in found] == [s.epoch for s in evolution] == [1, 20]
        assert all((a.bits == b.bits).all() for a, b in zip(found, evolution, strict=True))
        again = study.histogram(i)
        assert histogram is not None
        assert again is not None
        assert (again[1] == histogram[1]).all()


def test_samples_are_the_stored_ones(folder: Path) -> None:
    anchors = load_anchors()
    [donor] = anchors.members.loc[anchors.members["neuron"].eq("real"), "member_id"]
    row = pq.read_table(anchors.folder / "samples" / f"{donor}.parquet", partitioning=None).to_pylist()[0]
    study = load_study(folder)
    real = MEMBERS.loc[MEMBERS["neuron"] == "real", "member_id"].iloc[0]
    samples = study.samples(real)
    assert samples is not None
    assert samples.epoch == 20
    assert np.packbits(samples.bits).tobytes() == bytes([ids().index(real)]) + row["bits"][1:]
    assert samples.bernoulli_bits is not None
    assert np.packbits(samples.bernoulli_bits).tobytes() == row["bernoulli_bits"]
    assert samples.preactivated.flatten().tolist() == row["preactivated"]
    dbn = study.samples(MEMBERS.loc[MEMBERS["neuron"] == "deterministic", "member_id"].iloc[0])
    assert dbn is not None
    assert dbn.bernoulli_bits is None
    assert study.samples("nobody") is None
    assert study.evolution("nobody") == []
    assert study.histogram("nobody") is None


def test_training_images_are_of_the_studys_own_data(folder: Path) -> None:
    study = load_study(folder)
    images = study.training_images()
    assert images is not None
    assert images.shape == (64, 28, 28)
    other = MEMBERS.assign(data_digest="0")
    write_study(folder.parent / "other", other)
    assert load_study(folder.parent / "other").training_images() is None


def test_a_member_in_two_files_counts_once_and_integers_of_another_width_are_integers(folder: Path) -> None:
    row = pq.read_table(folder / "members" / f"{ids()[0]}.parquet", partitioning=None)
    at = row.column_names.index("epochs")
    narrow = row.set_column(at, "epochs", row.column("epochs").cast(pa.int32()))
    pq.write_table(narrow, folder / "members" / "zz.parquet")
    study = load_study(folder)
    assert len(study.members) == 3
    assert set(study.members["epochs"]) == {20}
    assert study.problems == ("members/: 1 runs stand in two files: the later of each is used",)


@pytest.mark.parametrize(
    ("references", "beside"), [("test", True), ("validation", False), (["validation", "test", "test"], True)]
)
def test_anchors_stand_beside_what_is_compared_with_the_test_images(
    references: str | list[str], beside: bool, tmp_path: Path
) -> None:
    study = Study(tmp_path, MEMBERS.assign(reference=references))
    assert len(anchors_for(study)) == (len(load_anchors().members) if beside else 0)


def test_where_there_is_no_study_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    write_study(tmp_path / "results" / "mine", MEMBERS, samples=False)
    write_study(tmp_path / "damaged", MEMBERS, samples=False)
    for path in (tmp_path / "damaged" / "members").glob("*"):
        path.write_bytes(path.read_bytes()[:2000])
    for name, said in {
        "none": "does not exist",
        "file": "is no folder",
        "empty": r"holds no study: it has no members/\*\.parquet",
        "results": "it holds the studies mine: name one of them",
        "damaged": r"no file of members/ can be read; the first: members/",
    }.items():
        with pytest.raises(UserError, match=said):
            load_study(tmp_path / name)


def test_no_name_leads_out_of_the_folder(tmp_path: Path, folder: Path) -> None:
    """Neither a link nor a member_id that is a path."""
    elsewhere = paper_members(seeds=1, grid="paper-objectives")
    write_study(tmp_path / "elsewhere", elsewhere)
    secret = elsewhere["member_id"][0]
    for table in ("members", "samples"):
        (folder / table / "link.parquet").symlink_to(tmp_path / "elsewhere" / table / f"{secret}.parquet")
    path_id = f"../../elsewhere/samples/{secret}"
    known = MEMBERS.iloc[0].dropna().to_dict()
    write_rows(folder, "members", "evil", [known | {"member_id": path_id}])
    study = load_study(folder)
    assert study.problems == ("members/link.parquet is no file of this folder: left out",)
    assert secret not in set(study.members["member_id"])
    assert path_id in set(study.members["member_id"])
    assert study.samples(path_id) is None
    assert study.samples(secret) is None


def test_links_within_the_folder_are_followed(folder: Path) -> None:
    path = folder / "members" / f"{ids()[0]}.parquet"
    os.renames(path, folder / "kept" / path.name)
    path.symlink_to(folder / "kept" / path.name)
    assert len(load_study(folder).members) == 3


def test_reading_writes_nothing(folder: Path) -> None:
    def listing() -> list[tuple[str, int, int]]:
        return sorted((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*"))

    before = listing()
    study = load_study(folder)
    study.curves()
    for i in ids():
        study.evolution(i)
        study.histogram(i)
    assert study.description == {}
    assert listing() == before
