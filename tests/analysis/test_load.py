"""Reading results: every layout of files, and every kind of damage."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_study import paper_members, write_rows, write_study

from analysis import polars_process
from analysis.load import load_anchors, load_study
from analysis.polars_process import PolarsProcess
from binarygan.errors import UserError
from study.schemas import SCHEMAS

MEMBERS = paper_members(seeds=1, grid="paper-neurons")


DAMAGED = Path(__file__).parent / "damaged"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three members: DBN, SBN and real-valued."""
    write_study(tmp_path / "s", MEMBERS)
    return tmp_path / "s"


def ids() -> list[str]:
    return list(MEMBERS["member_id"])


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


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def scramble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for i in range(500, 4000):
        content[i] ^= 0xFF
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    pq.write_table(pa.table({"name": ["x"]}), path)


def other_type(path: Path) -> None:
    table = pq.read_table(path, partitioning=None)
    at = table.column_names.index("epochs")
    pq.write_table(table.set_column(at, "epochs", pa.array(["twenty"])), path)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (truncate, "damaged or foreign"),
        (scramble, "damaged or foreign"),
        (empty, "damaged or foreign"),
        (foreign, "it has no column member_id"),
        (other_type, "damaged or foreign"),
    ],
)
def test_a_damaged_file_is_named_and_the_rest_is_read(folder: Path, harm: object, words: str) -> None:
    name = f"{ids()[0]}.parquet"
    harm(folder / "members" / name)  # type: ignore[operator]
    study = load_study(folder)
    assert sorted(study.members["member_id"]) == sorted(ids()[1:])
    [line] = study.problems
    assert f"members/{name}" in line
    assert words in line
    assert "\n" not in line


def test_one_damaged_file_among_many_is_found(tmp_path: Path) -> None:
    members = paper_members(seeds=3)
    write_study(tmp_path / "s", members, samples=False)
    victim = tmp_path / "s" / "curves" / f"{members['member_id'][17]}.parquet"
    scramble(victim)
    study = load_study(tmp_path / "s")
    assert study.problems == ()
    assert study.curves()["member_id"].nunique() == len(members) - 1
    [line] = study.problems
    assert victim.name in line


def test_a_file_that_ends_polars_with_its_process_is_named_and_the_rest_is_read(folder: Path) -> None:
    """A page that claims a negative count of values: Polars 2.1 aborts over its memory."""
    (folder / "members" / "bad.parquet").write_bytes((DAMAGED / "negative-count-of-values.parquet").read_bytes())
    for _ in range(2):  # the process is started again
        study = load_study(folder)
        assert sorted(study.members["member_id"]) == sorted(ids())
        assert [p for p in study.problems if p.startswith("members/bad.parquet is damaged or foreign")]


def test_polars_answers_and_not_what_stands_in_for_it(folder: Path) -> None:
    paths = sorted((folder / "members").glob("*.parquet"))
    process = PolarsProcess()
    found = process.read("members", paths, ["member_id"], ["member_id"])
    process.close()
    assert found is not None
    assert sorted(found[0].column("member_id").to_pylist()) == sorted(ids())


