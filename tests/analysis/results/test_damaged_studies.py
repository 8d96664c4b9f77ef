"""Reading results of which something is damaged, foreign or of another version: it is named, the rest is read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_study import MEMBERS, ids, paper_members, write_rows, write_study

from analysis.results.load import load_study
from binarygan.errors import UserError

DAMAGED = Path(__file__).parent / "damaged"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def scramble(path: Path) -> None:
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    content[500:4000] ^= 0xFF
    path.write_bytes(content.tobytes())


def other_type(path: Path) -> None:
    table = pq.read_table(path, partitioning=None)
    at = table.column_names.index("epochs")
    pq.write_table(table.set_column(at, "epochs", pa.array(["twenty"])), path)


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "truncated": (truncate, "damaged or foreign"),
    "scrambled": (scramble, "damaged or foreign"),
    "empty": (lambda path: path.write_bytes(b""), "damaged or foreign"),
    "foreign": (lambda path: pq.write_table(pa.table({"name": ["x"]}), path), "it has no column member_id"),
    "another type": (other_type, "damaged or foreign"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_named_and_the_rest_is_read(folder: Path, how: str) -> None:
    name = f"{ids()[0]}.parquet"
    harm, words = DAMAGE[how]
    harm(folder / "members" / name)
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


@pytest.mark.parametrize("table", ["members", "curves", "samples"])
def test_a_page_that_claims_a_negative_count_of_values_ends_nothing(folder: Path, table: str) -> None:
    """Polars 2.1 aborts over its memory."""
    (folder / table / f"{ids()[0]}.parquet").write_bytes((DAMAGED / "negative-count-of-values.parquet").read_bytes())
    study = load_study(folder)
    study.curves()
    assert study.samples(ids()[1]) is not None
    assert study.samples(ids()[0]) is None or table != "samples"
    [line] = study.problems
    assert line.startswith(f"{table}/{ids()[0]}.parquet is damaged or foreign")


def test_brackets_in_names_are_letters(folder: Path) -> None:
    (folder / "members" / f"{ids()[0]}.parquet").rename(folder / "members" / "m[1].parquet")
    study = load_study(folder.rename(folder.parent / "run[1]=x"))
    assert (len(study.members), study.problems) == (3, ())
    assert study.curves()["member_id"].nunique() == 3
    assert study.samples(ids()[0]) is not None


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
    assert "novelty (1 file) unknown here" in unknown
    assert "kid, recall (1 file) missing" in missing


def test_mixed_versions_commits_and_extractors_are_named(tmp_path: Path) -> None:
    mixed = MEMBERS.copy()
    mixed.loc[0, "versions"] = json.dumps({"python": "3.11.7", "torch": "1.0"})
    mixed.loc[1, "git_commit"] = "0" * 40 + "-dirty"
    mixed.loc[2, "extractors"] = "feedfeedfeedfeed"
    write_study(tmp_path / "s", mixed)
    torch, commits, extractors = load_study(tmp_path / "s").problems
    assert torch.startswith("runs come from 2 versions of torch: ")
    assert "1.0 (1 run)" in torch
    assert "2 commits" in commits
    assert "000000000000-dirty (1 run)" in commits
    assert "FIDs do not compare" in extractors


@pytest.mark.parametrize("content", ["{", "[" * 100_000, "[]", "null"])
def test_a_damaged_description_is_none_and_no_end(content: str, folder: Path) -> None:
    (folder / "study.json").write_text(content)
    study = load_study(folder)
    assert study.description == {}
    assert not study.is_search
    assert all("study.json is damaged" in line for line in study.problems)
    assert len(study.problems) == (content in ("{", "[" * 100_000))
