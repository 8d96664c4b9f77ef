"""The store: a study's folder of Parquet files, one a member in each table. It alone decides what is finished.

Files are written whole under a temporary name in another folder, then renamed, so that readers see whole files only.
"""

import dataclasses
import json
import os
import typing
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.metrics.names import columns

FINISHED = ("done", "diverged")
"""Statuses that another run would only repeat."""
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
        ]
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
        ]
    ),
    "samples": pa.schema(
        [
            ("member_id", pa.string()),
            ("epoch", pa.int64()),
            ("bits", pa.binary()),  # 64 images of 98 bytes each
            ("bernoulli_bits", pa.binary()),
            ("preactivated", pa.list_(pa.float32())),  # 64 x 784, in steps of 1/1024
        ]
    ),
    "histograms": pa.schema(
        [
            ("member_id", pa.string()),
            ("epoch", pa.int64()),
            ("bin_edges", pa.list_(pa.float64())),
            ("counts", pa.list_(pa.int64())),
        ]
    ),
}


class Store:
    """The folder `root/<study>`."""

    def __init__(self, root: Path, study: str) -> None:
        self.study, self.folder = study, Path(root) / study

    def create(self) -> None:
        """Make the folders; a UserError where that cannot be."""
        try:
            for name in (*SCHEMAS, "checkpoints", ".partial"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            probe = self.folder / ".partial" / uuid.uuid4().hex
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise UserError(f"results folder {self.folder} cannot be written: {error.strerror}") from None

    def checkpoints(self, cohort_id: str) -> Path:
        """Where a cohort's checkpoint is."""
        return self.folder / "checkpoints" / cohort_id

    def started(self) -> list[list[MemberConfig]]:
        """The members of each cohort that has a checkpoint to go on from."""
        folders = sorted(p for p in (self.folder / "checkpoints").glob("*") if any(p.glob("epoch-*")))
        if not folders:
            return []
        from binarygan import checkpoints

        found = [checkpoints.saved_members(folder) for folder in folders]
        return [members for members in found if members]

    def write(self, table: str, member_id: str, rows: list[dict[str, Any]]) -> None:
        """Replace one member's rows of a table."""
        content = pa.Table.from_pylist(rows, schema=SCHEMAS[table])
        temporary = self.folder / ".partial" / f"{member_id}-{uuid.uuid4().hex}"
        pq.write_table(content, temporary, compression="zstd")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(self.folder / table / f"{member_id}.parquet")

    def read(self, table: str, member_id: str, *, before_epoch: int | None = None) -> list[dict[str, Any]]:
        """One member's rows of a table, those of earlier epochs only where asked; none where there is no file."""
        path = self.folder / table / f"{member_id}.parquet"
        if not path.exists():
            return []
        rows: list[dict[str, Any]] = pq.read_table(path, partitioning=None).to_pylist()
        return [r for r in rows if before_epoch is None or r["epoch"] < before_epoch]

    def mark_failed(self, member_ids: list[str], reason: str) -> None:
        """Give members that are still `running` the status `failed`; what a trial wrote of itself stays."""
        for member_id in member_ids:
            for row in self.read("members", member_id):
                if row["status"] == "running":
                    self.write("members", member_id, [row | {"status": "failed", "error": reason}])

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Every member's row, by member_id."""
        paths = sorted((self.folder / "members").glob("*.parquet"))
        return {p.stem: pq.read_table(p, partitioning=None).to_pylist()[0] for p in paths}

    def agree(self, cells: list[MemberConfig], description: dict[str, Any]) -> None:
        """Enter the study's cells, or compare with those entered before; a UserError says what differs."""
        wanted = {c.cell_id: {k: v for k, v in c.to_dict().items() if k != "seed"} for c in cells}
        path = self.folder / "study.json"
        if path.exists():
            try:
                known = json.loads(path.read_text())["cells"]
            except (ValueError, KeyError, TypeError):
                raise UserError(f"{path} is damaged: move the folder away or choose --study NAME") from None
            if set(known) != set(wanted):
                raise UserError(
                    f"{self.folder} was written by another configuration ({_difference(known, wanted)}); "
                    "choose another folder with --study NAME or --results DIR"
                )
            return
        temporary = self.folder / ".partial" / uuid.uuid4().hex
        temporary.write_text(json.dumps({**description, "study": self.study, "cells": wanted}, indent=1))
        temporary.replace(path)


def _difference(known: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]]) -> str:
    """The fields whose sets of values differ, or how many cells do."""
    parts = []
    for field in next(iter(wanted.values())):
        before, now = ({str(c.get(field)) for c in cells.values()} for cells in (known, wanted))
        if before != now:
            parts.append(f"{field}: {'/'.join(sorted(before))} there, {'/'.join(sorted(now))} asked")
    return "; ".join(parts) or f"{len(known)} cells there, {len(wanted)} asked"
