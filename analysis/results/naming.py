"""What tables and charts call a study's configurations, and in which order they come."""

import dataclasses
from collections.abc import Hashable
from typing import Any

import pandas as pd

from analysis import labels
from analysis.results.cells import deviations
from binarygan.config import MemberConfig

ORDER = ["objective", "architecture", "discriminator_norm", "neuron"]
"""What configurations are sorted by."""
_FIRST = ["fidelity", "generator_norm", "generator_output_norm", "slope_rate"]
_REST = [f.name for f in dataclasses.fields(MemberConfig) if f.name not in (*_FIRST, "seed")]
TELLING = [*_FIRST, *_REST]
"""What tells configurations of one name apart, the most telling first."""


def trained(members: pd.DataFrame) -> pd.DataFrame:
    """The rows that are runs: those of real images, in the anchors, are none."""
    return members[members["objective"].notna() & members["neuron"].notna() & members["seed"].notna()]


def cells_of(members: pd.DataFrame) -> pd.DataFrame:
    """A row for each configuration in the order of every chart: `cell_id`, its fields, `family` and `name`.

    The family names objective, network, and norm in D where it is not the paper's; the name adds the neuron. Both add
    what is unlike the paper, and, where configurations would share a name, the fewest fields that tell them apart.
    """
    cells = trained(members).drop_duplicates("cell_id").reset_index(drop=True)
    ranks = {f"rank_{c}": cells[c].map(lambda value, c=c: labels.rank(c, value)) for c in ORDER}
    others = [f for f in TELLING if f not in ORDER]
    cells = cells.assign(**ranks).sort_values([*ranks, *others], kind="stable", ignore_index=True)
    family = pd.Series([_family(*v) for v in cells[ORDER[:3]].astype(str).itertuples(index=False)], dtype=str)
    name = family + ", " + cells["neuron"].map(labels.neuron)
    varying = [field for field in TELLING if cells[field].nunique(dropna=False) > 1]
    apart: dict[Hashable, list[str]] = {}
    for _, same in cells[varying].groupby(name, sort=False):
        apart |= dict.fromkeys(same.index, fields_apart(same, varying))
    extra = pd.Series([_extra(row, apart[i]) for i, row in enumerate(cells.to_dict("records"))], dtype=str)
    return cells.drop(columns=list(ranks)).assign(family=family + extra, name=name + extra)


def cell_names(members: pd.DataFrame) -> dict[str, str]:
    """cell_id -> what tables and charts call the configuration."""
    cells = cells_of(members)
    return dict(zip(cells["cell_id"], cells["name"], strict=True))


def _family(objective: str, architecture: str, norm: str) -> str:
    news = labels.norm_if_news(objective, norm)
    words = labels.part("objective", objective), labels.part("architecture", architecture)
    return ", ".join((*words, *([news] if news else [])))


def _extra(row: dict[Hashable, Any], apart: list[str]) -> str:
    """The fields that tell a configuration from others, and those in which it is unlike the paper."""
    named = {"part_sources"}  # a part from outside has a name of its own
    if labels.norm_if_news(str(row["objective"]), str(row["discriminator_norm"])):
        named.add("discriminator_norm")
    fields = dict.fromkeys((*apart, *(f for f in deviations(row) if f not in named)))
    return "".join(f", {labels.setting(field, row[field])}" for field in fields)


def fields_apart(same: pd.DataFrame, varying: list[str]) -> list[str]:
    """Fields that together differ for each of the rows, none that adds nothing; all that help where none suffice."""
    fields: list[str] = []
    known: list[tuple[Any, ...]] = [()] * len(same)
    groups = 1
    for field in varying:
        if groups == len(same):
            break
        longer = [(*key, None if pd.isna(value) else value) for key, value in zip(known, same[field], strict=True)]
        if (n := len(set(longer))) > groups:
            fields, known, groups = [*fields, field], longer, n
    return fields
