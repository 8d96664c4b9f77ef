"""The library: what `from analysis import load_study` gives. Results as DataFrames and arrays, read-only."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.results.load import load_study as _load
from analysis.results.load import local_study
from analysis.results.study import Samples, Study
from binarygan.errors import UserError
from binarygan.io.files import path_of
from study.store.reading import files_of

__all__ = ["Samples", "Studies", "Study", "load_study"]


class Studies:
    """Several studies at once. A run that two of them have stands in each, told apart by the column `study`."""

    def __init__(self, studies: Sequence[Study]) -> None:
        self.studies = tuple(studies)

    @property
    def members(self) -> pd.DataFrame:
        """A row for each run of each study."""
        return pd.concat([s.members.assign(study=s.name) for s in self.studies], ignore_index=True)

    @property
    def problems(self) -> tuple[str, ...]:
        """What a reader has to be told of the files, each line with its study ahead."""
        return tuple(f"{s.name}: {line}" for s in self.studies for line in s.problems)

    def curves(self) -> pd.DataFrame:
        """A row for each epoch of each run of each study."""
        return pd.concat([s.curves().assign(study=s.name) for s in self.studies], ignore_index=True)

    def samples(self, member_id: str) -> Samples | None:
        """Of the first study that has any of the run."""
        return next((found for s in self._of(member_id) if (found := s.samples(member_id)) is not None), None)

    def evolution(self, member_id: str) -> list[Samples]:
        """Of every stored epoch, of the first study that has any of the run."""
        return next((found for s in self._of(member_id) if (found := s.evolution(member_id))), [])

    def histogram(self, member_id: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Bin edges and counts of preactivated outputs, of the first study that has them of the run."""
        return next((found for s in self._of(member_id) if (found := s.histogram(member_id)) is not None), None)

    def _of(self, member_id: str) -> list[Study]:
        return [s for s in self.studies if (s.members["member_id"] == member_id).any()]


def load_study(where: str | Path | Sequence[str | Path]) -> Study | Studies:
    """One study, or several where `where` is a pattern (`results/*`) or a list.

    Args:
        where: a folder, or a URL of one in a bucket (`s3://bucket/results/paper`), which is copied to this machine.

    Raises:
        UserError: there is no study, or none of its runs can be read.
    """
    if not isinstance(where, str | Path):
        return Studies([_one(str(w)) for w in where])
    text = str(where)
    source = path_of(text)
    if not isinstance(source, Path) or source.exists() or not set("*?[") & set(text):
        return _one(text)
    folders = sorted(p for p in Path(source.anchor or ".").glob(str(source.relative_to(source.anchor))))
    studies = [str(p) for p in folders if files_of(p / "members")[0]]
    if not studies:
        raise UserError(f"{text} matches no study: it has no members/*.parquet")
    return Studies([_one(text) for text in studies])


def _one(text: str) -> Study:
    source = path_of(text)
    if isinstance(source, Path):
        return _load(source)
    scratch = tempfile.TemporaryDirectory(prefix="study-")
    study = _load(local_study(text, Path(scratch.name)))
    study.__dict__["scratch"] = scratch  # the copy lives as long as the study
    return study
