"""The store: a study's folder of Parquet files, one file a run in each table. It alone decides what is finished.

Each file is written under a temporary name in another folder, then renamed, so that readers see whole files only.
The folder may be on any file system that `binarygan.io.files` knows, an object store among them.
"""

import dataclasses
import glob
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.io.files import AnyPath, matching, read_whole, write_whole
from study.store.schemas import LATER, SCHEMA_VERSION, SCHEMAS, check_version
from study.store.tables import append_row, read_epochs, read_rows, write_rows

JOURNAL = "optuna-journal.log"
"""The file of a search's trials in its folder."""
JOURNAL_LOCK = f"{JOURNAL}.lock"
"""How the names begin of Optuna's locks of it, which are links, left behind where a command is killed as it writes."""


class Store:
    """The folder `root/<study>`."""

    def __init__(self, root: AnyPath, study: str) -> None:
        self.study, self.folder = study, root / study

    def create(self) -> None:
        """Make the folders; a UserError where that is impossible, or where a link would lead out of them."""
        if not isinstance(self.folder, Path) and glob.has_magic(self.folder.path):
            raise UserError(
                f"results folder {self.folder}: to an object store [ ] * ? are patterns: choose another name"
            )
        try:
            if isinstance(self.folder, Path):
                _refuse_links(self.folder)
                for name in (*SCHEMAS, "checkpoints", ".partial"):
                    (self.folder / name).mkdir(parents=True, exist_ok=True)
            probe = self.folder / ".partial" / uuid.uuid4().hex
            probe.write_bytes(b"probe")
            probe.unlink()
        except ImportError as error:
            raise UserError(f"results folder {self.folder}: {error}") from None
        except UserError:
            raise
        except Exception as error:  # the libraries of an object store raise errors of many kinds
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}".splitlines()[0]
            raise UserError(f"results folder {self.folder} cannot be written: {reason}") from None

    def drop_partial_files(self) -> None:
        """Remove what a killed command left half written; only for the command that holds the study's lock."""
        if partial := self._partial():
            for left in partial.iterdir():
                left.unlink(missing_ok=True)

    def checkpoints(self, cohort_id: str) -> AnyPath:
        """The folder of a cohort's checkpoint."""
        return self.folder / "checkpoints" / cohort_id

    def write(self, table: str, member_id: str, rows: list[dict[str, Any]]) -> None:
        """Replace a run's rows of a table."""
        write_rows(self._file(table, member_id), table, rows, partial=self._partial())

    def append(self, table: str, member_id: str, row: dict[str, Any]) -> None:
        """Add an epoch's row to a run's rows. Rows of the same epoch and of later ones are dropped."""
        append_row(self._file(table, member_id), table, row, partial=self._partial())

    def read(self, table: str, member_id: str) -> list[dict[str, Any]]:
        """A run's rows of a table; none where there is no file."""
        return read_rows(self._file(table, member_id), table)

    def epochs(self, table: str, member_id: str, having: str | None = None) -> dict[int, bool]:
        """The epochs of which a table has rows of a run, and whether the column `having` has a number in each."""
        return read_epochs(self._file(table, member_id), table, having)

    def missing_epochs(self, member_ids: Iterable[str], epochs_done: int) -> str:
        """Which epochs up to `epochs_done` lack rows, in words, for the first run and table that lack any; else "".

        A run's curve has no metrics in an epoch in which the run diverged, nor is there a sample or a histogram.
        """
        for member_id in member_ids:
            wanted = set(range(1, epochs_done + 1))
            curves = self.epochs("curves", member_id, having="ink")
            measured = {epoch for epoch, there in curves.items() if there}
            needed = {"curves": wanted, "samples": measured & wanted, "histograms": measured & wanted}
            for table, epochs in needed.items():
                found = curves if table == "curves" else self.epochs(table, member_id)
                if lacking := sorted(epochs - set(found)):
                    listed = ", ".join(map(str, lacking[:5])) + ", …" * (len(lacking) > 5)
                    return f"{member_id} has no {table} of epoch {listed}"
        return ""

    def _file(self, table: str, member_id: str) -> AnyPath:
        return self.folder / table / f"{member_id}.parquet"

    def _partial(self) -> Path | None:
        """The folder of files that are not whole yet; None on an object store, which only ever shows whole ones."""
        partial = self.folder / ".partial"
        return partial if isinstance(partial, Path) else None

    def end(self, member_ids: Iterable[str], status: str, reason: str) -> None:
        """Give those of the runs whose row still says `running` another status, with its reason."""
        for member_id in member_ids:
            for row in self.read("members", member_id):
                if row["status"] == "running":
                    self.write("members", member_id, [row | {"status": status, "error": reason}])

    def fail(self, members: Sequence[MemberConfig], fidelity: str, reason: str) -> None:
        """Enter that runs failed whose trial could not say so itself, perhaps before it wrote their rows."""
        for member in members:
            key = {"study": self.study, "member_id": member.member_id, "cell_id": member.cell_id}
            begun = {"fidelity": fidelity, "status": "running", "seconds": 0.0, "epochs_done": 0}
            if not self.read("members", member.member_id):
                self.write("members", member.member_id, [key | member.to_dict() | begun])
        self.end([member.member_id for member in members], "failed", reason)

    def ids(self, prefix: str = "") -> list[str]:
        """The ids of all runs, or of those whose id has this prefix."""
        return sorted(p.stem for p in self.files("members", f"{prefix}*.parquet"))

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Each run's row, by member_id."""
        return {name: rows[0] for name in self.ids() if (rows := self.read("members", name))}

    def files(self, folder: str, pattern: str) -> list[AnyPath]:
        """The files that match now; the client of an object store is told to forget its listing."""
        if not isinstance(self.folder, Path):
            self.folder.fs.invalidate_cache()
        found = matching(self.folder / folder, pattern)
        return [p for p in found if not isinstance(p, Path) or p.is_file()]  # reading a pipe would never end

    def agree(self, cells: list[MemberConfig], description: dict[str, Any]) -> None:
        """Enter the study's configurations, or compare with those entered before; a UserError says what differs."""
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
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, RecursionError):
            found = None
        cells = found.get("cells", {}) if isinstance(found, dict) else None
        if not isinstance(cells, dict) or not all(isinstance(c, dict) for c in cells.values()):
            raise UserError(f"{path} is damaged: move the folder away or choose --study NAME")
        check_version(found.get("schema_version", 0), path)
        return found

    def describe(self, description: dict[str, Any]) -> None:
        """Write `study.json`."""
        content = json.dumps({**description, "study": self.study, "schema_version": SCHEMA_VERSION}, indent=1)
        write_whole(self.folder / "study.json", content.encode())


def config_of(row: Mapping[str, Any]) -> MemberConfig:
    """The configuration that a run's row names; a UserError where it names none."""
    return MemberConfig.from_dict({f.name: row.get(f.name) for f in dataclasses.fields(MemberConfig)})


def _refuse_links(folder: Path) -> None:
    """A UserError for a link in the folder. (The folder itself may be one.)

    Whoever handed on a study's folder could otherwise choose which files a command overwrites and removes.
    """
    for path in (p for parent in (folder, folder / "checkpoints") if parent.is_dir() for p in parent.iterdir()):
        if path.is_symlink() and not path.name.startswith(JOURNAL_LOCK):  # these are removed, never followed
            raise UserError(f"{path} is a link: a study is written into its own folder alone (which may be a link)")


def _difference(known: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]]) -> str:
    """The fields whose sets of values differ, or how many configurations there are in each."""
    parts = []
    for field in next(iter(wanted.values())):
        before, now = ({str(c.get(field, LATER.get(field))) for c in cells.values()} for cells in (known, wanted))
        if before != now:
            parts.append(f"{field}: {'/'.join(sorted(before))} there, {'/'.join(sorted(now))} asked")
    return "; ".join(parts) or f"{len(known)} cells there, {len(wanted)} asked"
