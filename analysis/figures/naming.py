"""What charts call a study's cells, and in which order they come."""

import dataclasses

import pandas as pd

from analysis import labels
from binarygan.config import MemberConfig

ORDER = ["objective", "architecture", "discriminator_norm", "neuron"]
"""What cells are sorted by."""
RANKS = {
    "objective": list(labels.OBJECTIVES),
    "architecture": list(labels.ARCHITECTURES),
    "discriminator_norm": ["batch", "affine", "layer", "none"],
    "neuron": list(labels.NEURONS),
}
_FIRST = ["fidelity", "generator_norm", "slope_rate"]
_REST = [f.name for f in dataclasses.fields(MemberConfig) if f.name not in (*_FIRST, "seed")]
TELLING = [*_FIRST, *_REST]
"""What tells cells of one name apart, the most telling first."""


def trained(members: pd.DataFrame) -> pd.DataFrame:
    """The rows that are members of a cell: those of real images, in the anchors, are none."""
    return members[members["objective"].notna() & members["neuron"].notna() & members["seed"].notna()]


def cells_of(members: pd.DataFrame) -> pd.DataFrame:
    """A row a cell in the order of every chart: `cell_id`, the fields of a configuration, `family` and `name`.

    The family names objective, network, and norm in D where it is not the paper's; the name adds the neuron. Where
    cells would share a name, the fewest other fields that tell them apart are added.
    """
    cells = trained(members).drop_duplicates("cell_id").reset_index(drop=True)
    ranks = pd.DataFrame({c: cells[c].map({v: i for i, v in enumerate(RANKS[c])}) for c in ORDER})
    others = [f for f in TELLING if f not in ORDER]
    cells = cells.assign(**{f"rank_{c}": ranks[c] for c in ORDER})
    cells = cells.sort_values([*(f"rank_{c}" for c in ORDER), *others], kind="stable", ignore_index=True)
    family = pd.Series([_family(*v) for v in cells[ORDER[:3]].astype(str).itertuples(index=False)], dtype=str)
    name = family + ", " + cells["neuron"].map(labels.NEURONS).fillna(cells["neuron"])
    extra = pd.Series("", index=cells.index)
    for _, same in cells.groupby(name, sort=False):
        for field in _fields_apart(same):
            extra[same.index] += [f", {labels.setting(field, value)}" for value in same[field]]
    cells = cells.drop(columns=[f"rank_{c}" for c in ORDER])
    return cells.assign(family=family + extra, name=name + extra)


def row_name(name: str, binarization: str) -> str:
    """A cell's name, or that of one binarization of a real-valued cell.

    >>> row_name("WGAN-GP, MLP, real-valued", "threshold")
    'WGAN-GP, MLP, real-valued, threshold'
    """
    ending = {"threshold": ", threshold", "bernoulli": ", Bernoulli"}
    return name + ending.get(binarization, "")


def _family(objective: str, architecture: str, norm_in_d: str) -> str:
    words = [labels.OBJECTIVES.get(objective, objective), labels.ARCHITECTURES.get(architecture, architecture)]
    if (norm_in_d != "none") != (objective == "gan"):  # not where the paper has it
        words.append(labels.NORMS.get(norm_in_d, norm_in_d))
    return ", ".join(words)


def _fields_apart(same: pd.DataFrame) -> list[str]:
    """Fields that together differ for each of the rows, none that adds nothing; all that help where none suffice."""
    fields: list[str] = []
    groups = 1
    for field in TELLING:
        if groups == len(same):
            break
        if (n := len(same[[*fields, field]].drop_duplicates())) > groups:
            fields, groups = [*fields, field], n
    return fields
