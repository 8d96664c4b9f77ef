"""Read the Parquet files of a table's folder as one table, and say what of them is not as it should be.

By one of two libraries (`Backend`): Polars, to which many small files cost a tenth of what they cost pyarrow
(`benchmarks/report_scale.py`), but which some damaged files end together with its process; and pyarrow.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from binarygan.errors import UserError
from study.store.schemas import check_version

BROKEN = (pa.ArrowException, OSError, ValueError, OverflowError)
"""What pyarrow raises of a damaged or foreign file."""
_CHUNK = 1024


class Backend(Protocol):
    """What reads Parquet files."""

    broken: tuple[type[BaseException], ...]
    """What it raises of a damaged or foreign file."""

    def metadata(self, path: Path) -> Mapping[str, str]:
        """Key to value, of the file's footer."""

    def columns(self, path: Path) -> dict[str, Any]:
        """Name to type."""

    def load(self, paths: list[Path], columns: list[str]) -> pa.Table:
        """These columns of files that all have the columns of the first."""


class Arrow:
    """By pyarrow, a file at a time."""

    broken: tuple[type[BaseException], ...] = BROKEN

    def metadata(self, path: Path) -> Mapping[str, str]:
        """Key to value, of the file's footer."""
        found = pq.read_metadata(path).metadata or {}
        return {k.decode(errors="replace"): v.decode(errors="replace") for k, v in found.items()}

    def columns(self, path: Path) -> dict[str, Any]:
        """Name to type."""
        schema = pq.read_schema(path)
        return dict(zip(schema.names, schema.types, strict=True))

    def load(self, paths: list[Path], columns: list[str]) -> pa.Table:
        """These columns of files that all have the columns of the first."""
        table = pa.concat_tables([pq.read_table(path, columns=columns, partitioning=None) for path in paths])
        table.validate(full=True)
        return table


def read_files(
    paths: list[Path], schema: pa.Schema, columns: Sequence[str], needed: Sequence[str], backend: Backend
) -> tuple[pa.Table, list[str]]:
    """All rows of a folder's files as `schema` has them, and a line for whatever was not so: see `read_folder`."""
    wanted = pa.schema([schema.field(name) for name in columns])
    reader = _Reader(schema, wanted, needed, backend)
    known = reader.known(paths)
    for i in range(0, len(known), _CHUNK):
        reader.read(known[i : i + _CHUNK])
    table = pa.concat_tables([wanted.empty_table(), *reader.tables])
    return table, [*reader.problems, *(reader.other_columns(paths[0].parent.name) if paths else ())]


class _Reader:
    """Tables read so far, and what was found on the way."""

    def __init__(self, schema: pa.Schema, wanted: pa.Schema, needed: Sequence[str], backend: Backend) -> None:
        self.tables: list[pa.Table] = []
        self.problems: list[str] = []
        self._known, self._wanted, self._needed, self._backend = schema.names, wanted, needed, backend
        self._counts: Counter[tuple[str, ...]] = Counter()
        """How many files have these columns."""

    def known(self, paths: list[Path]) -> list[Path]:
        """Those that are not of a newer version; the others are named."""
        found = []
        for path in paths:
            try:
                check_version(self._backend.metadata(path).get("schema_version", "0"), short(path))
            except UserError as error:
                self.problems.append(f"{error}; left out")
                continue
            except self._backend.broken:
                pass  # told where its content is read
            found.append(path)
        return found

    def read(self, paths: list[Path]) -> None:
        """Read the files in one go, as a rule: all have the columns of the first. Otherwise those alike together."""
        try:
            self._take(paths, list(self._backend.columns(paths[0])))
        except self._backend.broken:
            groups: dict[tuple[tuple[str, Any], ...], list[Path]] = defaultdict(list)
            for path in paths:
                try:
                    groups[tuple(self._backend.columns(path).items())].append(path)
                except self._backend.broken as error:
                    self.problems.append(damaged(path, error))
            for fields, alike in groups.items():
                self._halve(alike, [name for name, _ in fields])

    def _halve(self, paths: list[Path], names: list[str]) -> None:
        """Read files of equal columns; where that fails each half by itself, down to the file at fault."""
        try:
            self._take(paths, names)
        except self._backend.broken as error:
            if len(paths) == 1:
                self.problems.append(damaged(paths[0], error))
                return
            half = len(paths) // 2
            self._halve(paths[:half], names)
            self._halve(paths[half:], names)

    def _take(self, paths: list[Path], names: list[str]) -> None:
        """Read files that all have these columns; whatever the backend raises where they do not."""
        if missing := [n for n in self._needed if n not in names]:
            raise ValueError(f"it has no column {', '.join(missing)}")
        present = [n for n in self._wanted.names if n in names]
        self.tables.append(_as(self._backend.load(paths, present), self._wanted))
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
    return f"{short(path)} is damaged or foreign ({reason.removeprefix('parquet: ')}): left out"


def short(path: Path) -> str:
    """`members/<file>`: a table's folder and the file's name."""
    return f"{path.parent.name}/{path.name}"
