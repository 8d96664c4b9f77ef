"""The store's files: versions, descriptions."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from binarygan.errors import UserError
from binarygan.io.files import path_of
from study.store.reading import files_of, naming
from study.store.schemas import SCHEMA_VERSION, SCHEMAS, check_version
from study.store.store import Store


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
    "error", [MemoryError("malloc of 8 bytes failed"), OSError(11, "try again"), PermissionError(13, "no")]
)
def test_a_lack_of_the_machine_is_no_damage_of_the_file(error: Exception) -> None:
    with pytest.raises(UserError, match=r"^m cannot be read here \(.*\); the file may well be whole$"), naming("m"):
        raise error
