"""Grids: named sets of cells, each a table of values and one product."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from binarygan.config import MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.paper import paper_config

BINARY = ("deterministic", "stochastic")


@dataclass(frozen=True)
class Grid:
    """What a grid shows and the choices that its cells make; every other field is the paper's."""

    name: str
    shows: str
    choices: Callable[[str], list[dict[str, Any]]]
    """The norm of the fidelity (`batch` or `affine`) to one dictionary of fields a cell."""

    def cells(self, fidelity: str, **common: Any) -> list[MemberConfig]:
        """The grid's cells with seed 0; `common` fields (data, epochs, …) go to all of them."""
        norm = "batch" if fidelity == "as-described" else "affine"
        return [paper_config(fidelity=fidelity, **(choice | common)) for choice in self.choices(norm)]


def appendix(norm: str) -> list[dict[str, Any]]:
    """Figure 8: objectives x normalization in D x binary neurons, MLP."""
    return [
        {"objective": objective, "discriminator_norm": in_d, "neuron": neuron}
        for objective, in_d, neuron in product(("wgan-gp", "wgan", "gan"), (norm, "none"), BINARY)
    ]


def neurons(norm: str) -> list[dict[str, Any]]:
    """Figures 3 and 4: DBN and SBN, and the real-valued neuron of the histograms."""
    return [{"objective": "wgan-gp", "neuron": neuron} for neuron in (*BINARY, "real")]


def real_valued(norm: str) -> list[dict[str, Any]]:
    """Figures 4 and 5: the real-valued neuron, binarized after training."""
    return [{"objective": "wgan-gp", "neuron": "real"}]


def objectives(norm: str) -> list[dict[str, Any]]:
    """Figure 6: GAN (normalized in D, as in the paper's main runs) and WGAN."""
    return [{"objective": o, "neuron": n} for o, n in product(("gan", "wgan"), BINARY)]


def architectures(norm: str) -> list[dict[str, Any]]:
    """Figure 7: the CNN with each neuron."""
    return [{"objective": "wgan-gp", "architecture": "cnn", "neuron": n} for n in (*BINARY, "real")]


def paper(norm: str) -> list[dict[str, Any]]:
    """All of the paper's figures; a cell that two of them share stands once."""
    cells = appendix(norm) + neurons(norm) + real_valued(norm) + objectives(norm) + architectures(norm)
    unique: dict[tuple[Any, ...], dict[str, Any]] = {}
    for cell in cells:
        default = norm if cell["objective"] == "gan" else "none"
        full = {"architecture": "mlp", "discriminator_norm": default} | cell
        unique.setdefault(tuple(sorted(full.items())), cell)
    return list(unique.values())


def slope_annealing(norm: str) -> list[dict[str, Any]]:
    """Four rates of slope annealing, none among them, with each neuron."""
    rates = (1.0, 1.05, 1.1, 1.2)
    return [{"objective": "wgan-gp", "neuron": n, "slope_rate": r} for n, r in product((*BINARY, "real"), rates)]


def fidelity(norm: str) -> list[dict[str, Any]]:
    """What the paper describes against what its code does, crossed: normalization in G, slope annealing."""
    return [
        {"objective": "wgan-gp", "neuron": neuron, "generator_norm": kind, "slope_rate": rate}
        for kind, rate, neuron in product(("batch", "affine"), (1.1, 1.0), BINARY)
    ]


GRIDS = {
    grid.name: grid
    for grid in (
        Grid("paper-appendix", "Figure 8: 3 objectives x normalization in D x DBN, SBN", appendix),
        Grid("paper-neurons", "Figures 3 and 4: DBN, SBN and real-valued neurons", neurons),
        Grid("paper-real-valued", "Figures 4 and 5: real-valued neurons", real_valued),
        Grid("paper-objectives", "Figure 6: GAN and WGAN", objectives),
        Grid("paper-architectures", "Figure 7: the CNN", architectures),
        Grid("paper", "all figures, shared cells once", paper),
        Grid("slope-annealing", "slope rates 1.0, 1.05, 1.1, 1.2 x DBN, SBN, real-valued neurons", slope_annealing),
        Grid("fidelity", "batch normalization or affine map x annealing or none x DBN, SBN", fidelity),
    )
}


def find_grid(name: str) -> Grid:
    """The grid of that name, or a UserError with the nearest one."""
    if name not in GRIDS:
        raise UserError(f"grid {name!r} is unknown: {nearest(name, GRIDS)}")
    return GRIDS[name]
