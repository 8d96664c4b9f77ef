"""Read a table's folder: one file a member or compacted files with many members, ten thousand of them in seconds."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from analysis.results.polars_process import PolarsProcess
from analysis.results.reading import Arrow, read_files, short
from study.store.schemas import SCHEMAS


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
    folder: Path, table: str, *, columns: Sequence[str] | None = None, needed: Sequence[str] = ("member_id",)
) -> tuple[pa.Table, list[str]]:
    """All rows of a folder's files as the table's schema has them, and a line for whatever was not so.

    A column that a file lacks is null. A file that cannot be read, that lacks a `needed` column or whose values are of
    another type is left out and named; so are columns that the schema does not have.

    Args:
        folder: of one table; it need not exist.
        table: one of `SCHEMAS`.
        columns: read these alone; all where None.
        needed: without these a file is none of ours.
    """
    paths, others = _listing(folder)
    problems = [f"{short(p)} is no file of this folder: left out" for p in others]
    names = columns or SCHEMAS[table].names
    found = _polars().read(table, paths, names, needed)
    if found is None:
        found = read_files(paths, SCHEMAS[table], names, needed, Arrow())
    return found[0], [*problems, *found[1]]


@lru_cache(maxsize=1)
def _polars() -> PolarsProcess:
    return PolarsProcess()
