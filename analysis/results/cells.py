"""A cell by what the paper says of it, and the members of a study that are of it."""

import sys
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pandas as pd

from analysis import labels
from binarygan.errors import UserError
from binarygan.paper import FIDELITIES, paper_config

BACKGROUND = (
    "generator_norm",
    "discriminator_norm",
    "slope_rate",
    "estimator",
    "batch_size",
    "latent_size",
    "optimizer",
    "learning_rate",
    "beta1",
    "beta2",
    "decay",
    "clip_value",
    "penalty_weight",
    "critic_schedule",
    "critic_steps",
    "dtype",
)
"""Fields that a cell does not name: the paper's own are meant."""


Member = pd.Series | dict[Hashable, Any]
"""A member's row."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One point of the paper's design; everything that it does not name is as in the paper.

    >>> label(Cell(objective="gan", neuron="stochastic", norm_in_d=False))
    'GAN, MLP, SBN, no norm in D'
    """

    objective: str
    neuron: str
    architecture: str = "mlp"
    norm_in_d: bool | None = None
    """Whether D is normalized; None for the paper's own placement: in GAN's D alone."""

    @property
    def has_norm_in_d(self) -> bool:
        """`norm_in_d`, resolved."""
        return self.objective == "gan" if self.norm_in_d is None else self.norm_in_d


def label(cell: Cell) -> str:
    """What figures and tables call a cell of any fidelity; the norm in D is named where it is not the paper's."""
    parts = [
        labels.OBJECTIVES.get(cell.objective, cell.objective),
        labels.ARCHITECTURES.get(cell.architecture, cell.architecture),
        labels.NEURONS.get(cell.neuron, cell.neuron),
    ]
    if cell.has_norm_in_d != (cell.objective == "gan"):
        parts.append("norm in D" if cell.has_norm_in_d else "no norm in D")
    return ", ".join(parts)


def members_of(members: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    """The cell's rows by seed, of every status; an empty frame where the study has none.

    Rows of one `cell_id` alone, so that seeds are all that differs. Where a study has several that answer to the
    cell (rates of annealing, a search), it is the one with the paper's settings of its fidelity; among those, the one
    trained for most epochs on most images, then the one with most members done.
    """
    of_objective = (members["objective"] == cell.objective) & (members["neuron"] == cell.neuron)
    with_norm = members["discriminator_norm"].fillna("none") != "none"
    found = members[of_objective & (members["architecture"] == cell.architecture) & (with_norm == cell.has_norm_in_d)]
    if len(found) and found["cell_id"].nunique(dropna=False) > 1:
        ids = found["cell_id"].fillna("")
        done = (found["status"] == "done").groupby(ids).sum()
        cells = found.assign(cell_id=ids).drop_duplicates("cell_id").sort_values("cell_id")
        keys = [
            (is_papers(row), _number(row["epochs"]), _number(row["train_images"]), done[row["cell_id"]])
            for row in cells.to_dict("records")
        ]
        found = found[ids == cells["cell_id"].iloc[max(range(len(keys)), key=keys.__getitem__)]]
    return found.sort_values("seed", kind="stable").reset_index(drop=True)


def is_papers(row: Member) -> bool:
    """Whether every field that a cell does not name is as the paper has it, under the row's own fidelity."""
    return row["fidelity"] in FIDELITIES and not deviations(row)


def deviations(row: Member) -> dict[str, Any]:
    """`unlike_paper`, but for tf32, a GPU's arithmetic, of which the paper says nothing: no verdict on a claim was
    seen to depend on it (docs/findings.md).
    """
    return {name: value for name, value in unlike_paper(row).items() if (name, value) != ("dtype", "tf32")}


def unlike_paper(row: Member) -> dict[str, Any]:
    """The fields of BACKGROUND in which a member's row is not as the paper has it, and their values.

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


def _number(value: Any) -> float:
    """0 where it is missing."""
    return 0.0 if pd.isna(value) else float(value)
