"""What one member is: every choice that affects its outcome, checked when it is built, and its digest."""

import dataclasses
import hashlib
import json
import math
import types
import typing
from dataclasses import dataclass
from typing import Any

from binarygan.errors import UserError, nearest

REVISION = 1
"""Raised whenever the same configuration comes to give other numbers; part of every digest. (It was not when PyTorch
2.11's initial weights gave way to 2.15's for everyone: only what a GPU had trained was of 2.11.)"""

NEURONS = ("deterministic", "stochastic", "real")
OBJECTIVES = ("gan", "wgan", "wgan-gp")
ARCHITECTURES = ("mlp", "cnn")
NORMS = ("none", "batch", "affine", "layer")
ESTIMATORS = ("sigmoid",)
OPTIMIZERS = ("adam", "rmsprop")
CRITIC_SCHEDULES = ("released", "constant")
SPLITS = ("train", "all")
DTYPES = ("float32", "tf32", "bfloat16")

_CHOICES = {
    "neuron": NEURONS,
    "objective": OBJECTIVES,
    "architecture": ARCHITECTURES,
    "generator_norm": NORMS,
    "discriminator_norm": NORMS,
    "estimator": ESTIMATORS,
    "optimizer": OPTIMIZERS,
    "critic_schedule": CRITIC_SCHEDULES,
    "split": SPLITS,
    "dtype": DTYPES,
}
_POSITIVE = (
    "slope_rate",
    "batch_size",
    "latent_size",
    "train_images",
    "epochs",
    "critic_steps",
    "learning_rate",
)
# Fields that only one choice of another field gives a meaning: field -> (that other field, its value).
_CONDITIONAL = {
    "clip_value": ("objective", "wgan"),
    "penalty_weight": ("objective", "wgan-gp"),
    "beta1": ("optimizer", "adam"),
    "beta2": ("optimizer", "adam"),
    "decay": ("optimizer", "rmsprop"),
}


@dataclass(frozen=True, kw_only=True)
class MemberConfig:
    """One GAN with one seed, resolved: nothing is left to a default elsewhere.

    Raises:
        UserError: an unknown value, a number out of range, or a field that its objective or optimizer has no use for.
    """

    neuron: str
    objective: str
    architecture: str
    generator_norm: str
    """After each of the generator's layers, its output layer included."""
    discriminator_norm: str
    """After each of the discriminator's hidden layers that has weights."""
    slope_rate: float
    """The slope of the sigmoid is multiplied by it after each epoch; 1.0 for no annealing."""
    estimator: str
    seed: int
    data: str
    """Name of the data set; `data_digest` says what it held."""
    data_digest: str
    """SHA-256 of the packed images of the whole data set, first 16 hex digits."""
    split: str
    """`train`: the train split alone; `all`: train and test merged, as the released code has it."""
    train_images: int
    """How many images of the split are trained on, from its beginning."""
    epochs: int
    batch_size: int
    latent_size: int
    optimizer: str
    learning_rate: float
    beta1: float | None
    beta2: float | None
    decay: float | None
    """RMSProp's decay of the mean square."""
    clip_value: float | None
    penalty_weight: float | None
    critic_schedule: str
    critic_steps: int
    """Critic steps before a generator step; the released schedule has 100 where it warms up."""
    dtype: str
    """Arithmetic of matrix products; parameters, optimizers and normalization are float32 in any case."""

    def __post_init__(self) -> None:
        for name, annotation in typing.get_type_hints(type(self)).items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), annotation))
        for name, values in _CHOICES.items():
            value = getattr(self, name)
            if value not in values:
                raise UserError(f"{name}={value!r} is unknown: {nearest(value, values)}")
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise UserError(f"{name}={getattr(self, name)} must be above 0")
        if self.seed < 0:
            raise UserError(f"seed={self.seed} must not be negative")
        if self.train_images < self.batch_size:
            raise UserError(f"train_images={self.train_images} is less than one batch of {self.batch_size}")
        for name, (field, value) in _CONDITIONAL.items():
            needed = getattr(self, field) == value
            if needed and getattr(self, name) is None:
                raise UserError(f"{name} is missing: {field}={value!r} needs it")
            if not needed and getattr(self, name) is not None:
                raise UserError(f"{name} has no effect with {field}={getattr(self, field)!r}: leave it None")

    @property
    def member_id(self) -> str:
        """Digest of everything that affects the outcome."""
        return _digest(dataclasses.asdict(self))

    @property
    def cell_id(self) -> str:
        """Digest of everything but the seed."""
        fields = dataclasses.asdict(self)
        del fields["seed"]
        return _digest(fields)

    @property
    def cohort_key(self) -> tuple[Any, ...]:
        """Equal for members that can be trained together: all but neuron, slope rate and seed."""
        return tuple(v for k, v in sorted(dataclasses.asdict(self).items()) if k not in COHORT_FREE)

    @property
    def iterations_per_epoch(self) -> int:
        """Generator steps an epoch: whole batches only."""
        return self.train_images // self.batch_size

    def to_dict(self) -> dict[str, Any]:
        """Field values by name, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MemberConfig":
        """Build from field values; an unknown or missing key is refused with the nearest right name."""
        known = [f.name for f in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                raise UserError(f"configuration key {key!r} is unknown: {nearest(key, known)}")
        if missing := [k for k in known if k not in values]:
            raise UserError(f"configuration keys are missing: {', '.join(missing)}")
        return cls(**values)


COHORT_FREE = ("neuron", "slope_rate", "seed")
"""Fields in which the members of a cohort may differ."""


def _digest(fields: dict[str, Any]) -> str:
    text = json.dumps({"revision": REVISION, **fields}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _checked(name: str, value: Any, annotation: Any) -> Any:
    """`value` as its declared type (1 becomes 1.0 for a float, so that equal choices have equal digests)."""
    optional = isinstance(annotation, types.UnionType)
    wanted = typing.get_args(annotation)[0] if optional else annotation
    if value is None and optional:
        return None
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if isinstance(value, wanted) and not isinstance(value, bool) and wanted is not float:
        return value
    raise UserError(
        f"{name}={value!r} must be {'a finite number' if wanted is float else 'of type ' + wanted.__name__}"
    )
