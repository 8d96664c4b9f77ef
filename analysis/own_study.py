"""Studies of a user's own, of which no experiment of the report has all configurations: which fields they vary."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from analysis import labels
from analysis.experiments import EXPERIMENTS
from analysis.results.cells import trained
from analysis.results.fields import levels, varied, with_parameters
from analysis.results.study import Study

SELF_TELLING = ("neuron", "objective", "architecture", "estimator", "discriminator_norm")
"""Fields whose values need no name ahead."""
MOST_LINES = 6
"""Levels of a second axis that a figure tells apart."""


@dataclass(frozen=True, eq=False)
class Axis:
    """A field that the study varies, and how its runs are told apart along it."""

    name: str
    values: tuple[Any, ...]
    """In the order of all charts; missing values (of runs that have no such parameter) are left out."""
    lines: str
    """The other axis, along which log FID differs most: its levels are lines. Empty where there is none."""
    others: tuple[str, ...]
    """All other axes: along them runs have to be alike to be compared."""
    with_it: tuple[str, ...]
    """Fields that differ with it alone, so that what comes of them cannot be told from what comes of it."""

    @property
    def is_number(self) -> bool:
        """Whether its values lie on a scale."""
        return len(self.values) > 1 and all(isinstance(v, int | float) for v in self.values)


@lru_cache(maxsize=2)
def axes_of(study: Study) -> tuple[Axis, ...]:
    """The study's own axes; none for a search, and none for a grid of which the report's experiments have all
    configurations."""
    if study.is_search:
        return ()
    members = trained(study.members)
    if not {"sweep", "file"} & set(study.description):
        left = set(members["cell_id"])
        for experiment in EXPERIMENTS:
            left -= set(experiment.members(members)["cell_id"])
        if not left:
            return ()
    rows = rows_of(study)
    names = varied(rows)
    spans = {name: _span(rows, name) for name in names}
    found = []
    for name in names:
        others = [n for n in names if n != name and rows[n].nunique() <= MOST_LINES]
        found.append(
            Axis(
                name=name,
                values=tuple(levels(rows[name].dropna(), name)),
                lines=max(others, key=lambda other: spans[other], default=""),
                others=tuple(n for n in names if n != name),
                with_it=tuple(names[name]),
            )
        )
    return tuple(found)


def rows_of(study: Study) -> pd.DataFrame:
    """The study's runs with the parameters of their parts as columns, and `log_fid`; NaN where there is none yet."""
    rows = with_parameters(trained(study.members))
    fid = pd.to_numeric(rows["fid"], errors="coerce").astype(float)
    usable = (rows["status"] == "done") & (fid > 0) & np.isfinite(fid)
    return rows.assign(log_fid=np.log(fid.where(usable)))


def name_of(name: str, value: Any) -> str:
    """What charts call a value of an axis."""
    if name == "discriminator_norm":
        return labels.norm_in_d(str(value))
    return str(labels.choice(name, value)) or str(value)  # "none" has no label


def names_apart(study: Study) -> dict[str, str]:
    """What tells each configuration from the others, by cell_id: its values along the study's axes."""
    rows = rows_of(study).drop_duplicates("cell_id").set_index("cell_id")
    return {
        str(cell_id): ", ".join(_words(a.name, rows.loc[cell_id, a.name]) for a in axes_of(study))
        for cell_id in rows.index
    }


def _words(name: str, value: object) -> str:
    text = name_of(name, value)
    return text if name in SELF_TELLING else f"{labels.field(name)} {text}"


def _span(rows: pd.DataFrame, name: str) -> float:
    """How much mean log FID differs along an axis."""
    means = rows.groupby(rows[name].astype(str))["log_fid"].mean()
    return float(means.max() - means.min()) if means.notna().sum() > 1 else 0.0
