"""Forward and backward of the neurons against hand formulas."""

import numpy as np
import pytest
import torch

from binarygan.model.neurons import Neurons, binary_neuron, slope_at

SLOPE = 1.7


@pytest.mark.parametrize("kind", ["deterministic", "stochastic", "real"])
def test_forward_and_backward_follow_the_formulas(kind: str) -> None:
    generator = torch.Generator().manual_seed(1)
    a = torch.randn(1, 5, 784, generator=generator, dtype=torch.float64).requires_grad_()
    v = torch.rand(1, 5, 784, generator=generator, dtype=torch.float64)
    neurons = Neurons([kind], [SLOPE], device=torch.device("cpu"), dtype=torch.float64)
    b = neurons(a, v if kind == "stochastic" else None)
    weight = torch.randn(b.shape, generator=generator, dtype=torch.float64)
    (b * weight).sum().backward()

    p = 1 / (1 + np.exp(-SLOPE * a.detach().numpy()))
    expected = {"deterministic": p > 0.5, "stochastic": p > v.numpy(), "real": p}[kind]
    np.testing.assert_allclose(b.detach().numpy(), expected, rtol=0, atol=1e-15)
    assert a.grad is not None
    np.testing.assert_allclose(a.grad.numpy(), weight.numpy() * SLOPE * p * (1 - p), rtol=1e-12, atol=0)


def test_real_neuron_has_the_true_gradient() -> None:
    a = torch.randn(1, 2, 3, dtype=torch.float64, requires_grad=True)
    slope, real = torch.full((1, 1, 1), SLOPE, dtype=torch.float64), torch.ones(1, 1, 1, dtype=torch.bool)
    torch.autograd.gradcheck(lambda x: binary_neuron(x, slope=slope, threshold=torch.tensor(0.5), real=real), a)


def test_a_mixed_cohort_gives_each_member_its_own_neurons() -> None:
    torch.manual_seed(0)
    a, v = torch.randn(3, 4, 6), torch.rand(1, 4, 6)
    mixed = Neurons(["deterministic", "stochastic", "real"], [1, 2, 3], device=torch.device("cpu"), dtype=torch.float32)
    b = mixed(a, v)
    assert torch.equal(b[0], (a[0] > 0).float())
    assert torch.equal(b[1], (torch.sigmoid(2 * a[1]) > v[0]).float())
    torch.testing.assert_close(b[2], torch.sigmoid(3 * a[2]))  # vectorized and scalar sigmoids differ in the last bit


def test_slope_grows_after_each_epoch() -> None:
    assert [slope_at(1.1, e) for e in (1, 2, 3)] == pytest.approx([1, 1.1, 1.21])
