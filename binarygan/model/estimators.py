"""Estimators: what stands in for the gradient of a binary neuron, whose own is 0 almost everywhere.

a is a unit's input, s its slope, x = s a, p = sigmoid(x), b its output, v its noise (uniform on [0, 1), b = 1[p > v]),
g = dL/db the loss's gradient with respect to the output. Formulas are of dL/dx; dL/da is s times that.
Shapes: (M, B, N) each, s (M, 1, 1).

Those that need no gradient g but the loss itself, of one or two samples, are in `score_functions.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from binarygan.lazy import torch
from binarygan.registry import Registry, parameter

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

    relaxes: ClassVar[bool] = False
    """Whether the discriminator sees `relaxed_output` in training, in place of the neurons' own output."""

    def supports(self, neuron: type[Neuron]) -> bool:
        """Whether it is meant for this kind of neuron; a configuration that asks for another pair is refused."""
        return True

    def relaxed_output(self, *, a: Tensor, slope: Tensor, v: Tensor | None) -> Tensor:
        """What the discriminator sees in training, of an estimator that relaxes."""
        raise NotImplementedError

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        """The estimate of dL/da. v is None where no run of the cohort draws noise."""
        raise NotImplementedError


@ESTIMATORS.named("sigmoid")
class SigmoidAdjusted(Estimator):
    """Sigmoid-adjusted straight-through: dL/dx := g p (1 - p), whatever the output was.

    The paper's. It is the true gradient of the real-valued neuron. Source: Bengio et al. 2013 (arXiv 1308.3432) as
    adjusted by Chung et al. 2016 (arXiv 1609.01704).
    """

    label = "sigmoid-adjusted"

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return g * slope * p * (1 - p)


class ForBinary(Estimator):
    """An estimator of a binary neuron's gradient."""

    def supports(self, neuron: type[Neuron]) -> bool:
        return neuron.binary


class ForStochastic(Estimator):
    """An estimator of the gradient of E[L] over the neuron's noise."""

    def supports(self, neuron: type[Neuron]) -> bool:
        return neuron.binary and neuron.draws_noise


@ESTIMATORS.named("identity")
class Identity(ForBinary):
    """Straight-through: dL/da := g, whatever the slope. Source: Hinton 2012; Bengio et al. 2013 (arXiv 1308.3432)."""

    label = "identity"

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return g


@ESTIMATORS.named("hard-sigmoid")
class HardSigmoid(ForBinary):
    """The gradient of (1 + clip(x, -1, 1)) / 2: dL/dx := g / 2 where |x| <= 1, else 0.

    Source: Courbariaux et al. 2016 (arXiv 1602.02830).
    """

    label = "hard sigmoid"

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return g * slope * ((slope * a).abs() <= 1) / 2


@ESTIMATORS.named("fast-sigmoid")
class FastSigmoid(ForBinary):
    """The gradient of a fast sigmoid: dL/dx := g / 4 / (1 + |x|)^2. Source: Zenke & Ganguli 2018 (arXiv 1705.11146)."""

    label = "fast sigmoid"

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return g * slope / (4 * (1 + (slope * a).abs()) ** 2)


@ESTIMATORS.named("decoupled")
@dataclass(frozen=True, kw_only=True)
class Decoupled(ForBinary):
    """The sigmoid-adjusted one with a slope r of its own backward: dL/da := g r q (1 - q), q = sigmoid(r a).

    Source: decoupled straight-through (arXiv 2410.13331).
    """

    backward_slope: float = parameter("slope of the backward pass", default=1.0, above=0, most=100)
    label = "decoupled"

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        q = torch.sigmoid(self.backward_slope * a)
        return g * self.backward_slope * q * (1 - q)


@dataclass(frozen=True, kw_only=True)
class Tempered(ForStochastic):
    """An estimator with a temperature t."""

    temperature: float = parameter("temperature of the relaxed output, t", default=1.0, above=0, most=100)


