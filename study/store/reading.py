"""The reader of results: one Parquet file, or a table's folder with thousands of them.

What is read is checked here and nowhere else: the schema version, the columns that every file has, and damage.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from binarygan.config import SAME_AS
from binarygan.errors import UserError
from study.store.schemas import LATER, NEEDED, SCHEMAS, check_version

BROKEN = (pa.ArrowException, OSError, ValueError, OverflowError, KeyError)
"""What pyarrow raises of a damaged or foreign file."""
LACKING = re.compile(
    r"resource temporarily|cannot create thread|(m|re)alloc|out of memory|too many open", re.IGNORECASE
)
"""What errors say that tell of the machine or its limits (`ulimit`), not of the file."""
MANY = 2000
"""Files from which on two processes read them."""
AT_ONCE = 512
"""Small files whose tables are put together at a time: a table of one row takes a hundred times its row."""


@contextmanager
def naming(name: object, advice: str = "") -> Iterator[None]:
    """Whatever the block raises of a damaged or foreign file becomes a UserError: the name, the reason, the advice."""
    try:
        yield
    except (*BROKEN, MemoryError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, MemoryError) or getattr(error, "errno", None) or LACKING.search(reason):
            raise UserError(f"{name} cannot be read here ({reason}); the file may well be whole") from None
        raise UserError(f"{name} is damaged or foreign ({reason}){advice and f': {advice}'}") from None


def open_file(source: Path | bytes, table: str, name: object) -> pq.ParquetFile:
    """A file of a table (its path or its content), its version and its columns checked.

    Raises:
        UserError: it is of a version that this program does not know.
        BROKEN: it is damaged, or lacks a column that every file of the table has.
    """
    content = source if isinstance(source, bytes) else source.read_bytes()
    file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)  # which costs small files a fifth of their time
    said = file.metadata.metadata or {}  # Arrow's schema says the same, and takes a tenth of the file's time to make
    check_version(said.get(b"schema_version", b"0").decode(errors="replace"), name)
    names = file.schema.names
    if lacking := [n for n in NEEDED[table] if n not in names]:
        raise ValueError(f"it has no column {', '.join(lacking)}")
    return file


def read_file(
    source: Path | bytes,
    table: str,
    name: object,
    *,
    columns: Sequence[str] | None = None,
    member_id: str | None = None,
    advice: str = "",
) -> pa.Table:
    """The rows of a file as it has them.

    Args:
        source: the file's path or its content.
        table: one of `SCHEMAS`.
        name: what errors call the file.
        columns: read these of the file's columns alone.
        member_id: read the rows of this member alone.
        advice: what errors tell the user to do about a damaged file.

    Raises:
        UserError: the file is damaged or foreign, or of a version that this program does not know.
    """
    with naming(name, advice):
        content = source if isinstance(source, bytes) else source.read_bytes()  # once: it may be replaced meanwhile
        file = open_file(content, table, name)
        if member_id is None:
            found = file.read(columns, use_threads=False)
        else:  # by way of a data set, which leaves out row groups whose statistics exclude the member
            wanted = [("member_id", "==", member_id)]
            found = pq.read_table(pa.BufferReader(content), columns=columns, filters=wanted, use_threads=False)
        found.validate(full=True)
        return found


def as_schema(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the schema's columns and types; a column that they lack is null, or as it was before.

    Raises:
        BROKEN: values are of another type.
    """
    if found.schema.equals(schema):
        return found
    there = dict(zip(found.column_names, found.columns, strict=True))
    arrays = []
    for f in schema:
        column = there.get(f.name if f.name in there else SAME_AS.get(f.name, ""))
        if column is None:
            arrays.append(pa.repeat(pa.scalar(LATER.get(f.name), f.type), len(found)))
        else:
            arrays.append(column if column.type == f.type else column.cast(f.type))  # a cast takes time in any case
    return pa.Table.from_arrays(arrays, schema=schema)


def files_of(folder: Path) -> tuple[list[Path], list[str]]:
    """A table's Parquet files in order of name, and a line on each link that leads out of the study's folder.

    Hidden files are none of them: macOS puts one of its own beside each, `._<name>`.
    """
    home = folder.parent.resolve()
    if not folder.is_dir() or not folder.resolve().is_relative_to(home):
        return [], []
    with os.scandir(folder) as entries:
        ours = (e for e in entries if e.name.endswith(".parquet") and not e.name.startswith(".") and e.is_file())
        found = sorted((e.name, e.is_symlink()) for e in ours)
    out = [n for n, is_link in found if is_link and not (folder / n).resolve().is_relative_to(home)]
    paths = [folder / n for n, _ in found if n not in out]
    return paths, [f"{short(folder / n)} is no file of this folder: left out" for n in out]


