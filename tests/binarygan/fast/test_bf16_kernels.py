"""Kernels between a CPU's products in bfloat16, against PyTorch's operations in float32 that are rounded."""

import struct

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from binarygan.fast.analytic.derivatives import penalty
from binarygan.fast.bf16_cpu import kernels, norms
from binarygan.fast.bf16_cpu.adam import RoundingAdam
from binarygan.fast.bf16_cpu.numbers import bits
from binarygan.model.activations import LEAK
from binarygan.model.norms import EPSILON
from binarygan.model.objectives import FLOOR
from binarygan.training.optimizers import TensorFlowAdam

BETAS = (0.5, 0.9)
ONE_ROUNDING = 2**-8
TIES = st.integers(0, 0x7F7F).map(lambda high: struct.unpack("f", struct.pack("I", high << 16 | 0x8000))[0])
"""Numbers in the middle between two of bfloat16."""


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


def rows(*shape: int) -> Tensor:
    """Some of them zero, of either sign."""
    values = torch.randn(shape)
    values[..., ::5] = 0.0
    values[..., 1::5] = -0.0
    return values.bfloat16()


@settings(deadline=None)
@example([struct.unpack("f", struct.pack("I", whole))[0] for whole in (0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001)])
@given(st.lists(st.floats(width=32) | TIES, min_size=1, max_size=40))
def test_numbers_are_rounded_as_pytorch_rounds_them(numbers: list[float]) -> None:
    """Ties, infinities and numbers too large for bfloat16 among them; what is not a number stays so."""
    bias = torch.tensor(numbers)
    y = torch.zeros(1, len(numbers), dtype=torch.bfloat16)
    kernels.activate_(bits(y), bias.numpy())
    expected = F.leaky_relu(bias, LEAK).bfloat16()
    torch.testing.assert_close(y[0], expected, rtol=0, atol=0, equal_nan=True)


def test_an_activation_is_pytorchs_and_of_interpolated_images_that_of_the_interpolated_map() -> None:
    y, bias, epsilon = rows(8, 33), torch.randn(33), torch.rand(4)
    activated = torch.full((12, 33), torch.nan, dtype=torch.bfloat16)
    kernels.activate_and_interpolate(bits(activated), bits(y), bias.numpy(), epsilon.numpy())
    linear = y.float() + bias
    three = torch.cat([linear, torch.lerp(linear[4:], linear[:4], epsilon.unsqueeze(1))])
    assert torch.equal(activated[:8], F.leaky_relu(three, LEAK).bfloat16()[:8])
    torch.testing.assert_close(activated.float(), F.leaky_relu(three, LEAK), rtol=ONE_ROUNDING, atol=1e-6)
    kernels.activate_(bits(y), bias.numpy())
    assert torch.equal(y, activated[:8])


def test_the_leak_is_that_of_the_activation_and_sums_are_of_the_first_rows() -> None:
    """Of 0, and of -0, it is the leak."""
    activated, d, sums = rows(12, 33), torch.randn(12, 33).bfloat16(), torch.full((33,), torch.nan)
    expected = torch.where(activated.float() > 0, d.float(), d.float() * LEAK)
    kernels.times_leak_(bits(d), bits(activated), sums.numpy(), 8)
    assert torch.equal(d, expected.bfloat16())
    torch.testing.assert_close(sums, expected[:8].sum(0))  # of what is not yet rounded


def test_the_penalty_is_that_of_the_objective() -> None:
    """Also at a gradient of 0."""
    gradient = (torch.randn(5, 784) / 28).bfloat16()
    gradient[0] = 0
    expected, derivative = penalty(gradient.float().unsqueeze(0), 10.0)
    assert kernels.penalize_(bits(gradient), 10.0, FLOOR) == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(gradient.float(), derivative[0], rtol=ONE_ROUNDING, atol=1e-6)


