"""The store's files: versions, descriptions."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from binarygan.errors import UserError
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
