"""Grids: named sets of configurations. The paper's come from `binarygan.paper`; any module can register another."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.model.architectures import HIDDEN_UNITS
from binarygan.model.estimators import ESTIMATORS
from binarygan.model.neurons import NEURONS
from binarygan.paper import ALL_NEURONS, BINARY, EXPERIMENTS, Experiment, paper_config
from binarygan.registry import Registry
from study.design.fields import OF_THE_COMMAND

OVERRIDING = ("--set", "set.")
"""How the options begin that may give all of a grid's configurations another value than their own one."""


@dataclass(frozen=True)
class Grid:
    """What a grid shows, and the fields that each of its configurations chooses; every other field is the paper's."""

    shows: str
    choices: Callable[[str], Iterable[Mapping[str, Any]]]
    """Gets the variant (`as-described` or `as-released`); gives one mapping of fields a configuration."""
    overridden: bool = True
    """Whether `--set` may give all configurations another value than the one that all have of the grid's own."""

    def cells(self, fidelity: str, *, asked: Mapping[str, str] | None = None, **common: Any) -> list[MemberConfig]:
        """The grid's configurations, with seed 0.

        Args:
            asked: the fields that the user chose, each with the option that did: `{"epochs": "--epochs 2"}`.
            common: fields of all configurations (data, epochs, …), unless the grid has its own.

        Raises:
            UserError: an option or the command decides a field that the grid has itself; two configurations are equal,
                or differ only where that has no effect; there are none.
        """
        choices = []
        for choice in self.choices(fidelity):
            if not isinstance(choice, Mapping):
                raise UserError(f"a grid's choices are mappings of field to value, one a configuration, not {choice!r}")
            choices.append(dict(choice))
        own: dict[str, list[Any]] = {}
        for choice in choices:
            for field, value in choice.items():
                own.setdefault(field, []).append(value)
        for field in [f for f, option in (asked or {}).items() if option.startswith(OVERRIDING)]:
            values = own.get(field, [])
            if self.overridden and len(values) == len(choices) and len(set(values)) == 1:  # no axis
                own.pop(field)
                choices = [{name: value for name, value in c.items() if name != field} for c in choices]
        refuse_decided("grid", own, asked or {})
        cells = [paper_config(fidelity=fidelity, **{"objective": "wgan-gp", **common, **choice}) for choice in choices]
        if not cells:
            raise UserError("this grid has no configurations")
        refuse_equal(cells)
        return cells


def refuse_decided(kind: str, own: Mapping[str, Iterable[Any]], asked: Mapping[str, str]) -> None:
    """A UserError where a grid or a search space has values of its own for a field that something else decides."""
    for field, values in own.items():
        if field in OF_THE_COMMAND:
            raise UserError(f"this {kind} has {field} of its own: {OF_THE_COMMAND[field]}")
        if field in asked:
            has = ", ".join(dict.fromkeys(map(str, values)))
            option = asked[field].split()[0]
            choose = f", or choose by --only {field}=VALUE" if kind == "grid" else ""
            raise UserError(f"{asked[field]}: this {kind} has {field} {has} of its own: leave {option} out{choose}")


def refuse_equal(cells: Sequence[MemberConfig]) -> None:
    """A UserError where two configurations are equal in all that training depends on."""
    varied = len({(c.critic_schedule, c.critic_steps) for c in cells}) > 1
    known: dict[tuple[Any, ...], MemberConfig] = {}
    for cell in cells:
        idle = _without_effect(cell)
        fields = cell.to_dict() | dict.fromkeys(idle) | {"critic_schedule": None, "critic_steps": None}
        steps = range(cell.epochs * cell.iterations_per_epoch) if varied else ()
        twin = known.setdefault((*fields.values(), *map(cell.critic_steps_before, steps)), cell)
        if twin is cell:
            continue
        differing = [name for name, value in cell.to_dict().items() if value != getattr(twin, name)]
        if not differing:
            raise UserError(f"this grid has one configuration twice: {cell.objective}, {cell.neuron}, …")
        pairs = " and ".join(f"{name} {getattr(twin, name)} or {getattr(cell, name)}" for name in differing)
        reasons = "; ".join(idle.get(n, "each generator step has as many critic steps either way") for n in differing)
        raise UserError(f"{pairs}: these configurations train the same: {reasons}")


