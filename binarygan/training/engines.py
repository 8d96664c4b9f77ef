"""Engines: ways to compute the gradients of a training step. All give what the reference path gives, some sooner.

The registry is the one door to them. The first engine that supports a case trains it; the last one, the reference path
(`step.py`), supports every case and says what the others give, too: each is a subclass of it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch

from binarygan.config import MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.model.networks import Network
from binarygan.model.objectives import Objective
from binarygan.training.optimizers import OptimizerKind

if TYPE_CHECKING:
    from binarygan.training.step import Reference

ENGINES = {
    "bf16_cpu": "binarygan.fast.bf16_cpu.engine:Bf16Cpu",
    "analytic": "binarygan.fast.analytic.engine:Analytic",
    "reference": "binarygan.training.step:Reference",
}
"""Name -> where the class is, imported when it is asked for: an engine may need libraries that no other does."""
BFLOAT16_ALONE = ("bf16_cpu",)
"""Engines that are imported for a case with products in bfloat16 alone: their kernels are compiled on import.

That takes each worker 13 s of a core, and minutes where other programs keep the cores busy.
"""
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


def choose(case: Case, asked: str = "auto") -> Reference:
    """The engine that trains the case.

    Raises:
        UserError: `asked` is none of CHOICES.
    """
    if asked not in CHOICES:
        raise UserError(f"engine {asked!r} is unknown: {nearest(asked, CHOICES)}")
    in_bfloat16 = torch.bfloat16 in (case.generator.operands, case.discriminator.operands)
    for name in ENGINES if asked == "auto" else (asked,):
        if name in BFLOAT16_ALONE and not in_bfloat16:
            continue
        engine = find(name)
        if engine.supports(case):
            return engine(case)
    raise AssertionError("the reference path supports every case")


def find(name: str) -> type[Reference]:
    """The engine of that name."""
    module, _, cls = ENGINES[name].partition(":")
    found: type[Reference] = getattr(importlib.import_module(module), cls)
    return found
