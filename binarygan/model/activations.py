"""Activations: what follows a hidden layer's norm. Shapes: any; each acts on every number by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from binarygan.lazy import torch
from binarygan.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

LEAK = 0.2

ACTIVATIONS: Registry[type[Activation]] = Registry("activation")


@dataclass(frozen=True, kw_only=True)
class Activation:
    """A function of each number by itself."""

    label: ClassVar[str]
    """What tables call it."""
    revision: ClassVar[int] = 1
    """Raised whenever runs with this activation come to give other numbers."""
    nondecreasing: ClassVar[bool] = False
    """Whether a larger input never gives a smaller output: then pooling may come first, which leaves a quarter."""

    def apply(self, x: Tensor) -> Tensor:
        """The activation of x."""
        raise NotImplementedError


@ACTIVATIONS.named("none")
class NoActivation(Activation):
    """x itself."""

    label = ""
    nondecreasing = True

    def apply(self, x: Tensor) -> Tensor:
        return x


@ACTIVATIONS.named("relu")
class Relu(Activation):
    """max(x, 0)."""

    label = "ReLU"
    nondecreasing = True

    def apply(self, x: Tensor) -> Tensor:
        return torch.relu(x)


@ACTIVATIONS.named("leaky-relu")
class LeakyRelu(Activation):
    """x where it is positive, else 0.2 x."""

    label = "LeakyReLU"
    nondecreasing = True

    def apply(self, x: Tensor) -> Tensor:
        return torch.nn.functional.leaky_relu(x, LEAK)
