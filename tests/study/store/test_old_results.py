"""Results of every earlier version are read for ever; those of a newer one are refused by name.

tests/data/results-N is a study as version N wrote it: one real-valued member, 2 epochs on 64 digits.
"""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.results.load import load_study
from binarygan.errors import UserError
from binarygan.io.tensor_files import write_tensors
from binarygan.paper import paper_config
from binarygan.training import checkpoints
from study.publish import publish
from study.store.schemas import SCHEMA_VERSION
from study.store.store import Store

DATA = Path(__file__).parents[2] / "data"
MEMBER, FID, FIRST_FID, INK = "eeacff8d7aa7f0f5", 120.73780022644586, 120.84550496453528, 24983
WRITTEN = {
    0: (MEMBER, FID, FIRST_FID, INK),
    1: (MEMBER, FID, FIRST_FID, INK),
    2: ("e668707710a8f214", 119.68494308362934, 121.73963661333508, 24976),
}
"""By version: the run, its FID at the end and after the first epoch, the ink of its last samples. From version 2 on a
file of images has its whole name, which is no part of a run's id."""


@pytest.mark.parametrize("version", range(SCHEMA_VERSION + 1))
def test_results_of_each_version_are_read(version: int, tmp_path: Path) -> None:
    member, fid, first_fid, ink = WRITTEN[version]
    folder = DATA / f"results-{version}"
    store = Store(folder.parent, folder.name)
    [path] = (folder / "members").iterdir()
    written = (pq.read_metadata(path).metadata or {}).get(b"schema_version")
    assert written == (str(version).encode() if version else None)
    assert store.statuses()[member]["fid"] == fid
    assert store.description()
    study = load_study(folder)
    assert not study.problems
    assert study.curves()["fid"].tolist() == [first_fid, fid]
    assert [s.bits.sum() for s in study.evolution(member)][-1] == ink
    histogram = study.histogram(member)
    assert histogram
    assert histogram[1].sum() == 7_840_000
    assert publish([folder], tmp_path / "published") == 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the present version's study."""
    return shutil.copytree(DATA / f"results-{SCHEMA_VERSION}", tmp_path / "s")


def newer(folder: Path, table: str) -> None:
    for path in (folder / table).iterdir():
        content = pq.read_table(path, partitioning=None)
        pq.write_table(content.replace_schema_metadata({"schema_version": str(SCHEMA_VERSION + 1)}), path)


def test_a_newer_version_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    newer(folder, "curves")
    study = load_study(folder)
    assert study.curves().empty
    assert any(
        "curves/" in p and f"schema version {SCHEMA_VERSION + 1}" in p and "update it" in p for p in study.problems
    )
    newer(folder, "members")
    with pytest.raises(UserError, match="update it"):
        load_study(folder)
    with pytest.raises(UserError, match="update it"):
        Store(tmp_path, "s").statuses()


def test_a_newer_description_is_refused_and_a_problem_of_the_report(folder: Path) -> None:
    (folder / "study.json").write_text(json.dumps({"grid": "paper", "schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(UserError, match="update it"):
        Store(folder.parent, "s").description()
    study = load_study(folder)
    assert study.description == {}
    assert any("study.json" in p and "update it" in p for p in study.problems)


@pytest.mark.parametrize("table", ["samples", "histograms"])
def test_a_newer_version_of_what_is_read_later_is_refused_by_name(table: str, folder: Path, tmp_path: Path) -> None:
    newer(folder, table)
    study = load_study(folder)
    assert not study.evolution(WRITTEN[SCHEMA_VERSION][0]) or table == "histograms"
    assert study.histogram(WRITTEN[SCHEMA_VERSION][0]) is None or table == "samples"
    assert any(f"{table}/" in p and "update it" in p for p in study.problems)
    with pytest.raises(UserError, match="update it"):
        publish([folder], tmp_path / "published")


def test_a_newer_checkpoint_is_refused_and_kept(tmp_path: Path) -> None:
    config = paper_config(fidelity="as-described", objective="gan", data_digest="-", train_images=64)
    metadata = checkpoints.Description((config,), 1).to_metadata()
    path = tmp_path / "epoch-00001.safetensors"
    write_tensors(path, {}, metadata)
    assert checkpoints.saved_members(tmp_path) == [config]
    write_tensors(path, {}, {k: v for k, v in metadata.items() if k != "version"})  # as the first ones were
    assert checkpoints.saved_members(tmp_path) == [config]
    write_tensors(path, {}, metadata | {"version": str(checkpoints.VERSION + 1)})
    with pytest.raises(UserError, match="update it"):
        checkpoints.saved_members(tmp_path)
    assert path.exists()


def test_a_foreign_file_is_not_published(folder: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), folder / "members" / "b.parquet")
    with pytest.raises(UserError, match=r"it has no column member_id, status\): mend it"):
        publish([folder], tmp_path / "published")