@ESTIMATORS.named("gumbel")
class StraightThroughGumbel(Tempered):
    """Straight-through Gumbel: dL/dx := g y (1 - y) / t, y = sigmoid((x - logit(v)) / t), so that b = 1[y > 1/2].

    Source: Jang et al. 2017 (arXiv 1611.01144).
    """

    label = "straight-through Gumbel"

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return _through_relaxed(g, slope * a, v, self.temperature) * slope


@ESTIMATORS.named("concrete")
class BinaryConcrete(Tempered):
    """Binary concrete: in training the discriminator sees y = sigmoid((x - logit(v)) / t), the gradient is y's own.

    Outside training outputs are binary. Source: Maddison et al. 2017 (arXiv 1611.00712).
    """

    label = "binary concrete"
    relaxes = True

    def relaxed_output(self, *, a: Tensor, slope: Tensor, v: Tensor | None) -> Tensor:
        return relaxed(slope * a, v, self.temperature)

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return _through_relaxed(g, slope * a, v, self.temperature) * slope


@ESTIMATORS.named("gumbel-rao")
@dataclass(frozen=True, kw_only=True)
class GumbelRao(Tempered):
    """Gumbel-Rao: straight-through Gumbel's estimate, averaged over K samples of the noise given the output b.

    Given b the noise v is uniform on [0, p) or on [p, 1). The samples are one draw's place there, moved by k / K for
    k = 0 … K - 1: each is distributed as one drawn anew, and together they are spread evenly.
    Source: Paulus et al. 2021 (arXiv 2010.04838).
    """

    samples: int = parameter("samples of the noise that an estimate averages, K", default=10, least=1, most=1000)
    label = "Gumbel-Rao"

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        x = slope * a
        first = independent(p, b, v)
        mean = torch.zeros_like(x)
        for k in range(self.samples):
            u = (first + k / self.samples).frac()
            y = relaxed(x, torch.where(b > 0, p * u, p + (1 - p) * u), self.temperature)
            mean += y * (1 - y)
        return g * slope * mean / (self.samples * self.temperature)


@ESTIMATORS.named("gst")
class GappedStraightThrough(Tempered):
    """Gapped straight-through with a gap of 1: dL/dx := g y (1 - y) / t, y = sigmoid(z / t).

    c = 2 b - 1 is the output's sign; z = x where x has this sign and |x| > 1, else c.
    Source: Fan et al. 2022 (arXiv 2206.07235).
    """

    label = "gapped straight-through"

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        c = 2 * b - 1
        y = torch.sigmoid((c * slope * a).clamp(min=1) / self.temperature)  # y (1 - y) is even
        return g * slope * y * (1 - y) / self.temperature


@ESTIMATORS.named("reinmax")
@dataclass(frozen=True, kw_only=True)
class ReinMax(ForStochastic):
    """ReinMax: dL/dx := g (2 q (1 - q) - p (1 - p) / 2), q = (sigmoid(x / t) + b) / 2; of second order at t = 1.

    Source: Liu et al. 2023 (arXiv 2304.08612).
    """

    temperature: float = parameter("temperature of the sigmoid, t", default=1.0, least=1, most=100)
    label = "ReinMax"

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        q = (torch.sigmoid(slope * a / self.temperature) + b) / 2
        return g * slope * (2 * q * (1 - q) - p * (1 - p) / 2)


def relaxed(x: Tensor, v: Tensor | None, temperature: float) -> Tensor:
    """y = sigmoid((x - logit(v)) / t): a sample of the binary concrete distribution, above 1/2 where p > v."""
    assert v is not None
    return torch.sigmoid((x - torch.logit(v)) / temperature)


def _through_relaxed(g: Tensor, x: Tensor, v: Tensor | None, temperature: float) -> Tensor:
    """g dy/dx, y = `relaxed`."""
    y = relaxed(x, v, temperature)
    return g * y * (1 - y) / temperature


def independent(p: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
    """v's place in its part of [0, 1) given b, [0, p) or [p, 1): uniform on [0, 1) and independent of b."""
    assert v is not None
    return torch.where(b > 0, v / p, (v - p) / (1 - p)).clamp(0, 1 - 2**-24)