@pytest.mark.parametrize("measured", [False, True])
def test_a_norm_and_its_derivatives_are_autograds(measured: bool) -> None:
    y, grad_normed = (3 + torch.randn(16, 33)).bfloat16(), torch.randn(16, 33)
    bias, scale, shift = (torch.randn(33).requires_grad_() for _ in range(3))
    product = y.float().requires_grad_()
    mean, gain = torch.randn(33), torch.rand(33)
    linear = product + bias
    if measured:
        expected = F.batch_norm(linear, None, None, scale, shift, training=True, eps=EPSILON)
    else:
        expected = (linear - mean) * gain * scale + shift
    grad_product, *grad_own = torch.autograd.grad(expected, [product, bias, scale, shift], grad_normed)

    own = [t.detach().numpy() for t in (bias, mean, gain, scale, shift)]
    if measured:
        norms.measure(bits(y), *own[:3], EPSILON)
    normed, activated = torch.empty(16, 33), torch.empty(16, 33, dtype=torch.bfloat16)
    norms.normalize(normed.numpy(), bits(y), *own)
    norms.normalize_and_rectify(bits(activated), bits(y), *own)
    torch.testing.assert_close(normed, expected.detach(), rtol=1e-5, atol=1e-5)
    assert torch.equal(activated, torch.relu(normed).bfloat16())
    sums, grad_linear = torch.full((3, 33), torch.nan), torch.empty(16, 33, dtype=torch.bfloat16)
    norms.denormalize(bits(grad_linear), grad_normed.numpy(), bits(y), *own[:4], *sums.numpy(), measured)
    torch.testing.assert_close(grad_linear.float(), grad_product, rtol=ONE_ROUNDING, atol=1e-5)
    torch.testing.assert_close(sums, torch.stack(grad_own), rtol=1e-4, atol=1e-4)


def test_what_was_rectified_passes_nothing_on() -> None:
    grad_activated, linear = rows(8, 33), rows(8, 33)
    grad_normed = torch.full((8, 33), torch.nan)
    norms.pass_rectified(grad_normed.numpy(), bits(grad_activated), bits(torch.relu(linear)))
    assert torch.equal(grad_normed, torch.where(linear > 0, grad_activated, 0).float())


def test_bits_are_of_bfloat16() -> None:
    with pytest.raises(TypeError, match=r"of torch\.float32"):
        bits(torch.ones(2))


@pytest.mark.parametrize("row", [0, 1])
def test_what_is_not_a_number_stays_so(row: int) -> None:
    """A member that diverged must be seen to have."""
    y = torch.ones(8, 3, dtype=torch.bfloat16)
    y[row, 1] = torch.nan
    own = [torch.ones(3).numpy() for _ in range(5)]
    norms.measure(bits(y), *own[:3], EPSILON)
    activated = torch.empty_like(y)
    norms.normalize_and_rectify(bits(activated), bits(y), *own)
    assert activated[:, 1].isnan().all()
    assert activated[:, ::2].isfinite().all()
    grad_normed = torch.empty(8, 3)
    norms.pass_rectified(grad_normed.numpy(), bits(torch.full_like(y, torch.nan)), bits(activated))
    assert grad_normed.isnan().all()
    assert torch.tensor(kernels.penalize_(bits(y), 10.0, FLOOR)).isnan()


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("alike", [False, True])
def test_adam_is_the_others_and_its_copy_is_the_parameter(transposed: bool, alike: bool) -> None:
    """Gradients as small as epsilon among them, in the same tensors as before or in others, which lie in memory like
    the parameter or not; a state is taken over from TensorFlowAdam in between."""
    weight, bias = torch.randn(2, 30, 20), torch.randn(2, 20)
    lying = weight.mT.contiguous().mT if transposed else weight.clone()
    ours, theirs = ([t.requires_grad_() for t in (lying.clone(), bias.clone())] for _ in range(2))
    rounding = RoundingAdam(ours, [True, False], lr=0.1, betas=BETAS)
    exact = TensorFlowAdam(theirs, lr=0.1, betas=BETAS)
    copy, given = rounding.operands[0], list[Tensor]()
    for step in range(6):
        if step == 3:
            rounding.load_state(exact.state())
        grad_weight, grad_bias = (torch.randn(2, 30, 20) * 1e-7 ** (step % 2)).bfloat16(), torch.randn(2, 20)
        if step % 3:  # the same tensors with other numbers, or others
            given[0].copy_(grad_weight)
            given[1].copy_(grad_bias)
        else:
            given = [grad_weight.mT.contiguous().mT if transposed is alike else grad_weight, grad_bias]
        rounding.update(given)
        assert (rounding._arrays_of(given) is rounding._arrays_of(given)) is alike  # which a copy's must not be
        exact.update([grad_weight.float(), grad_bias])
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    for found, wanted in zip(rounding.state(), exact.state(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-20)
    assert torch.equal(copy.detach(), ours[0].detach().bfloat16())
    assert copy.mT.is_contiguous() is transposed
    assert rounding.operands[1] is ours[1]
