"""Configurations that differ in some fields alone, in groups of one neuron, each held against the paper's."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis import labels
from analysis.labels import number
from analysis.results.cells import TELLING, deviations, fields_apart
from analysis.statistics.anova import of_one_kind
from analysis.statistics.differences import compare_to_baseline
from analysis.statistics.hypotheses import ALPHA
from analysis.statistics.summaries import Summary, finished, summarize
from binarygan.paper import EXPERIMENTS

_OBJECTIVES = {cell.objective for experiment in EXPERIMENTS.values() for cell in experiment.cells}


@dataclass(frozen=True, eq=False)
class Group:
    """The configurations of a neuron and of a fidelity."""

    name: str
    """`SBN`, and the fidelity where the study has several."""
    members: pd.DataFrame
    names: dict[str, str]
    """cell_id -> what it chooses for the fields that are compared, and what else tells it from others that choose the
    same."""
    paper: str | None
    """cell_id of the paper's configuration; None where it was not trained."""


def heading(fields: Sequence[str]) -> str:
    """What the names of a group's configurations consist of.

    >>> heading(["generator_norm", "discriminator_norm"])
    'norm in G · norm in D'
    """
    return " · ".join(labels.field(f) for f in fields)


def compared(members: pd.DataFrame, fields: Sequence[str]) -> tuple[list[Group], list[str]]:
    """The groups in the order of all charts, and a note on runs of other data or length, which are left out."""
    rows, notes = of_one_kind(members)
    groups = []
    several = rows["fidelity"].nunique() > 1
    for (fidelity, neuron), own in rows.groupby(["fidelity", "neuron"]):
        cells = own.drop_duplicates("cell_id")
        ranks = cells[list(fields)].apply(lambda column: column.map(partial(labels.rank, column.name)))
        cells = cells.loc[ranks.sort_values(list(fields), kind="stable").index].reset_index(drop=True)
        records = cells.to_dict("records")
        names = pd.Series([" · ".join(labels.chosen(f, row) for f in fields) for row in records], dtype=str)
        varying = [f for f in TELLING if f not in fields and cells[f].nunique(dropna=False) > 1]
        for _, same in cells.groupby(names, sort=False):
            for field in fields_apart(same, varying):
                names[same.index] += [f", {labels.setting(field, value)}" for value in same[field]]
        name = labels.neuron(str(neuron)) + (f", {fidelity}" if several else "")
        named = dict(zip(cells["cell_id"], names, strict=True))
        groups.append((labels.rank("neuron", neuron), name, Group(name, own, named, _papers(records, own))))
    return [group for *_, group in sorted(groups, key=lambda entry: entry[:2])], notes


def _papers(cells: list[dict[Hashable, Any]], members: pd.DataFrame) -> str | None:
    """The paper's configuration: of several that of its main runs, without a norm in D, then that with most done."""
    done = members[members["status"] == "done"].groupby("cell_id").size().to_dict()

    def order(row: dict[Hashable, Any]) -> tuple[bool, int]:
        return bool(labels.norm_if_news(row["objective"], row["discriminator_norm"])), -done.get(row["cell_id"], 0)

    free = {"dtype"} if len({row["dtype"] for row in cells}) == 1 else set()  # all compared are alike in it
    papers = sorted((r for r in cells if r["objective"] in _OBJECTIVES and set(deviations(r)) <= free), key=order)
    return str(papers[0]["cell_id"]) if papers else None


def leader(group: Group, things: str) -> str:
    """A sentence on the lowest mean FID of a group and how it differs from the paper's; empty where there is none.

    Real-valued runs count by threshold.
    """
    fids = {str(cell_id): finished(own, "fid") for cell_id, own in group.members.groupby("cell_id")}
    found = {cell_id: summarize(values, "fid") for cell_id, values in fids.items() if len(values)}
    if len(found) < 2:
        return ""
    best = min(found, key=lambda cell_id: found[cell_id].mean)
    unscored = len(group.names) - len(found)
    first = f"Of {len(found)} {things} with {group.name} the lowest mean FID has {group.names[best]}"
    first += f", {_said(found[best])}" + (f" ({unscored} more have none yet)" if unscored else "")
    if group.paper is None or group.paper not in found:
        return f"{first}; the paper's is not among them, so that nothing is tested against it."
    few = group.members[["cell_id", "seed", "status", "neuron", "fid"]]
    differences = compare_to_baseline(few, "fid", group.paper).set_index("cell_id")
    tested = differences["p_holm"].notna()
    if best == group.paper:
        apart = int((differences["p_holm"] < ALPHA).sum())
        said = f"of the {len(differences)} others {apart} differ from it significantly after Holm"
        if not tested.any():
            said = f"whether the others differ from it cannot be said ({differences['note'].iloc[0]})"
        return f"{first}; it is the paper's own; {said}."
    difference = differences.to_dict("index")[best]
    if tested[best]:
        shown = "" if difference["p_holm"] < ALPHA else "not "
        said = f"the difference is {shown}significant after Holm over {tested.sum()} comparisons "
        said += f"(ratio {number(difference['mean'], 3)}, p {difference['p_holm']:.2g})"
    else:
        said = f"whether it would come again cannot be said ({difference['note']})"
    return f"{first}; the paper's, {group.names[group.paper]}, has {_said(found[group.paper])}; {said}."


def _said(summary: Summary) -> str:
    """`12.1 (95% interval 11.8 to 12.4, 3 seeds)`."""
    mean = number(summary.mean, 3)
    if np.isnan(summary.low):
        return f"{mean} ({summary.n} seed{'s' * (summary.n > 1)}, so no interval)"
    return f"{mean} (95% interval {number(summary.low, 3)} to {number(summary.high, 3)}, {summary.n} seeds)"
