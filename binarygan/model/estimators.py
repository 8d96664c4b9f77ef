"""Estimators: what stands in for the gradient of a binary neuron, whose own is 0 almost everywhere.

a is a unit's input, s its slope, x = s a, p = sigmoid(x), b its output, v its noise, g = dL/db the loss's gradient with
respect to the output. Shapes: (M, B, N) each, s (M, 1, 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from binarygan.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from binarygan.model.neurons import Neuron

ESTIMATORS: Registry[type[Estimator]] = Registry("estimator")


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """A rule for the backward pass of the output neurons."""

    label: ClassVar[str]
    """What figures and tables call it."""
    revision: ClassVar[int] = 1
    """Raised whenever runs with this estimator come to give other numbers."""

    def supports(self, neuron: type[Neuron]) -> bool:
        """Whether it is meant for this kind of neuron; a configuration that asks for another pair is refused."""
        return True

    def grad_a(self, g: Tensor, *, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        """The estimate of dL/da. v is None where no run of the cohort draws noise."""
        raise NotImplementedError


@ESTIMATORS.named("sigmoid")
class SigmoidAdjusted(Estimator):
    """Sigmoid-adjusted straight-through: dL/da := g s p (1 - p), whatever the output was.

    The paper's. It is the true gradient of the real-valued neuron. Source: Bengio et al. 2013 (arXiv 1308.3432) as
    adjusted by Chung et al. 2016 (arXiv 1609.01704).
    """

    label = "sigmoid-adjusted"

    def grad_a(self, g: Tensor, *, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return g * slope * p * (1 - p)
