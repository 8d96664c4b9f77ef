"""The store's files: versions, descriptions."""

import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from binarygan.errors import UserError
from binarygan.io.files import path_of
from binarygan.paper import paper_config
from study.design.grids import GRIDS
from study.store import reading
from study.store.reading import files_of, naming, read_folder
from study.store.resume import unfinished
from study.store.schemas import SCHEMA_VERSION, SCHEMAS, check_version
from study.store.store import Store
from study.store.tables import append_row, read_rows, write_rows


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path, "s")
    made.create()
    return made


def test_what_a_newer_program_wrote_is_refused(store: Store) -> None:
    newer = SCHEMAS["members"].with_metadata({"schema_version": str(SCHEMA_VERSION + 1)})
    pq.write_table(pa.Table.from_pylist([{"member_id": "m"}], schema=newer), store.folder / "members" / "m.parquet")
    with pytest.raises(UserError, match="update it"):
        store.statuses()
    (store.folder / "members" / "m.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(UserError, match="is damaged"):
        store.statuses()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"cells": 1}', '{"schema_version": 1e999}', '{"schema_version": []}'])
def test_a_description_from_elsewhere_is_one_line(text: str, store: Store) -> None:
    (store.folder / "study.json").write_text(text)
    with pytest.raises(UserError) as error:
        store.description()
    assert "\n" not in str(error.value)


def test_an_epoch_is_added_to_a_file_that_lacks_later_columns(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    before = pa.schema([f for f in SCHEMAS["curves"] if f.name in ("member_id", "epoch", "slope")])
    pq.write_table(pa.Table.from_pylist([{"member_id": "m", "epoch": 1, "slope": 1.0}], schema=before), path)
    append_row(path, "curves", {"member_id": "m", "epoch": 2, "gradient_cosine": 0.5}, partial=None)
    rows = read_rows(path, "curves")
    assert [(row["epoch"], row["slope"], row["gradient_cosine"]) for row in rows] == [(1, 1.0, None), (2, None, 0.5)]


def reads(folder: Path, table: str) -> tuple[pa.Table, list[str]]:
    rows, problems = read_folder(folder / table, table)
    return rows.combine_chunks(), problems


def test_two_processes_read_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one half has damaged files and files with other columns, and where the other process fails."""
    (tmp_path / "curves").mkdir()
    for i in range(7):
        rows = pa.table({"member_id": [f"m{i}"], "epoch": [1], "fid": [float(i)], **({"new": [1]} if i > 4 else {})})
        pq.write_table(rows, tmp_path / "curves" / f"{i}.parquet")
    (tmp_path / "curves" / "5.parquet").write_bytes(b"PAR1")
    rows, problems = reads(tmp_path, "curves")
    assert (len(rows), len(problems)) == (6, 3)
    monkeypatch.setattr(reading, "MANY", 7)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    here: list[int] = []
    read = reading.read_files
    monkeypatch.setattr(reading, "read_files", lambda paths, table: here.append(len(paths)) or read(paths, table))
    for executable, halves in ((sys.executable, [3]), ("false", [3, 4])):
        monkeypatch.setattr("sys.executable", executable)
        assert reads(tmp_path, "curves") == (rows, problems)
        assert here == halves
        here.clear()


def test_a_file_is_read_whole_while_it_is_replaced(store: Store) -> None:
    """Its rows' bytes lie elsewhere in each version: what opens it twice finds one's footer and the other's pages."""
    ids = [f"m{i}" for i in range(400)]
    path, over = store.folder / "curves" / "m0.parquet", Event()

    def replace() -> None:
        for n in cycle((400, 200, 300)):
            rows = [{"study": "s", "member_id": i, "epoch": 1, "loss_d": float(n)} for i in ids[:n]]
            write_rows(path, "curves", rows, partial=None)
            if over.is_set():
                return

    write_rows(path, "curves", [{"member_id": "m0", "epoch": 1}], partial=None)
    with ThreadPoolExecutor(1) as writer:
        writer.submit(replace)
        try:
            for _ in range(200):
                assert len(reading.read_file(path, "curves", path, member_id="m0")) == 1
        finally:
            over.set()


@pytest.mark.parametrize("status", [None, "done", "diverged", "failed", "stopped", "running"])
def test_what_another_run_would_only_repeat_is_finished(status: str | None, store: Store) -> None:
    """A run that is not there, failed, was stopped or was cut off is trained (again)."""
    [cell] = GRIDS["paper-real-valued"].cells("as-described", data_digest="d", train_images=64)
    if status:
        store.write("members", cell.member_id, [{"member_id": cell.member_id, "status": status}])
    assert unfinished([cell], store) == ([] if status in ("done", "diverged") else [cell])


def test_a_version_is_a_number() -> None:
    for found in (float("inf"), "x", None, []):
        with pytest.raises(UserError, match="damaged"):
            check_version(found, "file")


def test_files_of_other_programs_are_none_of_the_tables(store: Store) -> None:
    """macOS puts `._<name>` beside each file on a foreign disk. The folder's own name has brackets."""
    for made in (Store(store.folder / "run[1]", "s"), Store(path_of("memory://run"), "s")):
        made.create()
        made.write("members", "m", [{"member_id": "m", "status": "done"}])
        (made.folder / "members" / "._m.parquet").write_bytes(b"of macOS")
        assert list(made.statuses()) == ["m"]
    assert len(files_of(store.folder / "run[1]" / "s" / "members")[0]) == 1
    with pytest.raises(UserError, match="are patterns"):  # what is removed there could be another's
        Store(path_of("memory://run[1]"), "s").create()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("malloc of 8 bytes failed"),
        OSError(11, "try again"),
        PermissionError(13, "no"),
        OSError("Cannot create thread: Resource temporarily unavailable"),  # Arrow's, without a number
        pa.ArrowException("Unknown error: realloc of size 64 failed"),
        pa.ArrowInvalid("Failed to open local file: Too many open files"),
    ],
)
def test_a_lack_of_the_machine_is_no_damage_of_the_file(error: Exception) -> None:
    with pytest.raises(UserError, match=r"^m cannot be read here \(.*\); the file may well be whole$"), naming("m"):
        raise error


def test_an_older_study_is_said_to_have_what_all_had_then(store: Store) -> None:
    """Its configurations lack the fields that came later; they are the same as ever, and told from others in words."""
    cell = paper_config(fidelity="as-described", objective="gan", data_digest="-", train_images=64)
    older = {name: value for name, value in cell.to_dict().items() if name not in ("seed", "reference")}
    store.describe({"cells": {cell.cell_id: older}})
    store.agree([cell], {})
    with pytest.raises(UserError, match=r"another configuration \(reference: test there, validation asked\)"):
        store.agree([dataclasses.replace(cell, reference="validation")], {})
