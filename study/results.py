"""The store: a study's folder of Parquet files, one a member in each table. It alone decides what is finished.

Files are written whole under a temporary name in another folder, then renamed, so that readers see whole files only.
The folder may be on any file system that `binarygan.files` knows, an object store among them.
"""

import dataclasses
import json
import typing
import uuid
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.files import Place, read_whole, write_whole
from binarygan.metrics.names import columns

FINISHED = ("done", "diverged")
"""Statuses that another run would only repeat."""
STOPPED = "stopped"
"""Status of a member that a search's scheduler ended early: neither done nor to be gone on with."""
SCHEMA_VERSION = 1
"""In the metadata of every file and in study.json; raised where an old reader would misread what a new one writes."""
_VERSION = {"schema_version": str(SCHEMA_VERSION)}
_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64()}


def _config_fields() -> list[tuple[str, pa.DataType]]:
    hints = typing.get_type_hints(MemberConfig)
    names = [f.name for f in dataclasses.fields(MemberConfig)]
    return [(n, _ARROW[(typing.get_args(hints[n]) or (hints[n],))[0]]) for n in names]


_LOSSES = [("discriminator_loss", pa.float64()), ("generator_loss", pa.float64())]
SCHEMAS = {
    "members": pa.schema(
        [
            ("study", pa.string()),
            ("member_id", pa.string()),
            ("cell_id", pa.string()),
            ("fidelity", pa.string()),
            *_config_fields(),
            ("status", pa.string()),
            ("error", pa.string()),
            *_LOSSES,
            *((name, pa.float64()) for name in columns(light=False)),
            ("extractors", pa.string()),  # digest of the weights that the metrics of features rest on
            ("seconds", pa.float64()),
            ("epochs_done", pa.int64()),
            ("device", pa.string()),
            ("versions", pa.string()),
            ("git_commit", pa.string()),
            ("started_at", pa.timestamp("ms", tz="UTC")),
        ],
        metadata=_VERSION,
    ),
    "curves": pa.schema(
        [
            ("member_id", pa.string()),
            ("epoch", pa.int64()),
            ("slope", pa.float64()),
            *_LOSSES,
            *((name, pa.float64()) for name in columns(light=True)),
            ("seconds", pa.float64()),
            ("evaluation_seconds", pa.float64()),  # of them
        ],
        metadata=_VERSION,
    ),
    "samples": pa.schema(
        [
            ("member_id", pa.string()),
            ("epoch", pa.int64()),
            ("bits", pa.binary()),  # 64 images of 98 bytes each
            ("bernoulli_bits", pa.binary()),
            ("preactivated", pa.list_(pa.float32())),  # 64 x 784, in steps of 1/1024
        ],
        metadata=_VERSION,
    ),
    "histograms": pa.schema(
        [
            ("member_id", pa.string()),
            ("epoch", pa.int64()),
            ("bin_edges", pa.list_(pa.float64())),
            ("counts", pa.list_(pa.int64())),
        ],
        metadata=_VERSION,
    ),
}
NEEDED = {
    "members": ("member_id", "status"),
    **dict.fromkeys(("curves", "samples", "histograms"), ("member_id", "epoch")),
}
"""Without these a file is none of ours."""
ROWS_AT_A_TIME = 8
"""Of a file that is written anew with one more: eight epochs' samples are 2 MB."""
MEND = "move it away and run the same command again"


