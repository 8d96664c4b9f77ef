"""What one run is: every choice that affects its outcome, checked when it is built, and its identity.

Nothing here needs PyTorch.
"""

import dataclasses
import hashlib
import json
import typing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from binarygan.arithmetic.precision import PRECISIONS
from binarygan.errors import UserError, nearest
from binarygan.model.activations import ACTIVATIONS
from binarygan.model.architectures import ARCHITECTURES, Layer, LayerStack
from binarygan.model.combinations import check_combination
from binarygan.model.estimators import ESTIMATORS
from binarygan.model.neurons import NEURONS
from binarygan.model.norms import NORMS
from binarygan.model.objectives import OBJECTIVES
from binarygan.registry import (
    Registry,
    check_parameters,
    checked,
    is_built_in,
    json_object,
    parameter,
    parameters_of,
    source_digest,
)
from binarygan.training.optimizers import OPTIMIZERS
from binarygan.training.schedules import CRITIC_SCHEDULES

REVISION = 1
"""Raised whenever all configurations come to give other numbers; part of every identity. A change that concerns some
configurations raises the `revision` of the part that they share instead. (It was not raised when PyTorch 2.11's initial
weights gave way to 2.15's: only what a GPU had trained began from 2.11's.)"""
PARTS: dict[str, Registry[Any]] = {
    "neuron": NEURONS,
    "estimator": ESTIMATORS,
    "objective": OBJECTIVES,
    "architecture": ARCHITECTURES,
    "generator_norm": NORMS,
    "generator_output_norm": NORMS,
    "discriminator_norm": NORMS,
    "optimizer": OPTIMIZERS,
    "critic_schedule": CRITIC_SCHEDULES,
    "dtype": PRECISIONS,
}
"""The fields of a configuration that name a part, and the registry that knows it."""
FIELDS_OF_PARTS = {
    "beta1": "optimizer",
    "beta2": "optimizer",
    "decay": "optimizer",
    "clip_value": "objective",
    "penalty_weight": "objective",
}
"""The fields that are parameters of a chosen part, and the field that chooses it. All other parameters of parts are in
`part_parameters`."""
SAME_AS = {"generator_output_norm": "generator_norm"}
"""The fields that came later and that older runs had equal to another field."""
NORMED = ("generator_norm", "generator_output_norm", "discriminator_norm")
"""The fields that choose a norm, each for some of the layers."""
SPLITS = ("train", "all")
REFERENCES = ("test", "validation")
"""Which images samples are compared with: `binarygan.data.images.Images` says which those are."""
COHORT_FREE = ("neuron", "slope_rate", "seed")
"""Fields in which the runs of a cohort may differ."""
FILE_ENDING = ".npy"
"""How the name of a data set ends that is a file of the user's: its digest identifies it, whatever it is called."""


