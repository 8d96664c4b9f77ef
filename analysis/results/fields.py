"""Runs by the fields of their configurations, parts' own parameters among them: which vary, and which have a value."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis import labels
from binarygan.config import MemberConfig

NO_CHOICE = ("seed", "data_digest", "part_parameters", "part_sources")
"""Fields that are no choice of a study's, or that stand for several."""
FIELDS = tuple(f.name for f in dataclasses.fields(MemberConfig) if f.name not in NO_CHOICE)


def with_parameters(members: pd.DataFrame) -> pd.DataFrame:
    """The runs with a column for each parameter of a part: `estimator.temperature`, missing where a run has none."""
    texts = members["part_parameters"].map(labels.parameters)
    names = dict.fromkeys(name for own in texts for name in own)
    return members.assign(**{name: [own.get(name) for own in texts] for name in names})


def varied(members: pd.DataFrame) -> dict[str, list[str]]:
    """The fields in which configurations of these runs differ, each with those after it that only differ with it.

    An objective's optimizer, for example, varies with it: what comes of the one cannot be told from what comes of the
    other. The runs are those of `with_parameters`.
    """
    cells = members.drop_duplicates("cell_id")
    names = [*FIELDS, *(name for name in map(str, cells) if "." in name)]
    differing = [name for name in names if cells[name].astype(str).nunique() > 1]
    found: dict[str, list[str]] = {}
    for name in differing:
        values = cells[name].astype(str)
        for other, with_it in found.items():
            if (values.groupby(cells[other].astype(str)).nunique() == 1).all():
                with_it.append(name)
                break
        else:
            found[name] = []
    return found


def having(members: pd.DataFrame, fields: Mapping[str, Any]) -> pd.DataFrame:
    """The runs that have these values; numbers are compared as numbers."""
    rows = with_parameters(members)
    for name, value in fields.items():
        rows = rows[rows[name].map(lambda own, value=value: own == value) if name in rows else [False] * len(rows)]
    return members.loc[rows.index]


def levels(values: Iterable[Any], name: str) -> list[Any]:
    """A field's values in the order of all charts: parts as registered, numbers by size."""
    found = set(values)
    return sorted(found, key=lambda v: (labels.rank(name, v), v if isinstance(v, int | float) else 0, str(v)))