def test_a_polars_that_hangs_is_given_up_and_started_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = sorted((folder / "members").glob("*.parquet"))
    process = PolarsProcess()
    os.kill(process._started().pid, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(polars_process, "LONGEST", 0.2)
        assert process.read("members", paths, ["member_id"], ["member_id"]) is None
    assert process.read("members", paths, ["member_id"], ["member_id"]) is not None
    process.close()


def test_rows_without_a_member_id_are_counted_and_left_out(folder: Path, tmp_path: Path) -> None:
    path = folder / "members" / f"{ids()[0]}.parquet"
    table = pq.read_table(path)
    nameless = table.set_column(table.schema.get_field_index("member_id"), "member_id", pa.nulls(1, pa.string()))
    pq.write_table(nameless, path)
    study = load_study(folder)
    assert ids()[0] not in set(study.members["member_id"])
    assert "members/: 1 rows have no member_id: left out" in study.problems
    (tmp_path / "alone" / "members").mkdir(parents=True)
    pq.write_table(nameless, tmp_path / "alone" / "members" / "m.parquet")
    with pytest.raises(UserError, match="no file of members/ can be read; the first: members/: 1 rows"):
        load_study(tmp_path / "alone")


def test_samples_that_are_damaged_are_named_when_they_are_asked_for(folder: Path) -> None:
    first, second, third = ids()
    truncate(folder / "samples" / f"{first}.parquet")
    write_rows(folder, "samples", second, [{"member_id": second, "epoch": 1, "bits": b"short", "preactivated": [0.5]}])
    write_rows(folder, "histograms", third, [{"member_id": third, "epoch": 1, "bin_edges": [0.0], "counts": [1]}])
    study = load_study(folder)
    assert study.problems == ()
    assert study.samples(first) is None
    assert study.samples(second) is None
    assert study.samples(third) is not None
    assert study.histogram(third) is None
    assert len(study.problems) == 3
    assert all(any(i in line for line in study.problems) for i in ids())


def test_columns_of_other_versions_are_named(folder: Path) -> None:
    path = folder / "members" / f"{ids()[0]}.parquet"
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.append_column("novelty", pa.array([1.0])).drop_columns(["recall", "kid"]), path)
    study = load_study(folder)
    assert sorted(study.members["member_id"]) == sorted(ids())
    assert "novelty" not in study.members
    assert study.members["recall"].isna().sum() == 1
    unknown, missing = study.problems
    assert "novelty (1 file) unknown to this version" in unknown
    assert "kid, recall (1 file) missing" in missing


def test_integers_of_another_width_are_integers(folder: Path) -> None:
    path = folder / "members" / f"{ids()[0]}.parquet"
    table = pq.read_table(path, partitioning=None)
    at = table.column_names.index("epochs")
    pq.write_table(table.set_column(at, "epochs", table.column("epochs").cast(pa.int32())), path)
    study = load_study(folder)
    assert study.problems == ()
    assert set(study.members["epochs"]) == {20}


def test_mixed_versions_commits_and_extractors_are_named(tmp_path: Path) -> None:
    mixed = MEMBERS.copy()
    mixed.loc[0, "versions"] = json.dumps({"python": "3.11.7", "torch": "1.0"})
    mixed.loc[1, "git_commit"] = "0" * 40 + "-dirty"
    mixed.loc[2, "extractors"] = "feedfeedfeedfeed"
    write_study(tmp_path / "s", mixed)
    torch, commits, extractors = load_study(tmp_path / "s").problems
    assert torch.startswith("members come from 2 versions of torch: ")
    assert "1.0 (1 member)" in torch
    assert "2 commits" in commits
    assert "000000000000-dirty (1 member)" in commits
    assert "FIDs do not compare" in extractors


def test_a_member_in_two_files_counts_once(folder: Path) -> None:
    row = pq.read_table(folder / "members" / f"{ids()[0]}.parquet", partitioning=None)
    pq.write_table(row, folder / "members" / "zz.parquet")
    study = load_study(folder)
    assert len(study.members) == 3
    assert "1 members stand in two files" in study.problems[0]


def test_where_there_is_no_study_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        load_study(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is no folder"):
        load_study(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"holds no study: it has no members/\*\.parquet"):
        load_study(tmp_path / "empty")
    write_study(tmp_path / "results" / "mine", MEMBERS, samples=False)
    with pytest.raises(UserError, match="it holds the studies mine: name one of them"):
        load_study(tmp_path / "results")
    for path in (tmp_path / "results" / "mine" / "members").glob("*"):
        truncate(path)
    with pytest.raises(UserError, match=r"no file of members/ can be read; the first: members/"):
        load_study(tmp_path / "results" / "mine")


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


def test_a_damaged_description_is_a_problem_not_an_end(folder: Path) -> None:
    (folder / "study.json").write_text("{")
    study = load_study(folder)
    assert study.description == {}
    assert "study.json is damaged" in study.problems[0]