def read_folder(folder: Path, table: str) -> tuple[pa.Table, list[str]]:
    """All rows of a table's files as its schema has them, and a line for whatever was not so.

    A file that cannot be read, that is of a newer version, that lacks a column that every file has or whose values are
    of another type is left out and named. So are columns that the schema does not have.
    The folder need not exist.
    """
    paths, problems = files_of(folder)
    if len(paths) >= MANY and (os.cpu_count() or 1) > 1:
        rows, found, counts = _in_two_processes(paths, table)
    else:
        rows, found, counts = read_files(paths, table)
    return rows, [*problems, *found, *_other_columns(counts, folder.name, SCHEMAS[table].names)]


Columns = Counter[tuple[str, ...]]
"""The columns that files have in place of the schema's -> how many files."""
Found = tuple[pa.Table, list[str], Columns]
"""Rows, lines on files that are left out, and what other columns there are."""


def read_files(paths: Sequence[Path], table: str) -> Found:
    """What is in the files, one after the other."""
    problems: list[str] = []
    schema = SCHEMAS[table]  # once: it takes as long as a tenth of a file
    tables = [schema.empty_table()]
    counts: Columns = Counter()
    for i in range(0, len(paths), AT_ONCE):
        found = []
        for path in paths[i : i + AT_ONCE]:  # not by threads: with two of them a file took half as long again
            try:
                rows, names = _whole(path, table, schema)
            except UserError as error:
                problems.append(f"{error}; left out")
                continue
            found.append(rows)
            if names:
                counts[names] += 1
        if found:
            tables.append(pa.concat_tables(found).combine_chunks())
    return pa.concat_tables(tables), problems, counts


def _in_two_processes(paths: Sequence[Path], table: str) -> Found:
    """The same, where another process reads the second half meanwhile; this one does where the other fails."""
    half = len(paths) // 2
    words = [sys.executable, "-m", "study.store.reading", str(paths[half]), table]
    known = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=known) as other:
        try:
            rows, problems, counts = read_files(paths[:half], table)
            sent, _ = other.communicate()
        except BaseException:
            other.kill()
            raise
    theirs = _received(sent, table) if other.returncode == 0 else None
    more, found, columns = theirs or read_files(paths[half:], table)
    return pa.concat_tables([rows, more]), [*problems, *found], counts + columns


def _received(sent: bytes, table: str) -> Found | None:
    """What `_send` wrote; None where its schema is another, as it knows nothing of metrics from outside."""
    rows = pa.ipc.open_stream(sent).read_all()
    if not rows.schema.equals(SCHEMAS[table]):
        return None
    problems, columns = json.loads(rows.schema.metadata[b"found"])
    counts = Counter({tuple(names): n for names, n in columns})
    return rows.replace_schema_metadata(SCHEMAS[table].metadata), problems, counts


def _send(first: Path, table: str) -> None:
    """Write to standard output what `read_files` finds in a folder from a file on."""
    paths = [path for path in files_of(first.parent)[0] if path.name >= first.name]
    rows, problems, counts = read_files(paths, table)
    said = json.dumps([problems, [[names, n] for names, n in counts.items()]])
    rows = rows.replace_schema_metadata({"found": said})
    with pa.ipc.new_stream(sys.stdout.buffer, rows.schema) as stream:
        stream.write_table(rows)


def _whole(path: Path, table: str, schema: pa.Schema) -> tuple[pa.Table, tuple[str, ...]]:
    """A file's rows in the table's schema, and the names of its own columns where they are not the schema's."""
    name = short(path)
    found = read_file(path, table, name)
    with naming(name):
        rows = as_schema(found, schema)
    return rows, () if rows is found else tuple(found.schema.names)


def _other_columns(counts: Counter[tuple[str, ...]], folder: str, known: Sequence[str]) -> list[str]:
    """Lines on columns that are unknown to the schema or that files lack; `counts`: columns -> how many files."""
    unknown: Counter[str] = Counter()
    absent: Counter[str] = Counter()
    for names, n in counts.items():
        unknown.update({name: n for name in names if name not in known})
        absent.update({name: n for name in known if name not in names and name not in LATER})
    lines = []
    for found, rest in (
        (unknown, "unknown here: left out; of a plugin that is not loaded, or of a newer version?"),
        (absent, "missing: its values are shown as missing"),
    ):
        for n in dict.fromkeys(found.values()):  # one line for all columns that as many files have or lack
            listed = [name for name, count in found.items() if count == n]
            columns = f"column{'s' * (len(listed) > 1)} {', '.join(listed)}"
            lines.append(f"{folder}/: {columns} ({n} file{'s' * (n > 1)}) {rest}")
    return lines


def short(path: Path) -> str:
    """`members/<file>`: a table's folder and the file's name."""
    return f"{path.parent.name}/{path.name}"


if __name__ == "__main__":
    _send(Path(sys.argv[1]), sys.argv[2])
