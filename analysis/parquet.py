"""Read a table's folder: one file a member or compacted files with many members, ten thousand of them in seconds.

Polars reads them: opening many small files of a hundred columns takes pyarrow ten times as long
(`benchmarks/report_scale.py`).
"""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa

from binarygan.errors import UserError
from study.schemas import check_version

BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, pa.ArrowException, OSError, ValueError)
"""What reading a damaged or foreign file raises."""
_CHUNK = 1024


def files_of(folder: Path) -> list[Path]:
    """A table's Parquet files in order of name; a link that leads out of the study's folder is none of them."""
    return _listing(folder)[0]


def _listing(folder: Path) -> tuple[list[Path], list[Path]]:
    """A table's Parquet files, and links that lead out of the study's folder."""
    home = folder.parent.resolve()
    if not folder.is_dir() or not folder.resolve().is_relative_to(home):
        return [], []
    with os.scandir(folder) as entries:
        names = sorted((e.name, e.is_symlink()) for e in entries if e.name.endswith(".parquet") and e.is_file())
    out = {n for n, is_link in names if is_link and not (folder / n).resolve().is_relative_to(home)}
    return [folder / n for n, _ in names if n not in out], [folder / n for n in sorted(out)]


def read_folder(
    folder: Path, schema: pa.Schema, *, columns: Sequence[str] | None = None, needed: Sequence[str] = ("member_id",)
) -> tuple[pa.Table, list[str]]:
    """All rows of a folder's files as `schema` has them, and a line for whatever was not so.

    A column that a file lacks is null. A file that cannot be read, that lacks a `needed` column or whose values are of
    another type is left out and named; so are columns that the schema does not have.

    Args:
        folder: of one table; it need not exist.
        schema: names and types that the table should have.
        columns: read these alone; all where None.
        needed: without these a file is none of ours.
    """
    wanted = pa.schema([schema.field(name) for name in columns or schema.names])
    paths, others = _listing(folder)
    problems = [f"{_short(p)} is no file of this folder: left out" for p in others]
    reader = _Reader(schema, wanted, needed)
    with _without_panics():
        paths = reader.known(paths)
        for i in range(0, len(paths), _CHUNK):
            reader.read(paths[i : i + _CHUNK])
    table = pa.concat_tables([wanted.empty_table(), *reader.tables])
    return table, [*problems, *reader.problems, *reader.other_columns(folder.name)]


@contextmanager
def _without_panics() -> Iterator[None]:
    """Nothing is written to stderr in the block: Polars' runtime prints a stack of each panic, which we then catch."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class _Reader:
    """Tables read so far, and what was found on the way."""

    def __init__(self, schema: pa.Schema, wanted: pa.Schema, needed: Sequence[str]) -> None:
        self.tables: list[pa.Table] = []
        self.problems: list[str] = []
        self._known, self._wanted, self._needed = schema.names, wanted, needed
        self._counts: Counter[tuple[str, ...]] = Counter()
        """How many files have these columns."""

    def known(self, paths: list[Path]) -> list[Path]:
        """Those that are not of a newer version; the others are named."""
        found = []
        for path in paths:
            try:
                check_version(pl.read_parquet_metadata(path).get("schema_version", "0"), _short(path))
            except UserError as error:
                self.problems.append(f"{error}; left out")
                continue
            except BROKEN:
                pass  # told where its content is read
            found.append(path)
        return found

    def read(self, paths: list[Path]) -> None:
        """Read the files in one go, as a rule: all have the columns of the first. Otherwise those alike together."""
        try:
            self._take(paths, list(pl.read_parquet_schema(paths[0])))
        except BROKEN:
            groups: dict[tuple[tuple[str, pl.DataType], ...], list[Path]] = defaultdict(list)
            for path in paths:
                try:
                    groups[tuple(pl.read_parquet_schema(path).items())].append(path)
                except BROKEN as error:
                    self.problems.append(damaged(path, error))
            for fields, alike in groups.items():
                self._halve(alike, [name for name, _ in fields])

    def _halve(self, paths: list[Path], names: list[str]) -> None:
        """Read files of equal columns; where that fails each half by itself, down to the file at fault."""
        try:
            self._take(paths, names)
        except BROKEN as error:
            if len(paths) == 1:
                self.problems.append(damaged(paths[0], error))
                return
            half = len(paths) // 2
            self._halve(paths[:half], names)
            self._halve(paths[half:], names)

    def _take(self, paths: list[Path], names: list[str]) -> None:
        """Read files that all have these columns; whatever Polars or Arrow raises where they do not."""
        if missing := [n for n in self._needed if n not in names]:
            raise ValueError(f"it has no column {', '.join(missing)}")
        present = [n for n in self._wanted.names if n in names]
        scan = pl.scan_parquet(
            paths, glob=False, hive_partitioning=False, missing_columns="raise", extra_columns="raise"
        )
        self.tables.append(_as(scan.select(present).collect().rechunk().to_arrow(), self._wanted))
        self._counts[tuple(names)] += len(paths)

    def other_columns(self, folder: str) -> list[str]:
        """Lines on columns that are unknown to the schema or that files lack."""
        unknown: Counter[str] = Counter()
        absent: Counter[str] = Counter()
        for names, n in self._counts.items():
            unknown.update({name: n for name in names if name not in self._known})
            absent.update({name: n for name in self._wanted.names if name not in names})
        return [
            *_lines(f"{folder}/: column", unknown, "unknown to this version: left out; a newer one wrote it?"),
            *_lines(f"{folder}/: column", absent, "missing: its values are shown as missing"),
        ]


def _as(table: pa.Table, wanted: pa.Schema) -> pa.Table:
    """The table with the schema's columns and types, nulls where it has none."""
    arrays = [
        table.column(f.name).cast(f.type) if f.name in table.column_names else pa.nulls(len(table), f.type)
        for f in wanted
    ]
    return pa.Table.from_arrays(arrays, schema=wanted)


def _lines(what: str, counts: Counter[str], rest: str) -> list[str]:
    """One line for all columns that as many files have or lack."""
    by_count: dict[int, list[str]] = defaultdict(list)
    for name, count in counts.items():
        by_count[count].append(name)
    return [
        f"{what}{'s' if len(names) > 1 else ''} {', '.join(names)} ({n} file{'s' if n > 1 else ''}) {rest}"
        for n, names in by_count.items()
    ]


def damaged(path: Path, error: BaseException) -> str:
    """The line about a file that cannot be read."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{_short(path)} is damaged or foreign ({reason.removeprefix('parquet: ')}): left out"


def _short(path: Path) -> str:
    """`members/<file>`: a table's folder and the file's name."""
    return f"{path.parent.name}/{path.name}"
