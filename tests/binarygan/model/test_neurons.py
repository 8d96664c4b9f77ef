"""Forward and backward of the output neurons against hand formulas."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from members import CPU, built_in
from torch import Tensor

from binarygan.model.estimators import ESTIMATORS, Estimator, SigmoidAdjusted
from binarygan.model.neurons import NEURONS, Deterministic, Neuron, RealValued, Stochastic
from binarygan.model.output_layer import OutputLayer
from binarygan.registry import parameter

SLOPE = 1.7


def layer(*neurons: Neuron, estimator: Estimator | None = None, dtype: torch.dtype = torch.float64) -> OutputLayer:
    """Of slopes 1.7, 2.7, …"""
    slopes = [SLOPE + i for i in range(len(neurons))]
    return OutputLayer(neurons, estimator or SigmoidAdjusted(), slopes, device=CPU, dtype=dtype)


@pytest.mark.parametrize("kind", built_in(NEURONS))
def test_forward_and_backward_follow_the_formulas(kind: str) -> None:
    generator = torch.Generator().manual_seed(1)
    a = torch.randn(1, 5, 784, generator=generator, dtype=torch.float64).requires_grad_()
    v = torch.rand(1, 5, 784, generator=generator, dtype=torch.float64)
    b = layer(NEURONS[kind](), estimator=ESTIMATORS["sigmoid"]())(a, v if kind == "stochastic" else None)
    weight = torch.randn(b.shape, generator=generator, dtype=torch.float64)
    (b * weight).sum().backward()

    p = 1 / (1 + np.exp(-SLOPE * a.detach().numpy()))
    expected = {"deterministic": p > 0.5, "stochastic": p > v.numpy(), "real": p}[kind]
    np.testing.assert_allclose(b.detach().numpy(), expected, rtol=0, atol=1e-15)
    assert a.grad is not None
    np.testing.assert_allclose(a.grad.numpy(), weight.numpy() * SLOPE * p * (1 - p), rtol=1e-12, atol=0)


def test_real_neuron_has_the_true_gradient() -> None:
    a = torch.randn(1, 2, 3, dtype=torch.float64, requires_grad=True)
    real = layer(RealValued())
    torch.autograd.gradcheck(lambda x: real(x, None), a)


@dataclass(frozen=True, kw_only=True)
class Hard(Neuron):
    """A neuron with its own p and a parameter: b = p = clip(x / width, 0, 1)."""

    width: float = parameter("from 0 to 1", default=1.0, above=0)

    def preactivated(self, x: Tensor) -> Tensor:
        return (x / self.width).clamp(0, 1)

    def output(self, p: Tensor, v: Tensor | None) -> Tensor:
        return p


class Everything(Estimator):
    """What an estimator is given, added up; noise where there is some."""

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        assert v is not None
        return 1000 * slope + 100 * b + 10 * p + torch.where(v.isnan(), -g, v)


def test_a_mixed_cohort_gives_each_member_its_own_neurons() -> None:
    """Stochastic ones not side by side, and two of one kind that differ in a parameter."""
    torch.manual_seed(0)
    a, v = torch.randn(3, 4, 6), torch.rand(1, 4, 6)
    b = layer(Deterministic(), Stochastic(), RealValued(), dtype=torch.float32)(a, v)
    assert torch.equal(b[0], (a[0] > 0).float())
    assert torch.equal(b[1], (torch.sigmoid((SLOPE + 1) * a[1]) > v[0]).float())
    torch.testing.assert_close(b[2], torch.sigmoid((SLOPE + 2) * a[2]))  # two kinds of sigmoids: the last bit differs

    a, v = torch.randn(4, 5, 6, dtype=torch.float64, requires_grad=True), torch.rand(2, 5, 6, dtype=torch.float64)
    neurons = Stochastic(), Hard(width=2.0), Hard(width=0.5), Stochastic()
    b = layer(*neurons, estimator=Everything())(a, v)
    x = a.detach() * torch.tensor([SLOPE + i for i in range(4)], dtype=torch.float64).view(-1, 1, 1)
    p = torch.stack([x[0].sigmoid(), (x[1] / 2).clamp(0, 1), (x[2] * 2).clamp(0, 1), x[3].sigmoid()])
    expected = torch.stack([(p[0] > v[0]).double(), p[1], p[2], (p[3] > v[1]).double()])
    torch.testing.assert_close(b, expected, rtol=1e-12, atol=1e-12)
    g = torch.randn(b.shape, dtype=torch.float64)
    b.backward(g)
    own = torch.stack([v[0], -g[1], -g[2], v[1]])
    slopes = (x / a.detach()).round(decimals=6)
    torch.testing.assert_close(a.grad, 1000 * slopes + 100 * expected + 10 * p + own, rtol=1e-9, atol=1e-9)


def test_slopes_change_in_place() -> None:
    """So that what was recorded with the old ones goes on with the new ones."""
    neurons = layer(RealValued(), RealValued())
    kept = neurons.slope
    neurons.set_slopes([1.0, 3.0])
    assert neurons.slope is kept
    a = torch.ones(2, 1, 1, dtype=torch.float64)
    torch.testing.assert_close(neurons(a, None).flatten(), torch.tensor([1.0, 3.0], dtype=torch.float64).sigmoid())