class Store:
    """The folder `root/<study>`."""

    def __init__(self, root: Place, study: str) -> None:
        self.study, self.folder = study, root / study

    def create(self) -> None:
        """Make the folders; a UserError where that cannot be."""
        try:
            if isinstance(self.folder, Path):
                for name in (*SCHEMAS, "checkpoints", ".partial"):
                    (self.folder / name).mkdir(parents=True, exist_ok=True)
            probe = self.folder / ".partial" / uuid.uuid4().hex
            probe.write_bytes(b"probe")
            probe.unlink()
        except ImportError as error:
            raise UserError(f"results folder {self.folder}: {error}") from None
        except Exception as error:  # an object store's libraries raise what they like
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}".splitlines()[0]
            raise UserError(f"results folder {self.folder} cannot be written: {reason}") from None

    def tidy(self) -> None:
        """Drop what a killed run left half written; for the run that holds the study's lock."""
        partial = self.folder / ".partial"
        if isinstance(partial, Path):
            for left in partial.iterdir():
                left.unlink(missing_ok=True)

    def checkpoints(self, cohort_id: str) -> Place:
        """Where a cohort's checkpoint is."""
        return self.folder / "checkpoints" / cohort_id

    def started(self) -> list[list[MemberConfig]]:
        """The members of each cohort that has a checkpoint to go on from."""
        folders = sorted({p.parent for p in self._files("checkpoints", "*/epoch-*")}, key=str)
        if not folders:
            return []
        from binarygan import checkpoints

        found = [checkpoints.saved_members(folder) for folder in folders]
        return [members for members in found if members]

    def write(self, table: str, member_id: str, rows: list[dict[str, Any]]) -> None:
        """Replace one member's rows of a table."""
        self._write(table, member_id, [pa.Table.from_pylist(rows, schema=SCHEMAS[table])])

    def append(self, table: str, member_id: str, row: dict[str, Any]) -> None:
        """Add an epoch's row to a member's, in place of any that there are of this epoch and later ones.

        A few earlier rows are in memory at a time, however many there are.
        """
        path = self.folder / table / f"{member_id}.parquet"
        new = pa.Table.from_pylist([row], schema=SCHEMAS[table])
        try:
            content = read_whole(path)
        except FileNotFoundError:
            return self._write(table, member_id, [new])

        def whole() -> Iterator[pa.Table]:
            for some in self._parts(table, path, content):
                yield some.filter(pc.less(some.column("epoch"), row["epoch"])).cast(SCHEMAS[table])
            yield new

        return self._write(table, member_id, _in_groups(whole()))

    def read(self, table: str, member_id: str) -> list[dict[str, Any]]:
        """One member's rows of a table; none where there is no file."""
        found = self._read(table, member_id)
        return [] if found is None else found.to_pylist()

    def _write(self, table: str, member_id: str, parts: Iterable[pa.Table]) -> None:
        """A row group a part."""
        buffer = BytesIO()
        with pq.ParquetWriter(buffer, SCHEMAS[table], compression="zstd") as writer:
            for part in parts:
                writer.write_table(part)
        path, partial = self.folder / table / f"{member_id}.parquet", self.folder / ".partial"
        write_whole(path, buffer.getvalue(), partial=partial if isinstance(partial, Path) else None)

    def _read(self, table: str, member_id: str) -> pa.Table | None:
        path = self.folder / table / f"{member_id}.parquet"
        try:
            content = read_whole(path)
        except FileNotFoundError:
            return None
        return pa.concat_tables(self._parts(table, path, content))

    def _parts(self, table: str, path: Place, content: bytes) -> Iterator[pa.Table]:
        """A file's rows, some at a time; a UserError where it is damaged."""
        try:
            file = pq.ParquetFile(BytesIO(content))
            check_version((file.schema_arrow.metadata or {}).get(b"schema_version", b"0"), path)
            yield _checked(file.schema_arrow.empty_table(), table, path)
            for batch in file.iter_batches(batch_size=ROWS_AT_A_TIME):
                part = pa.Table.from_batches([batch])
                part.validate(full=True)
                yield _checked(part, table, path)
        except (pa.ArrowException, OSError, ValueError, OverflowError):
            raise UserError(f"{path} is damaged: {MEND}") from None

    def end(self, member_ids: Iterable[str], status: str, reason: str) -> None:
        """Give members that are still `running` another status; what a trial wrote of itself stays."""
        for member_id in member_ids:
            for row in self.read("members", member_id):
                if row["status"] == "running":
                    self.write("members", member_id, [row | {"status": status, "error": reason}])

    def ids(self, prefix: str = "") -> list[str]:
        """Those of all members, or those that begin so."""
        return sorted(p.stem for p in self._files("members", f"{prefix}*.parquet"))

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Every member's row, by member_id."""
        return {name: rows[0] for name in self.ids() if (rows := self.read("members", name))}

    def _files(self, folder: str, pattern: str) -> list[Place]:
        """As they are now: listings of an object store are kept by its client."""
        if not isinstance(self.folder, Path):
            self.folder.fs.invalidate_cache()
        return list((self.folder / folder).glob(pattern))

    def agree(self, cells: list[MemberConfig], description: dict[str, Any]) -> None:
        """Enter the study's cells, or compare with those entered before; a UserError says what differs."""
        wanted = {c.cell_id: {k: v for k, v in c.to_dict().items() if k != "seed"} for c in cells}
        entered = self.description()
        if entered is None:
            return self.describe({**description, "cells": wanted})
        if "cells" not in entered:
            raise UserError(f"{self.folder} is a search's: choose another folder with --study NAME or --results DIR")
        if set(entered["cells"]) != set(wanted):
            raise UserError(
                f"{self.folder} was written by another configuration ({_difference(entered['cells'], wanted)}); "
                "choose another folder with --study NAME or --results DIR"
            )
        return None

    def description(self) -> dict[str, Any] | None:
        """What `study.json` says; None where there is none, a UserError where it is damaged."""
        path = self.folder / "study.json"
        try:
            found = json.loads(read_whole(path))
        except FileNotFoundError:
            return None
        except ValueError:
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("cells", {}), dict):
            raise UserError(f"{path} is damaged: move the folder away or choose --study NAME")
        check_version(found.get("schema_version", 0), path)
        return found

    def describe(self, description: dict[str, Any]) -> None:
        """Write `study.json`."""
        content = json.dumps({**description, "study": self.study, "schema_version": SCHEMA_VERSION}, indent=1)
        write_whole(self.folder / "study.json", content.encode())


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


def _checked(part: pa.Table, table: str, path: Place) -> pa.Table:
    """The part; a UserError where a column is missing or empty that every file has."""
    for name in NEEDED[table]:
        if name not in part.column_names or part[name].null_count:
            raise UserError(f"{path} is damaged, it has no {name}: {MEND}")
    return part


def check_version(found: object, path: object) -> None:
    """A UserError where a file is of a version that this program does not know; files without one are of version 0."""
    try:
        version = int(found)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise UserError(f"{path} has no schema version but {str(found)[:40]!r}: it is damaged") from None
    if version > SCHEMA_VERSION:
        raise UserError(f"{path} is of schema version {version}; this program reads up to {SCHEMA_VERSION}: update it")


def _difference(known: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]]) -> str:
    """The fields whose sets of values differ, or how many cells do."""
    parts = []
    for field in next(iter(wanted.values())):
        before, now = ({str(c.get(field)) for c in cells.values()} for cells in (known, wanted))
        if before != now:
            parts.append(f"{field}: {'/'.join(sorted(before))} there, {'/'.join(sorted(now))} asked")
    return "; ".join(parts) or f"{len(known)} cells there, {len(wanted)} asked"
