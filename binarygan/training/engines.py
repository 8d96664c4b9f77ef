"""Engines: ways to compute the gradients of a training step. All give what the reference path gives, some sooner.

The registry is the one door to them. The first engine that supports a case trains it; the last one, the reference path
(`step.py`), supports every case.

Shapes: M runs, B batch, P = 784 pixels, Z latent size.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.model.networks import Network, Parameters
from binarygan.model.objectives import Objective
from binarygan.training.optimizers import Optimizer, OptimizerKind

ENGINES = {
    "bf16_cpu": "binarygan.fast.bf16_cpu.engine:Bf16Cpu",
    "analytic": "binarygan.fast.analytic.engine:Analytic",
    "reference": "binarygan.training.step:Reference",
}
"""Name -> where the class is, imported when it is asked for: an engine may need libraries that no other does."""
CHOICES = ("auto", "reference")
"""What a user can ask for: the first engine that supports the case, or the reference path."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What an engine is asked to train. An engine may depend on nothing else."""

    objective: Objective
    generator: Network
    discriminator: Network
    optimizer: OptimizerKind
    learning_rate: float
    device: torch.device
    dtype: torch.dtype
    """Of the parameters."""

    @classmethod
    def of(cls, config: MemberConfig, device: torch.device, dtype: torch.dtype) -> Self:
        """The case of a configuration."""
        operands = config.part("dtype").operands
        return cls(
            objective=config.part("objective"),
            generator=Network.of(config.generator_layers(), operands),
            discriminator=Network.of(config.discriminator_layers(), operands),
            optimizer=config.part("optimizer"),
            learning_rate=config.learning_rate,
            device=device,
            dtype=dtype,
        )


class Engine(Protocol):
    """Computes the gradients of one case. What a call returns may be overwritten by the next call."""

    name: str

    def __init__(self, case: Case) -> None: ...

    @staticmethod
    def supports(case: Case) -> bool:
        """Whether it was tested for exactly these parts, this device and this precision."""

    def generate(self, parameters: Parameters, z: Tensor) -> Tensor:
        """The input a of the output neurons (M, B, P) for z (M, B, Z), with its graph."""

    def critic_gradients(
        self, parameters: Parameters, images: Tensor, epsilon: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        """The critic's loss (M,) and its gradients in the order of the parameters.

        Args:
            images: real images, fake ones, and, where the objective interpolates, room for as many more, which the
                engine may use: (M, 2B or 3B, P).
            epsilon: of the interpolated images, (M, B, 1); None where the objective does not interpolate.
        """

    def generator_gradients(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's loss (M,) and its gradient with respect to the fake images (M, B, P)."""

    def optimizer(self, network: Network, parameters: Parameters) -> Optimizer:
        """The optimizer of one of the case's networks."""

    def images_dtype(self) -> torch.dtype:
        """The type in which it takes a critic step's images."""


def choose(case: Case, asked: str = "auto") -> Engine:
    """The engine that trains the case.

    Raises:
        UserError: `asked` is none of CHOICES.
    """
    if asked not in CHOICES:
        raise UserError(f"engine {asked!r} is unknown: {nearest(asked, CHOICES)}")
    for name in ENGINES if asked == "auto" else (asked,):
        engine = find(name)
        if engine.supports(case):
            return engine(case)
    raise AssertionError("the reference path supports every case")


def find(name: str) -> type[Engine]:
    """The engine of that name."""
    module, _, cls = ENGINES[name].partition(":")
    found: type[Engine] = getattr(importlib.import_module(module), cls)
    return found


def images_of_step(engine: Engine, objective: Objective, like: Tensor) -> Tensor:
    """Room for the images of a critic step: real ones, fake ones, interpolated ones, each of the shape of `like`."""
    members, batch, pixels = like.shape
    return like.new_empty(members, (3 if objective.interpolates else 2) * batch, pixels, dtype=engine.images_dtype())


def recorder(device: torch.device) -> "Callable[[Callable[[], None]], Callable[[], None]] | None":
    """What records a step so that it can be replayed with less overhead; None on a device that has no such thing."""
    if device.type != "cuda":
        return None
    from binarygan.fast.cuda_graphs import CudaGraphs

    return CudaGraphs()
