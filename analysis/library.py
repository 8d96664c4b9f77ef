"""The library: what `from analysis import load_study` gives. Results as DataFrames and arrays, read-only."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.claims.evidence import Evidence, Measure, sample_of
from analysis.claims.own import Chosen
from analysis.results.load import load_study as _load
from analysis.results.load import local_study
from analysis.results.study import Samples, Study
from analysis.statistics.differences import is_ratio
from analysis.statistics.hypotheses import Shift
from binarygan.errors import UserError
from binarygan.io.files import path_of
from study.store.reading import files_of

__all__ = ["Difference", "Samples", "Studies", "Study", "compare_runs", "load_study"]


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
        found = [f"{s.name}: {line}" for s in self.studies for line in s.problems]
        if twice := int(self.members["member_id"].duplicated().sum()):
            found.append(f"{twice} runs stand in two studies: drop_duplicates('member_id') has each once")
        return tuple(found)

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


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far a metric of one configuration's runs is from that of another's."""

    metric: str
    runs: str
    """The first configuration: its values, their mean and standard deviation, how its runs ended."""
    than: str
    """The second."""
    is_ratio: bool
    """Whether `value` and `interval` are ratios, first to second; else they are differences."""
    value: float
    """Of a typical pair of runs (Hodges and Lehmann's median)."""
    interval: tuple[float, float]
    """Of 90%, by the tests that judge claims; infinite ends where runs are too few to exclude anything."""

    def __str__(self) -> str:
        kind, (low, high) = ("ratio" if self.is_ratio else "difference"), self.interval
        return f"{self.metric}: {kind} {self.value:.3g}, 90% [{low:.3g}, {high:.3g}]: {self.runs} against {self.than}"


def compare_runs(study: Study | Studies, metric: str, runs: Mapping[str, Any], than: Mapping[str, Any]) -> Difference:
    """A metric of two configurations, compared by their runs.

    Args:
        metric: a column of `study.members`.
        study: a run that two of several studies have counts once.
        runs: the fields, parameters of parts among them, that tell the first configuration from all others.
        than: the same of the second.

    Raises:
        UserError: no configuration has these values, or several have; unlike extractors measured their runs.
    """
    members = study.members.sort_values("status", key=lambda s: s != "done", kind="stable").drop_duplicates("member_id")
    if metric not in members:
        raise UserError(f"{metric!r} is no column of {', '.join(sorted(map(str, members['study'].unique())))}")
    evidence = Evidence(members, {})
    measure = Measure(name=metric, columns=(metric,), log=is_ratio(metric))
    samples = []
    for fields in (runs, than):
        chosen = Chosen(tuple(fields.items()))
        if evidence.rows(chosen).empty:
            raise UserError(f"{chosen.name}: {chosen.lacking(members)}")
        samples.append(sample_of(evidence, chosen, measure))
    a, b = samples
    if len(found := a.extractors | b.extractors) > 1:
        raise UserError(f"{a.name} and {b.name} were measured by different extractors ({', '.join(sorted(found))})")
    shift = Shift(a.compared, b.compared, (a.lost, b.lost))
    low, high = (measure.unscale(end) for end in shift.interval)
    value = measure.unscale(shift.value)
    return Difference(metric=metric, runs=a.text, than=b.text, is_ratio=measure.log, value=value, interval=(low, high))


def _one(text: str) -> Study:
    source = path_of(text)
    if isinstance(source, Path):
        return _load(source)
    scratch = tempfile.TemporaryDirectory(prefix="study-")
    study = _load(local_study(text, Path(scratch.name)))
    study.__dict__["scratch"] = scratch  # the copy lives as long as the study
    return study
