"""The configurations of a study: which are the paper's, how others differ from it, and what all are called."""

import dataclasses
import sys
from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from analysis import labels
from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.paper import EXPERIMENTS, FIDELITIES, Cell, paper_config

_NAMED = ("objective", "neuron", "architecture", "seed")
_DATA_AND_LENGTH = ("data", "data_digest", "split", "train_images", "epochs", "reference")
BACKGROUND = tuple(f.name for f in dataclasses.fields(MemberConfig) if f.name not in (*_NAMED, *_DATA_AND_LENGTH))
"""Fields that a cell does not name: the paper's own are meant."""
_TELLING = ["cell_id", "fidelity", *(f.name for f in dataclasses.fields(MemberConfig))]
"""What of a run's row tells its configuration."""
MOST_SETTINGS = 3
"""Configurations that a line names."""
Run = pd.Series | dict[Hashable, Any]
"""A run's row."""


def label(cell: Cell) -> str:
    """What figures and tables call a cell of either variant; the norm in D is named where it is not the paper's.

    >>> label(Cell(objective="gan", neuron="stochastic", norm_in_d=False))
    'GAN, MLP, SBN, no norm in D'
    """
    objective, architecture = labels.part("objective", cell.objective), labels.part("architecture", cell.architecture)
    words = objective, architecture, labels.neuron(cell.neuron)
    return ", ".join(filter(None, (*words, labels.norm_if_news(cell.objective, cell.has_norm_in_d))))


def by_status(members: pd.DataFrame) -> str:
    """`2 done, 1 failed`: how many runs became what, the most first."""
    return ", ".join(f"{n} {status}" for status, n in members["status"].value_counts().items())


def with_norm(members: pd.DataFrame) -> pd.Series:
    """Whether each run's discriminator is normalized."""
    return members["discriminator_norm"].fillna("none") != "none"


