"""Neurons: what a unit of the generator's output layer makes of its input.

A unit's real-valued input is a, its slope s. p = sigmoid(s a) is its preactivated output (the paper's word: what it
would give without binarization), b what it gives. Gradients are another part's: `estimators.py`.
The noise v that a stochastic unit compares p with is drawn by `binarygan.random_streams`.

Shapes: p and b are (M, B, N): M runs, B batch, N output units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from binarygan.lazy import torch
from binarygan.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

NEURONS: Registry[type[Neuron]] = Registry("neuron")


@dataclass(frozen=True, kw_only=True)
class Neuron:
    """A kind of output unit. A subclass gives `output` and what figures and tables need to know of it."""

    label: ClassVar[str]
    """What figures and tables call it."""
    colour: ClassVar[str] = "#666666"
    line: ClassVar[Any] = "-"
    marker: ClassVar[str] = "o"
    """How figures draw it: matplotlib's colour, line style and marker."""
    revision: ClassVar[int] = 1
    """Raised whenever runs with this neuron come to give other numbers."""
    binary: ClassVar[bool] = True
    """Whether b is 0 or 1. Other outputs are binarized after training, by threshold and by Bernoulli sampling."""
    draws_noise: ClassVar[bool] = False
    """Whether b depends on noise v, uniform on [0, 1), which is drawn anew for each unit and forward pass."""
    anneals: ClassVar[bool] = True
    """Whether the paper multiplies its slope after each epoch."""

    def preactivated(self, x: Tensor) -> Tensor:
        """p for x = s a."""
        return torch.sigmoid(x)

    def output(self, p: Tensor, v: Tensor | None) -> Tensor:
        """b for p, of p's type; v is the noise, or None for a neuron that draws none."""
        raise NotImplementedError


@NEURONS.named("deterministic")
class Deterministic(Neuron):
    """The deterministic binary neuron (DBN): b = 1[p > 0.5] (Dong & Yang 2018, section 3)."""

    label = "DBN"
    colour, line, marker = "#0072B2", "-", "o"

    def output(self, p: Tensor, v: Tensor | None) -> Tensor:
        return (p > 0.5).to(p.dtype)


@NEURONS.named("stochastic")
class Stochastic(Neuron):
    """The stochastic binary neuron (SBN): b = 1[p > v], so that b is 1 with probability p (Dong & Yang 2018)."""

    label = "SBN"
    colour, line, marker = "#E69F00", (0, (5, 1.5)), "s"
    draws_noise = True

    def output(self, p: Tensor, v: Tensor | None) -> Tensor:
        assert v is not None
        return (p > v).to(p.dtype)


@NEURONS.named("real")
class RealValued(Neuron):
    """The real-valued neuron: b = p. Its sigmoid is no stand-in for a threshold, so nothing anneals it."""

    label = "real-valued"
    colour, line, marker = "#000000", (0, (5, 1.5, 1, 1.5)), "^"
    binary = False
    anneals = False

    def output(self, p: Tensor, v: Tensor | None) -> Tensor:
        return p
