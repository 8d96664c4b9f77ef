"""Convolutions and training in every arithmetic against autograd of the library's operations."""

import pytest
import torch
import torch.nn.functional as F
from binarygan.fast.analytic.convolutions import ColumnConvolution, Convolution, GroupedConvolution, convolution
from members import small, trainer

from binarygan.arithmetic.products import operands_of, set_arithmetic
from binarygan.model.architectures import Layer

MEMBERS, EXAMPLES, CHANNELS, UNITS = 2, 5, 3, 4
CONV = Layer(kind="conv", units=UNITS, kernel=3)
BFLOAT16_STEP = 2**-8


@pytest.mark.parametrize("way", [ColumnConvolution, GroupedConvolution])
@pytest.mark.parametrize("operands", [None, torch.bfloat16])
def test_both_convolutions_are_the_librarys(way: type, operands: torch.dtype | None) -> None:
    dtype = torch.float64 if operands is None else torch.float32
    source = torch.Generator().manual_seed(0)
    weight = torch.randn(MEMBERS, UNITS, CHANNELS, 3, 3, generator=source, dtype=dtype)
    x = torch.randn(EXAMPLES, MEMBERS * CHANNELS, 7, 7, generator=source, dtype=dtype)
    bias = torch.randn(MEMBERS, UNITS, generator=source, dtype=dtype)
    ours: Convolution = way(CONV, weight, operands) if way is GroupedConvolution else way(weight, operands)
    exact_weight, exact_x = weight.double().requires_grad_(), x.double().requires_grad_()
    y = F.conv2d(exact_x, exact_weight.flatten(0, 1), bias.double().flatten(), groups=MEMBERS)
    d = torch.randn(y.shape, generator=source, dtype=dtype)
    of_x, of_weight = torch.autograd.grad(y, [exact_x, exact_weight], d.double())
    limit = 1e-12 if operands is None else 2 * BFLOAT16_STEP

    def assert_near(found: torch.Tensor, expected: torch.Tensor) -> None:
        assert found.dtype is dtype
        assert (found.double() - expected).norm() < limit * expected.norm()

    assert_near(ours.forward(x, bias), y)
    assert_near(ours.transposed(d), of_x)
    assert_near(ours.gradient(d), of_weight)
    newer = torch.randn(2, *x.shape[1:], generator=source, dtype=dtype)
    assert_near(ours.replace(newer, EXAMPLES - 2), F.conv2d(newer.double(), exact_weight.flatten(0, 1), groups=MEMBERS))
    y = F.conv2d(torch.cat([x[:-2], newer]).double(), exact_weight.flatten(0, 1), groups=MEMBERS)
    assert_near(ours.gradient(d), torch.autograd.grad(y, exact_weight, d.double())[0])


def test_the_layer_chooses_its_convolution() -> None:
    weight = torch.zeros(MEMBERS, UNITS, CHANNELS, 3, 3)
    assert isinstance(convolution(CONV, weight), GroupedConvolution)
    assert isinstance(convolution(CONV, weight[:, :, :1]), ColumnConvolution)


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_bfloat16_trains_as_float32_does_to_its_rounding(architecture: str, norm: str) -> None:
    """Losses of the first epoch agree to bfloat16's rounding, and are not the same."""
    choices = {"architecture": architecture, "discriminator_norm": norm, "neuron": "real", "slope_rate": 1.0}
    exact, rounded = (trainer(small(dtype=dtype, **choices)) for dtype in ("float32", "bfloat16"))
    assert operands_of(rounded.configs[0]) is torch.bfloat16
    a, b = exact.train_epoch().discriminator_loss, rounded.train_epoch().discriminator_loss
    assert b.dtype is torch.float32
    assert all(t.dtype is torch.float32 for t in rounded.state().values())
    assert not torch.equal(a, b)
    torch.testing.assert_close(a, b, rtol=0.02, atol=0.02)


def test_a_gpus_products_are_exact_unless_tf32_is_asked() -> None:
    for dtype, expected in (("tf32", "tf32"), ("float32", "ieee"), ("bfloat16", "ieee")):
        set_arithmetic(small(dtype=dtype))
        assert torch.backends.cuda.matmul.fp32_precision == expected
        assert torch.backends.cudnn.conv.fp32_precision == expected