def members_of(members: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    """The cell's runs by seed, of every status: those of one configuration, so that seeds are all that differs.

    They have the paper's settings of their variant in all that the cell does not name. Where several configurations
    have these (other data, another length, another precision), the one is taken that was trained for most epochs, then
    on most images, then that has most runs done. The frame is empty where none has them or where that leaves several:
    `lacking` says why.
    """
    return _found(members, cell)[0]


def lacking(members: pd.DataFrame, cell: Cell) -> str:
    """Why no run answers to the cell; empty where some do."""
    return _found(members, cell)[1]


def left_out(members: pd.DataFrame, cell: Cell) -> list[str]:
    """A line on each configuration with the paper's settings that `members_of` does not take: its runs, and what
    tells it from the one that is taken."""
    taken, _ = _found(members, cell)
    if taken.empty:
        return []
    there, cells = _candidates(members, cell)
    own = taken.iloc[0]
    lines = []
    for row in cells:
        if is_papers(row) and row["cell_id"] != (own["cell_id"] or ""):
            unlike = [f for f in _TELLING[1:] if f != "seed" and not (_same(row[f], own[f]) or pd.isna(own[f]))]
            said = ", ".join(labels.setting(f, row[f]) for f in unlike)
            n = int((there["cell_id"].fillna("") == row["cell_id"]).sum())
            lines.append(f"left out: {n} runs of {label(cell)} with {said}")
    return lines


def undecided(members: pd.DataFrame) -> list[str]:
    """A line on each configuration of the paper for which the study has several and none is to be preferred."""
    cells = {label(cell): cell for experiment in EXPERIMENTS.values() for cell in experiment.cells}
    found = {name: why for name, cell in cells.items() if (why := lacking(members, cell)).startswith(_SEVERAL)}
    return [f"{name}: {why}" for name, why in found.items()]


_SEVERAL = "several configurations have the paper's settings"


def _found(members: pd.DataFrame, cell: Cell) -> tuple[pd.DataFrame, str]:
    """The cell's runs, or none and why."""
    there, cells = _candidates(members, cell)
    if there.empty:
        return there, "not trained yet"
    ids = there["cell_id"].fillna("")
    papers = [row for row in cells if is_papers(row)]
    if not papers:
        return there.iloc[:0], f"trained with other settings than the paper's alone: {_settings(cells)}"
    done = (there["status"] == "done").groupby(ids).sum()
    length = ("epochs", "train_images")
    keys = {
        row["cell_id"]: (*(0.0 if pd.isna(row[f]) else float(row[f]) for f in length), done[row["cell_id"]])
        for row in papers
    }
    best = [cell_id for cell_id, key in keys.items() if key == max(keys.values())]
    if len(best) > 1:
        return there.iloc[:0], (
            f"{_SEVERAL} and are equally long and complete ({', '.join(best)}): none is taken for the paper's"
        )
    return there[ids == best[0]].sort_values("seed", kind="stable").reset_index(drop=True), ""


def _candidates(members: pd.DataFrame, cell: Cell) -> tuple[pd.DataFrame, list[dict[Hashable, Any]]]:
    """The runs that have what the cell names, whatever their other settings, and a row of each configuration."""
    fields = ("objective", "neuron", "architecture")
    fitting = [members[f].to_numpy(object) == getattr(cell, f) for f in fields]
    there = members[np.logical_and.reduce([*fitting, with_norm(members) == cell.has_norm_in_d])]
    firsts = there.loc[~there["cell_id"].fillna("").duplicated(), _TELLING].fillna({"cell_id": ""})
    rows = firsts.to_numpy(object)  # to_dict would take ten times as long
    return there, [dict(zip(_TELLING, row, strict=True)) for row in rows]


def _settings(cells: list[dict[Hashable, Any]]) -> str:
    """In what configurations are unlike the paper's."""
    found = dict.fromkeys(", ".join(labels.setting(n, v) for n, v in deviations(row).items()) for row in cells)
    rest = len(found) - MOST_SETTINGS
    return "; ".join(list(found)[:MOST_SETTINGS]) + (f"; and {rest} more" if rest > 0 else "")


def is_papers(row: Run) -> bool:
    """Whether every field that a cell does not name is as the paper has it, in the row's own variant."""
    return not deviations(row)


def deviations(row: Run) -> dict[str, Any]:
    """`unlike_paper`, but for tf32, a GPU's precision, of which the paper says nothing: no verdict on a claim was
    seen to depend on it (docs/findings.md). A variant that is none of the paper's two is a deviation.
    """
    if row["fidelity"] not in FIDELITIES:
        return {"fidelity": row["fidelity"]}
    return {name: value for name, value in unlike_paper(row).items() if (name, value) != ("dtype", "tf32")}


def as_in_the_paper(members: pd.DataFrame, free: set[str]) -> pd.DataFrame:
    """The runs whose settings that are not `free` are the paper's.

    Their products may be of another precision, where all of them have that one: what is compared is alike in it.
    """
    cells = members.drop_duplicates("cell_id").to_dict("records")
    apart = {row["cell_id"]: set(deviations(row)) - free for row in cells}
    exact = [cell_id for cell_id, names in apart.items() if not names]
    alike = [cell_id for cell_id, names in apart.items() if names <= {"dtype"}]
    found = members[members["cell_id"].isin(alike)]
    if found["dtype"].nunique() > 1:
        found = members[members["cell_id"].isin(exact)]
    return found.reset_index(drop=True)


def unlike_paper(row: Run) -> dict[str, Any]:
    """The fields of BACKGROUND in which a run's row is not as the paper has it, and their values.

    A norm in D where the paper has none (or none where it has one) is part of the cell; another kind of norm is not.
    """
    named = [row[name] for name in ("fidelity", "objective", "neuron", "architecture")]
    paper = _papers(*named) if all(isinstance(value, str) for value in named) else None
    if paper is None:
        return {}
    own = paper | ({"discriminator_norm": paper["generator_norm"] if row["discriminator_norm"] != "none" else "none"})
    return {name: row[name] for name in BACKGROUND if not _same(row[name], own[name])}


@lru_cache(maxsize=256)
def _papers(fidelity: str, objective: str, neuron: str, architecture: str) -> dict[str, Any] | None:
    """The paper's settings; None for values that it knows nothing of."""
    try:
        config = paper_config(
            fidelity=fidelity,
            objective=objective,
            neuron=neuron,
            architecture=architecture,
            data_digest="",
            train_images=sys.maxsize,
        )
    except UserError:
        return None
    return config.to_dict()


def _same(value: Any, wanted: Any) -> bool:
    return bool(pd.isna(value)) if wanted is None else bool(value == wanted)


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


def _family(objective: str, architecture: str, norm: str) -> str:
    words = labels.part("objective", objective), labels.part("architecture", architecture)
    return ", ".join(filter(None, (*words, labels.norm_if_news(objective, norm))))


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
