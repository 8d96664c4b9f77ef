"""One member's rows of a table: a Parquet file, read and written whole, its row groups some epochs each."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from binarygan.errors import UserError
from binarygan.io.files import AnyPath, read_whole, write_whole
from study.store.reading import as_schema, naming, open_file, read_file
from study.store.schemas import NEEDED, SCHEMAS, schema_of

ROWS_AT_A_TIME = 8
"""Of a file that is written anew with one more: eight epochs' samples are 2 MB."""
MEND = "move it away and run the same command again"
PLAIN = {"compression": "none", "use_dictionary": False, "write_statistics": False}
WRITING = {"members": PLAIN, "curves": PLAIN}
"""How tables of few and short values are written: they are smaller so, and read in half the time."""


def _content(path: AnyPath) -> bytes | None:
    with suppress(FileNotFoundError):
        return read_whole(path)
    return None


def read_rows(path: AnyPath, table: str) -> list[dict[str, Any]]:
    """The file's rows; none where there is no file.

    Raises:
        UserError: damaged, or of a version that this program does not know.
    """
    if (content := _content(path)) is None:
        return []
    return _checked(read_file(content, table, path, advice=MEND), table, path).to_pylist()


def read_epochs(path: AnyPath, table: str, having: str | None = None) -> dict[int, bool]:
    """The epochs that the file has rows of, and whether the column `having` has a number there; none without a file.

    Raises:
        UserError: as `read_rows`.
    """
    if (content := _content(path)) is None:
        return {}
    found = read_file(content, table, path, columns=["epoch", *([having] if having else [])], advice=MEND)
    return {row["epoch"]: having is None or row.get(having) is not None for row in found.to_pylist()}


def write_rows(path: AnyPath, table: str, rows: list[dict[str, Any]], *, partial: Path | None) -> None:
    """Write the file anew; `partial` is the folder for its temporary name, where the file system needs one."""
    schema = schema_of(table, rows)
    _write(path, table, schema, [pa.Table.from_pylist(rows, schema=schema)], partial)


def append_row(path: AnyPath, table: str, row: dict[str, Any], *, partial: Path | None) -> None:
    """Add an epoch's row, in place of any that there are of this epoch and later ones.

    A few earlier rows are in memory at a time, however many there are.

    Raises:
        UserError: the file is damaged, or of a version that this program does not know.
    """
    if (content := _content(path)) is None:
        new = pa.Table.from_pylist([row], schema=SCHEMAS[table])
        return _write(path, table, new.schema, [new], partial)
    with naming(path, MEND):
        numbers = [f.name for f in open_file(content, table, path).schema_arrow if f.type == pa.float64()]
    schema = schema_of(table, [dict.fromkeys(numbers)])

    def whole() -> Iterator[pa.Table]:
        for some in _parts(table, path, content):
            yield as_schema(some.filter(pc.less(some.column("epoch"), row["epoch"])), schema)
        yield pa.Table.from_pylist([row], schema=schema)

    return _write(path, table, schema, _in_groups(whole()), partial)


def _write(path: AnyPath, table: str, schema: pa.Schema, parts: Iterable[pa.Table], partial: Path | None) -> None:
    """A row group a part."""
    buffer = BytesIO()
    with pq.ParquetWriter(buffer, schema, **WRITING.get(table, {"compression": "zstd"})) as writer:
        for part in parts:
            writer.write_table(part)
    write_whole(path, buffer.getvalue(), partial=partial)


def _parts(table: str, path: AnyPath, content: bytes) -> Iterator[pa.Table]:
    """A file's rows, some at a time; a UserError where it is damaged."""
    with naming(path, MEND):
        for batch in open_file(content, table, path).iter_batches(batch_size=ROWS_AT_A_TIME, use_threads=False):
            part = pa.Table.from_batches([batch])
            part.validate(full=True)
            yield _checked(part, table, path)


def _in_groups(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, as many together as row groups should have."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= ROWS_AT_A_TIME:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _checked(part: pa.Table, table: str, path: AnyPath) -> pa.Table:
    """The part; a UserError where it lacks a value that every row has."""
    for name in NEEDED[table]:
        if part[name].null_count:
            raise UserError(f"{path} is damaged, a row has no {name}: {MEND}")
    return part
