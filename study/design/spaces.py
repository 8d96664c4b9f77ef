"""Search spaces: named tables of the fields that a search draws, and on which condition. Any module can register one.

An optimizer's parameters are drawn where the objective has that optimizer, a clip value or a penalty weight where the
objective has one, and a slope rate where the neuron is binary.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import BaseTrial

from binarygan.config import PARTS, MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.paper import paper_config
from binarygan.registry import Registry
from study.design.fields import Field, check_name, known_fields, of_some
from study.design.grids import refuse_decided
from study.store.study_file import RANGE

Distribution = CategoricalDistribution | FloatDistribution | IntDistribution
Choices = dict[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One field of a configuration that a search draws."""

    name: str
    distribution: Distribution
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """The parameter is drawn only where these fields of the resolved configuration have one of these values."""

    def suggest(self, trial: BaseTrial) -> Any:
        """Draw a value through Optuna's define-by-run interface."""
        d = self.distribution
        if isinstance(d, CategoricalDistribution):
            return trial.suggest_categorical(self.name, d.choices)
        draw: Any = trial.suggest_float if isinstance(d, FloatDistribution) else trial.suggest_int
        return draw(self.name, d.low, d.high, log=d.log)

    def applies(self, fields: Mapping[str, Any]) -> bool:
        """Whether a configuration with these fields has a use for the parameter."""
        return all(fields[name] in values for name, values in self.when.items())

    def to_dict(self) -> dict[str, Any]:
        """The parameter's declaration, ready for JSON."""
        return {
            **json.loads(optuna.distributions.distribution_to_json(self.distribution)),
            "when": {name: list(values) for name, values in self.when.items()},
        }