def _without_effect(cell: MemberConfig) -> dict[str, str]:
    """The fields that the configuration's training does not depend on, each with the reason and what to do."""
    idle = {"split": "train_images alone says which images are trained on"}
    if cell.epochs == 1:
        idle["slope_rate"] = "the slope is rate ** (epoch - 1), which is 1 in the first epoch: give --epochs 2 or more"
    return idle


def every(**axes: Iterable[Any]) -> list[dict[str, Any]]:
    """The product of the axes, the last of which varies fastest.

    >>> every(objective=["gan"], neuron=["deterministic", "real"])
    [{'objective': 'gan', 'neuron': 'deterministic'}, {'objective': 'gan', 'neuron': 'real'}]
    """
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def _paper(fidelity: str) -> list[dict[str, Any]]:
    """The configurations of all experiments; one that two of them share stands once."""
    unique: list[dict[str, Any]] = []
    for experiment in EXPERIMENTS.values():
        unique += [c for cell in experiment.cells if (c := cell.choices(fidelity)) not in unique]
    return unique


def _grid_of(experiment: Experiment) -> Grid:
    return Grid(experiment.shows, lambda fidelity: [cell.choices(fidelity) for cell in experiment.cells])


def _estimators() -> list[dict[str, Any]]:
    """Each estimator with its own parameters as they are, and the decoupled one with slopes of 1/2 and 2 as well."""
    found = [
        {"neuron": neuron, "estimator": name}
        for neuron in BINARY
        for name, estimator in ESTIMATORS.items()
        if estimator().supports(NEURONS[neuron])
    ]
    slopes = every(neuron=BINARY, estimator=["decoupled"], **{"estimator.backward_slope": (0.5, 2.0)})
    return [*found, *slopes]


def _gates() -> list[dict[str, Any]]:
    """Gated MLPs, and for each target share the plain MLP of as many hidden units as are to be on."""
    gated = every(architecture=["gated-mlp"], neuron=BINARY, **{"architecture.target_share": SHARES})
    widths = [round(share * HIDDEN_UNITS) for share in SHARES]
    return [*gated, *every(architecture=["narrow-mlp"], neuron=BINARY, **{"architecture.hidden": widths})]


SHARES = (0.25, 0.5, 0.75)
"""Of a gated generator's blocks to be on."""
PLACEMENTS = ("generator_norm", "generator_output_norm", "discriminator_norm")
GRIDS: Registry[Grid] = Registry("grid")
for _experiment in EXPERIMENTS.values():
    GRIDS.register(f"paper-{_experiment.name}", _grid_of(_experiment))
GRIDS.register("paper", Grid("all figures, shared cells once", _paper))
GRIDS.register(
    "slope-annealing",
    Grid(
        "slope rates 1.0, 1.05, 1.1, 1.2 x DBN, SBN, real-valued neurons",
        lambda _: every(neuron=ALL_NEURONS, slope_rate=(1.0, 1.05, 1.1, 1.2)),
    ),
)
GRIDS.register(
    "estimators",
    Grid("every gradient estimator x the binary neurons that it is for, WGAN-GP, MLP", lambda _: _estimators()),
)
GRIDS.register(
    "normalization",
    Grid(
        "none, batch, layer, affine on G's hidden layers x on its output x in D, DBN and SBN, WGAN-GP, MLP",
        lambda _: every(**dict.fromkeys(PLACEMENTS, ("none", "batch", "layer", "affine")), neuron=BINARY),
    ),
)
GRIDS.register(
    "clipping",
    Grid(
        "WGAN that clips all of D or all but its norms x batch, affine in D x DBN, SBN: why WGAN with a norm fails",
        lambda _: every(objective=("wgan", "wgan-weights"), discriminator_norm=("batch", "affine"), neuron=BINARY),
    ),
)
GRIDS.register(
    "fidelity",
    Grid(
        "batch normalization of hidden layers or an affine map on all x annealing or none x DBN, SBN",
        lambda _: [
            {"generator_norm": norm, "generator_output_norm": output, **rest}
            for norm, output in (("batch", "none"), ("affine", "affine"))
            for rest in every(slope_rate=(1.1, 1.0), neuron=BINARY)
        ],
    ),
)
GRIDS.register(
    "gates",
    Grid(
        "conditional computation: gated MLPs of target shares 1/4, 1/2, 3/4 and plain ones of that width x DBN, SBN",
        lambda _: _gates(),
    ),
)
