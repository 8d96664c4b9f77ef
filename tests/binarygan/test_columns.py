"""Convolutions as products of columns against the library's, with their first and second derivatives."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.columns import convolution, transposed_convolution

MEMBERS, EXAMPLES = 3, 2


def first_and_second(y: Tensor, x: Tensor, weight: Tensor) -> list[Tensor]:
    """Of a sum that weighs every output differently: derivatives by both, and of a penalty of the first."""
    weighed = (y * torch.arange(y.numel(), dtype=y.dtype).view_as(y).cos()).sum() + y.square().sum()
    by_x, by_weight = torch.autograd.grad(weighed, (x, weight), create_graph=True)
    return [by_x, by_weight, *torch.autograd.grad(by_x.square().sum(), (x, weight))]


@pytest.mark.parametrize(
    ("ours", "library", "channels_first"),
    [(convolution, F.conv2d, False), (transposed_convolution, F.conv_transpose2d, True)],
)
@pytest.mark.parametrize(("size", "kernel", "stride"), [(1, 2, 1), (2, 4, 2), (6, 3, 2), (13, 4, 2), (9, 3, 1)])
def test_columns_are_convolutions(
    ours: Callable[..., Tensor],
    library: Callable[..., Tensor],
    channels_first: bool,
    size: int,
    kernel: int,
    stride: int,
) -> None:
    if not channels_first and size < kernel:
        size, stride = 2 * kernel, 1
    source = torch.Generator().manual_seed(1)
    channels, units = 4, 5
    shape = (channels, units) if channels_first else (units, channels)
    weight = torch.randn(MEMBERS, *shape, kernel, kernel, generator=source, dtype=torch.float64, requires_grad=True)
    x = torch.randn(EXAMPLES, MEMBERS * channels, size, size, generator=source, dtype=torch.float64, requires_grad=True)
    found = ours(x, weight, stride, None)
    expected = library(x, weight.flatten(0, 1), stride=stride, groups=MEMBERS)
    torch.testing.assert_close(found, expected)
    for own, others in zip(first_and_second(found, x, weight), first_and_second(expected, x, weight), strict=True):
        torch.testing.assert_close(own, others)
