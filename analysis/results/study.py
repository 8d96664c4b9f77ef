"""A study's runs, and what is read of them when it is asked for: curves, samples, histograms."""

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.results.cells import cells_of
from binarygan.data.images import load_images
from binarygan.errors import UserError
from study.store.reading import as_schema, files_of, naming, read_file, read_folder, short
from study.store.schemas import SCHEMAS, check_version
from study.store.study_file import NAME as STUDY_FILE
from study.store.study_file import StudyFile, read_study_file

IMAGE = (64, 28, 28)
KEPT_BYTES = 32 << 20
"""Of a compacted file; larger ones are read anew for each run."""


@dataclass(frozen=True)
class Samples:
    """What a generator gave for the 64 fixed z after an epoch, each (64, 28, 28).

    bits and bernoulli_bits are uint8 of 0 and 1; preactivated is float32 in [0, 1]. bernoulli_bits is of real-valued
    runs alone: their bits are by threshold.
    """

    epoch: int
    bits: np.ndarray
    bernoulli_bits: np.ndarray | None
    preactivated: np.ndarray


class Study:
    """A study's runs; its curves, samples and histograms are read when they are asked for.

    Args:
        folder: results/<study>.
        members: a row for each run; every column of the schema that it lacks is added as missing.
        problems: what a reader has to be told of the files, one line each.
    """

    def __init__(self, folder: Path, members: pd.DataFrame, problems: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.name = folder.resolve().name
        members = members.reindex(columns=[*SCHEMAS["members"].names])
        texts = [c for c in members if isinstance(members[c].dtype, pd.StringDtype)]
        # Texts as Python's own objects, and columns of a type in one block: pandas then takes rows ten times as fast.
        self.members = members.astype(dict.fromkeys(texts, object)).copy()
        self._problems = list(problems)
        self._kept: dict[Path, pa.Table] = {}

    @cached_property
    def cells(self) -> pd.DataFrame:
        """A row for each configuration, in the order of every chart, with what it is called: `cells_of` its runs."""
        return cells_of(self.members)

    @property
    def names(self) -> dict[str, str]:
        """cell_id -> what tables and charts call the configuration."""
        return dict(zip(self.cells["cell_id"], self.cells["name"], strict=True))

    @property
    def problems(self) -> tuple[str, ...]:
        """Damaged or foreign files, mixed versions, …: one line each. It grows as further tables are read."""
        return tuple(dict.fromkeys(self._problems))

    @cached_property
    def description(self) -> dict[str, Any]:
        """What `study.json` says of the run (grid or search, fidelity, quick, …); empty where there is none."""
        path = self.folder / "study.json"
        try:
            found = (
                json.loads(path.read_text(encoding="utf-8"))
                if path.resolve().is_relative_to(self.folder.resolve())
                else {}
            )
            found = json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))  # no lone surrogates
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError):
            self._problems.append("study.json is damaged: the command that made the study is not known")
            return {}
        if not isinstance(found, dict):
            return {}
        try:
            check_version(found.get("schema_version", 0), "study.json")
        except UserError as error:
            self._problems.append(str(error))
            return {}
        return found

    @cached_property
    def file(self) -> StudyFile | None:
        """The study file in its folder; None where there is none, and where it is damaged, which is a problem."""
        path = self.folder / STUDY_FILE
        if not path.is_file() or not path.resolve().is_relative_to(self.folder.resolve()):
            return None
        try:
            return read_study_file(path)
        except UserError as error:
            self._problems.append(f"{error}: its claims are not judged")
            return None

    @property
    def is_search(self) -> bool:
        """Whether its cells were drawn one by one: a search's, not a grid's."""
        return "search" in self.description

    def curves(self) -> pd.DataFrame:
        """All runs' epochs in order, with the columns of SCHEMAS["curves"]."""
        return self._curves

    @cached_property
    def _curves(self) -> pd.DataFrame:
        table, problems = read_folder(self.folder / "curves", "curves")
        self._problems += problems
        ordered = table.to_pandas().sort_values(["member_id", "epoch"], kind="stable", ignore_index=True)
        found = ordered.drop_duplicates(["member_id", "epoch"], keep="last", ignore_index=True)
        if twice := len(ordered) - len(found):
            self._problems.append(f"curves/: {twice} epochs of runs stand twice: the later of each is used")
        return found

    def samples(self, member_id: str) -> Samples | None:
        """After the last epoch; None where there are none."""
        rows = self._of(member_id, "samples")
        return _samples(rows[-1]) if rows else None

    def evolution(self, member_id: str) -> list[Samples]:
        """Of every stored epoch, in order."""
        return [_samples(row) for row in self._of(member_id, "samples")]

    def histogram(self, member_id: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Bin edges (n + 1) and counts (n) of preactivated outputs after the last epoch; None where there are none."""
        rows = self._of(member_id, "histograms")
        return (np.asarray(rows[-1]["bin_edges"]), np.asarray(rows[-1]["counts"])) if rows else None

    def training_images(self) -> np.ndarray | None:
        """The first 64 training images (64, 28, 28); None where the study's data is not the packaged MNIST."""
        if mnist_digest() not in set(self.members["data_digest"].dropna()):
            return None
        return load_images("mnist").bits(IMAGE[0]).reshape(IMAGE)

    @cached_property
    def _files(self) -> dict[str, dict[str, list[Path]]]:
        """Table -> member_id -> the files that may hold it. Only files that are there: no path is made of an id."""
        files: dict[str, dict[str, list[Path]]] = {}
        ids = set(self.members["member_id"])
        for table in ("samples", "histograms"):
            found: dict[str, list[Path]] = {}
            for path in files_of(self.folder / table)[0]:
                for member_id in [path.stem] if path.stem in ids else self._ids_in(path, table):
                    found.setdefault(member_id, []).append(path)
            files[table] = found
        return files

    def _ids_in(self, path: Path, table: str) -> list[str]:
        try:
            return read_file(path, table, short(path), columns=["member_id"]).column(0).unique().to_pylist()
        except UserError as error:
            self._problems.append(f"{error}; left out")
            return []

    def _of(self, member_id: str, table: str) -> list[dict[str, Any]]:
        """A run's rows of a table that are whole, by epoch."""
        rows: dict[int, dict[str, Any]] = {}
        for path in self._files[table].get(member_id, ()):
            try:
                with naming(short(path)):
                    for row in as_schema(self._read(path, table, member_id), SCHEMAS[table]).to_pylist():
                        _check(table, row)
                        rows[row["epoch"]] = row
            except UserError as error:
                self._problems.append(f"{error}; left out")
        return [rows[epoch] for epoch in sorted(rows)]

    def _read(self, path: Path, table: str, member_id: str) -> pa.Table:
        """A run's rows of a file. A compacted file is kept, where it is small enough, for the next run."""
        if path not in self._kept:
            if path.stem == member_id or path.stat().st_size > KEPT_BYTES:
                return read_file(path, table, short(path), member_id=member_id)
            self._kept[path] = read_file(path, table, short(path))
        kept = self._kept[path]
        return kept.filter(pc.equal(kept.column("member_id"), member_id))


@lru_cache(maxsize=1)
def mnist_digest() -> str:
    """The digest of the packaged MNIST: what is meant by it, whatever a file is called."""
    return load_images("mnist").digest


def _check(table: str, row: dict[str, Any]) -> None:
    """Raise a ValueError where a row has no epoch, or its images or counts have the wrong size."""
    if row["epoch"] is None:
        raise ValueError("a row has no epoch")
    if table == "histograms":
        if len(row["bin_edges"] or ()) != len(row["counts"] or ()) + 1:
            raise ValueError("a histogram needs one edge more than counts")
        return
    packed, values = IMAGE[0] * 98, IMAGE[0] * 784
    if len(row["bits"] or b"") != packed or len(row["bernoulli_bits"] or b"x" * packed) != packed:
        raise ValueError(f"bits are not {packed} bytes")
    if len(row["preactivated"] or ()) != values:
        raise ValueError(f"preactivated outputs are not {values} values")


def _samples(row: dict[str, Any]) -> Samples:
    sampled = row["bernoulli_bits"]
    return Samples(
        epoch=row["epoch"],
        bits=_bits(row["bits"]),
        bernoulli_bits=None if sampled is None else _bits(sampled),
        preactivated=np.asarray(row["preactivated"], np.float32).reshape(IMAGE),
    )


def _bits(packed: bytes) -> np.ndarray:
    return np.unpackbits(np.frombuffer(packed, np.uint8)).reshape(IMAGE)