@dataclass(frozen=True)
class Space:
    """A named table of parameters; every other field is the paper's, with `fixed` choices."""

    shows: str
    parameters: tuple[Parameter, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def check(self, asked: Mapping[str, str]) -> None:
        """A UserError where an option (by the field that it decides) or the command decides a field of the space."""
        own = {name: (value,) for name, value in self.fixed.items()}
        refuse_decided("search space", own | {p.name: ("drawn",) for p in self.parameters}, asked)

    def draw(self, trial: BaseTrial, fidelity: str, **common: Any) -> MemberConfig:
        """One configuration, with seed 0. `common` are fields of all (data, epochs, …), unless the space fixes them."""
        choices: Choices = {"objective": "wgan-gp", **common, **self.fixed}
        for parameter in self.parameters:
            if not parameter.when or parameter.applies(paper_config(fidelity=fidelity, **choices).to_dict()):
                choices[parameter.name] = parameter.suggest(trial)
        return paper_config(fidelity=fidelity, **choices)

    def drawn(self, count: int, fidelity: str, **common: Any) -> Iterator[MemberConfig]:
        """Configurations drawn at random, the same ones each time.

        Raises:
            UserError: one cannot be built, so that a search would end where it draws it.
        """
        drawing = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(count):
            trial = drawing.ask()
            try:
                yield self.draw(trial, fidelity, **common)
            except UserError as error:
                params = ", ".join(f"{name}={value}" for name, value in trial.params.items())
                raise UserError(
                    f"this search space draws what cannot be trained: {error} (drawn: {params}); say `when` a field is "
                    "drawn, or leave a value out"
                ) from None

    def params_of(self, config: MemberConfig) -> dict[str, Any] | None:
        """The drawn values that give this configuration; None where no drawn values give it."""
        fields = config.to_dict() | json.loads(config.part_parameters or "{}")
        params = {}
        for parameter in self.parameters:
            if parameter.applies(fields):
                value = fields[parameter.name]
                if value is None or not parameter.distribution._contains(_internal(parameter, value)):
                    return None
                params[parameter.name] = value
        return params

    def largest(self, name: str) -> float:
        """The largest value that a search draws for a field; 0 where it does not draw the field."""
        drawn: list[Any] = [p.distribution for p in self.parameters if p.name == name]
        return max((float(max(getattr(d, "choices", None) or [d.high])) for d in drawn), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Each parameter's declaration by its name, ready for JSON."""
        return {p.name: p.to_dict() for p in self.parameters}


def _internal(parameter: Parameter, value: Any) -> float:
    try:
        return parameter.distribution.to_internal_repr(value)
    except ValueError:  # a category that is none of its choices
        return -1.0


def _one_of(*values: Any) -> CategoricalDistribution:
    return CategoricalDistribution(values)


NEURON = Parameter("neuron", _one_of("deterministic", "stochastic"))
ANY_NEURON = Parameter("neuron", _one_of("deterministic", "stochastic", "real"))
OBJECTIVE = Parameter("objective", _one_of("gan", "wgan", "wgan-gp"))
_BINARY = {"neuron": ("deterministic", "stochastic")}
ESTIMATOR = (
    Parameter("estimator", _one_of("sigmoid", "identity", "hard-sigmoid", "fast-sigmoid", "decoupled"), _BINARY),
    Parameter("estimator.backward_slope", FloatDistribution(0.1, 10.0, log=True), {"estimator": ("decoupled",)}),
)
"""Those that either binary neuron may have: a search draws one set of choices whatever the neuron."""
ARCHITECTURE = Parameter("architecture", _one_of("mlp", "cnn"))
SLOPE_RATE = Parameter("slope_rate", FloatDistribution(1.0, 1.3), _BINARY)
NORMALIZATION = (
    Parameter("generator_norm", _one_of("batch", "layer", "none")),
    Parameter("generator_output_norm", _one_of("none", "batch", "layer")),
    Parameter("discriminator_norm", _one_of("none", "batch", "layer")),
)
OPTIMIZER = (
    Parameter("learning_rate", FloatDistribution(1e-5, 1e-2, log=True)),
    Parameter("beta1", FloatDistribution(0.0, 0.9), {"optimizer": ("adam",)}),
    Parameter("beta2", FloatDistribution(0.8, 0.999), {"optimizer": ("adam",)}),
    Parameter("decay", FloatDistribution(0.8, 0.999), {"optimizer": ("rmsprop",)}),
    Parameter("critic_steps", IntDistribution(1, 10)),
    Parameter("clip_value", FloatDistribution(1e-3, 1e-1, log=True), {"objective": ("wgan",)}),
    Parameter("penalty_weight", FloatDistribution(0.1, 100.0, log=True), {"objective": ("wgan-gp",)}),
)
SIZES = (
    Parameter("batch_size", _one_of(32, 64, 128)),
    Parameter("latent_size", _one_of(32, 64, 128, 256)),
)


def space_of(shows: str, drawn: Mapping[str, Any], where: str) -> Space:
    """The space that a study file describes: `[1, 2]` or `{ low = 0.1, high = 1.0, log = true, when = {...} }` a field.

    A parameter of a part is drawn where that part is chosen, unless `when` says otherwise; parts are drawn first, in
    whatever order the file has them.

    Raises:
        UserError: an unknown key, a value that the field cannot have, a range without ends.
    """
    ordered = sorted(drawn, key=lambda name: PART_ORDER.index(name) if name in PART_ORDER else len(PART_ORDER))
    return Space(shows, tuple(_described(name, drawn[name], f"{where}: search.space.{name}") for name in ordered))


PART_ORDER = list(PARTS)
"""The fields that name parts, each behind those that it depends on: estimators behind neurons."""


def _described(name: str, said: Any, where: str) -> Parameter:
    said = {"values": said} if isinstance(said, list) else said
    if not isinstance(said, dict) or not ("values" in said or {"low", "high"} <= set(said)):
        raise UserError(f"{where} is neither a list of values nor low and high")
    if unknown := [key for key in said if key not in RANGE]:
        raise UserError(f"{where}: {unknown[0]!r} is unknown: {nearest(unknown[0], RANGE)}")
    if not isinstance(said.get("log", False), bool) or not isinstance(said.get("when", {}), dict):
        raise UserError(f"{where}: log is true or false, when a table of fields")
    known = known_fields()
    values = said["values"] if "values" in said else (said["low"], said["high"])

    def takes(field: Field) -> Field:
        for value in values:
            field.check(value, where)
        return field

    field = of_some(known[name], takes)
    when = {key: tuple(v) if isinstance(v, list) else (v,) for key, v in said.get("when", {}).items()}
    for key, values in when.items():
        check_name(key, f"{where}: when", known)
        for value in values:
            of_some(known[key], methodcaller("check", value, f"{where}: when"))
    owners: dict[str, tuple[Any, ...]] = {}
    for kind, _, part in (f.part.partition("=") for f in known[name] if f.part):
        owners[kind] = (*owners.get(kind, ()), part)
    try:
        return Parameter(name, _distribution(said, whole=field.kind is int), when or owners)
    except ValueError as error:  # Optuna's: low above high, a logarithm of 0
        raise UserError(f"{where}: {error}") from None


def _distribution(said: Mapping[str, Any], *, whole: bool) -> Distribution:
    if "values" in said:
        return CategoricalDistribution(said["values"])
    if whole:
        return IntDistribution(said["low"], said["high"], log=said.get("log", False))
    return FloatDistribution(float(said["low"]), float(said["high"]), log=said.get("log", False))


def described(space: Space) -> dict[str, Any]:
    """The space as a study file has it."""
    found = {}
    for p in space.parameters:
        d = p.distribution
        if isinstance(d, CategoricalDistribution):
            said: dict[str, Any] = {"values": list(d.choices)}
        else:
            said = {"low": d.low, "high": d.high, "log": d.log}
        found[p.name] = said | ({"when": {k: list(v) for k, v in p.when.items()}} if p.when else {})
    return found


SPACES: Registry[Space] = Registry("search")
for _name, _space in {
    "everything": Space(
        "neuron, estimator, objective, architecture, normalization, slopes, optimizer, sizes",
        (ANY_NEURON, *ESTIMATOR, OBJECTIVE, ARCHITECTURE, *NORMALIZATION, SLOPE_RATE, *OPTIMIZER, *SIZES),
    ),
    "mlp": Space(
        "MLP, binary neurons: neuron, objective, normalization, slope rate, optimizer, sizes",
        (NEURON, OBJECTIVE, *NORMALIZATION, SLOPE_RATE, *OPTIMIZER, *SIZES),
        {"architecture": "mlp"},
    ),
    "optimizer": Space(
        "WGAN-GP, MLP, DBN: learning rate, betas, critic steps, penalty weight, sizes",
        (*OPTIMIZER, *SIZES),
        {"objective": "wgan-gp", "architecture": "mlp", "neuron": "deterministic"},
    ),
    "annealing": Space(
        "WGAN-GP, MLP: neuron and slope rate",
        (NEURON, SLOPE_RATE),
        {"objective": "wgan-gp", "architecture": "mlp"},
    ),
}.items():
    SPACES.register(_name, _space)