@dataclass(frozen=True, kw_only=True)
class MemberConfig:
    """One GAN with one seed, resolved: nothing is left to a default elsewhere.

    A field without a default has been there from the beginning and is always part of the identity. A field with a
    default came later: it is part of the identity only where it differs from what all older runs had, the default or
    another field's value (`SAME_AS`), so their ids stay as they were.

    Raises:
        UserError: an unknown value, a number out of range, or a field that no chosen part has a use for.
    """

    neuron: str = parameter("what the generator's outputs end in")
    objective: str = parameter("the losses of generator and discriminator")
    architecture: str = parameter("the layers of both networks")
    generator_norm: str = parameter("after each of the generator's hidden layers")
    discriminator_norm: str = parameter("after each of the discriminator's hidden layers that has weights")
    slope_rate: float = parameter("the sigmoid's slope is multiplied by it after each epoch; 1: no annealing", above=0)
    estimator: str = parameter("gives the gradient through a binary neuron")
    seed: int = parameter("of all random numbers of the run", least=0)
    data: str = parameter("name of the data set, or of its file; data_digest says what it held")
    data_digest: str = parameter("SHA-256 of the packed images of the whole data set, first 16 hex digits")
    split: str = parameter(
        "train: the train split alone; all: train and test merged, as the released code has it", choices=SPLITS
    )
    train_images: int = parameter("how many images of the split are trained on, from its beginning", above=0)
    epochs: int = parameter("passes over the images that are trained on", above=0)
    batch_size: int = parameter("images a step", above=0)
    latent_size: int = parameter("numbers that the generator makes an image from", above=0)
    optimizer: str = parameter("of both networks")
    learning_rate: float = parameter("of both optimizers", above=0)
    beta1: float | None = parameter("Adam's decay of the mean gradient")
    beta2: float | None = parameter("Adam's decay of the mean square")
    decay: float | None = parameter("RMSProp's decay of the mean square")
    clip_value: float | None = parameter("WGAN keeps the critic's weights between it and its negative")
    penalty_weight: float | None = parameter("of WGAN-GP's gradient penalty")
    critic_schedule: str = parameter("how many critic steps come before which generator step")
    critic_steps: int = parameter("before a generator step; the released schedule has 100 where it warms up", above=0)
    dtype: str = parameter("precision of matrix products; parameters, optimizers and norms are float32 in any case")
    part_parameters: str = parameter(
        'parameters of chosen parts that have no field of their own, as a JSON object: {"neuron.temperature": 0.5}. '
        "What is left out takes the part's default. Empty where there are none",
        default="",
    )
    generator_output_norm: str = parameter(
        "after the generator's output layer, ahead of the neurons; left empty: that of its hidden layers", default=""
    )
    part_sources: str = parameter(
        "digests of the files that define the chosen parts from outside the package, as a JSON object by field, and of "
        "the other files that define activations of their layers, by activation.NAME. Filled in when left empty",
        default="",
    )
    reference: str = parameter(
        "samples are compared with the test split, or with the end of the train split, which is then held out, so that "
        "what is chosen by such scores can be reported on test images that settled nothing (validation)",
        choices=REFERENCES,
        default="test",
    )

    def __post_init__(self) -> None:
        for name, annotation in typing.get_type_hints(type(self)).items():
            object.__setattr__(self, name, checked(name, getattr(self, name), annotation))
        for name, other in SAME_AS.items():
            object.__setattr__(self, name, getattr(self, name) or getattr(self, other))
        for name, registry in PARTS.items():
            if getattr(self, name) not in registry:
                raise UserError(f"{name}={getattr(self, name)!r} is unknown: {nearest(getattr(self, name), registry)}")
        check_parameters("", self)
        if (self.split, self.reference) == ("all", "validation"):
            raise UserError(
                "split='all' trains on the test images, reference='validation' keeps them: use split='train'"
            )
        if self.train_images < self.batch_size:
            raise UserError(f"train_images={self.train_images} is less than one batch of {self.batch_size}")
        object.__setattr__(self, "part_parameters", self._resolved_parameters())
        for name in PARTS:
            check_parameters(f"{name}={getattr(self, name)!r}: ", self.part(name))
        check_combination(self, self._layers())
        sources = self._sources()
        if self.part_sources not in ("", sources):
            old, new = (json_object("part_sources", text) for text in (self.part_sources, sources))
            changed = next((name for name in (*old, *new) if old.get(name) != new.get(name)), "a part")
            raise UserError(f"{changed} is defined by another source than when this configuration was made")
        object.__setattr__(self, "part_sources", sources)

    def generator_layers(self) -> LayerStack:
        """The layers of its generator."""
        norms = {"norm": self.part("generator_norm"), "output_norm": self.part("generator_output_norm")}
        stack: LayerStack = self.part("architecture").generator(latent_size=self.latent_size, **norms)
        return stack

    def discriminator_layers(self) -> LayerStack:
        """The layers of its discriminator."""
        stack: LayerStack = self.part("architecture").discriminator(norm=self.part("discriminator_norm"))
        return stack

    def part(self, field: str) -> Any:
        """The part that a field names, with this configuration's parameters: an Objective for `objective`, …"""
        return _part(self, field, PARTS[field][getattr(self, field)])

    @property
    def member_id(self) -> str:
        """Digest of everything that affects the outcome."""
        return self._digest(self.to_dict())

    @property
    def cell_id(self) -> str:
        """Digest of everything but the seed."""
        return self._digest({name: value for name, value in self.to_dict().items() if name != "seed"})

    @property
    def cohort_key(self) -> tuple[Any, ...]:
        """Equal for runs that can be trained together: all but neuron, slope rate and seed."""
        return tuple(v for k, v in sorted(self.to_dict().items()) if k not in COHORT_FREE)

    @property
    def iterations_per_epoch(self) -> int:
        """Generator steps an epoch: whole batches only."""
        return self.train_images // self.batch_size

    def critic_steps_before(self, step: int) -> int:
        """Critic steps before generator step `step`, counted from 0 over the whole training."""
        return CRITIC_SCHEDULES[self.critic_schedule](step, self.critic_steps)

    def critic_steps_in_epoch(self, epoch: int) -> int:
        """Critic steps of a whole epoch, counted from 1."""
        first = (epoch - 1) * self.iterations_per_epoch
        return sum(self.critic_steps_before(first + i) for i in range(self.iterations_per_epoch))

    @property
    def revision(self) -> str:
        """Which code gave its numbers: the revision of all configurations, then those of its parts that were raised."""
        return " ".join([str(REVISION), *(f"{field}={n}" for field, n in self._raised().items())])

    @property
    def outside_parts(self) -> list[str]:
        """The fields whose part comes from outside the package."""
        return [field for field in json.loads(self.part_sources or "{}") if field in PARTS]

    def to_dict(self) -> dict[str, Any]:
        """Field values by name, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from field values. A field that came later may be missing, or None as an old table has it.

        Raises:
            UserError: an unknown key, with the nearest right name; a missing one; whatever the class refuses.
        """
        fields = {f.name: f for f in dataclasses.fields(cls)}
        for key in values:
            if key not in fields:
                raise UserError(f"configuration key {key!r} is unknown: {nearest(key, fields)}")
        later = {name: f.default for name, f in fields.items() if f.default is not dataclasses.MISSING}
        if missing := [name for name in fields if name not in values and name not in later]:
            raise UserError(f"configuration keys are missing: {', '.join(missing)}")
        return cls(**{k: later[k] if v is None and k in later else v for k, v in values.items()})

    def _resolved_parameters(self) -> str:
        """`part_parameters` with every parameter of the chosen parts that has no field, and nothing else.

        Checks that the fields which belong to some parts are given where a chosen part has them, and not elsewhere.
        """
        given = json_object("part_parameters", self.part_parameters)
        resolved: dict[str, Any] = {}
        used: dict[str, str] = {}
        for field, part in self._classes().items():
            for name, declared in parameters_of(part).items():
                if FIELDS_OF_PARTS.get(name) == field:
                    used[name] = field
                    continue
                if name in self.__dataclass_fields__:
                    raise UserError(f"{field}: its parameter {name!r} has the name of a field: choose another")
                key = f"{field}.{name}"
                other = SAME_AS.get(field, "")
                same = other and getattr(self, field) == getattr(self, other)
                default = resolved[f"{other}.{name}"] if same else declared.default
                resolved[key] = checked(key, given.pop(key, default), typing.get_type_hints(part)[name])
        if given:
            key = next(iter(given))
            raise UserError(f"part_parameters: {key!r} is unknown here: {nearest(key, resolved)}")
        for name, field in FIELDS_OF_PARTS.items():
            if name in used and getattr(self, name) is None:
                raise UserError(f"{name} is missing: {used[name]}={getattr(self, used[name])!r} needs it")
            if name not in used and getattr(self, name) is not None:
                raise UserError(f"{name} has no effect with {field}={getattr(self, field)!r}: leave it out")
        return json.dumps(resolved, sort_keys=True) if resolved else ""

    def _classes(self) -> dict[str, Any]:
        """What the registries have for the fields that name parts: mostly classes."""
        return {field: registry[getattr(self, field)] for field, registry in PARTS.items()}

    def _layers(self) -> dict[str, tuple[Layer, ...]]:
        """Its layers, by the field that says what norm they have."""
        architecture, norms = self.part("architecture"), {field: self.part(field) for field in NORMED}
        try:
            generator = architecture.generator_layers(norms["generator_norm"], norms["generator_output_norm"])
            discriminator = architecture.discriminator_layers(norms["discriminator_norm"])
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"architecture={self.architecture!r} has no layers: {error!r}") from error
        return dict(zip(NORMED, (generator[:-1], generator[-1:], discriminator), strict=True))

    def _activations(self) -> dict[str, Any]:
        """The activations of its layers, by `activation.<name>`."""
        layers = (layer for own in self._layers().values() for layer in own)
        return {f"activation.{layer.activation}": ACTIVATIONS[layer.activation] for layer in layers}

    def _sources(self) -> str:
        """`part_sources` as it stands now."""
        found: dict[str, str] = {}
        for name, part in (self._classes() | self._activations()).items():
            digest = "" if is_built_in(part) else source_digest(part)
            if digest and (name in PARTS or digest not in found.values()):
                found[name] = digest
        return json.dumps(found, sort_keys=True) if found else ""

    def _raised(self) -> dict[str, int]:
        """The revisions of its parts that were raised, by field, and of its activations."""
        parts = self._classes() | self._activations()
        return {name: n for name, part in parts.items() if (n := getattr(part, "revision", 1)) != 1}

    def _digest(self, fields: dict[str, Any]) -> str:
        """Of these of its fields."""
        later = {f.name: f.default for f in dataclasses.fields(self) if f.default is not dataclasses.MISSING}
        before = later | {name: fields[other] for name, other in SAME_AS.items()}
        own = {name: value for name, value in fields.items() if name not in before or value != before[name]}
        if self.data.endswith(FILE_ENDING):
            own["data"] = FILE_ENDING
        if raised := self._raised():
            own["revisions"] = raised
        return hashlib.sha256(json.dumps({"revision": REVISION, **own}, sort_keys=True).encode()).hexdigest()[:16]


@lru_cache(maxsize=4096)
def _part(config: MemberConfig, field: str, part: Any) -> Any:
    if not isinstance(part, type):
        return part
    own = json_object("part_parameters", config.part_parameters)
    names = parameters_of(part)
    return part(**{n: getattr(config, n) if n in FIELDS_OF_PARTS else own[f"{field}.{n}"] for n in names})
