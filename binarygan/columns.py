"""Convolutions as products of columns, a column being what the kernel sees at one place.

A GPU's convolutions with a group for each member are slow: they have too few channels each. Taking columns out of maps
and adding columns up into maps are each other's transposed map, so either has the other for its gradient.

Shapes: M members, N examples, C channels and U units of a member, k the kernel's height and width. Maps are
(N, M*C, H, W), columns (M, N, places, k * k * C): channels side by side, as a GPU's maps have them in memory, too.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.products import operand, product, result


def columns_of(maps: Tensor, members: int, kernel: int, stride: int = 1) -> Tensor:
    """The columns of maps, by views and one copy."""
    windows = maps.unflatten(1, (members, -1)).unfold(3, kernel, stride).unfold(4, kernel, stride)
    return windows.permute(1, 0, 3, 4, 5, 6, 2).flatten(4).flatten(2, 3)


def maps_of(columns: Tensor, size: int, kernel: int, stride: int = 1) -> Tensor:
    """Maps of this height and width, each place the sum of what columns have for it."""
    each = columns.unflatten(3, (kernel * kernel, -1)).permute(0, 1, 4, 3, 2)  # (M, N, C, k * k, places)
    maps = F.fold(each.flatten(2, 3).flatten(0, 1), size, kernel, stride=stride)
    return maps.unflatten(0, (len(columns), -1)).transpose(0, 1).flatten(1, 2)


def weights_of_columns(weight: Tensor) -> Tensor:
    """Weights (M, U, C, k, k) as what columns are multiplied with: (M, k * k * C, U)."""
    return weight.permute(0, 3, 4, 2, 1).flatten(1, 3)


def convolution(x: Tensor, weight: Tensor, stride: int, operands: torch.dtype | None) -> Tensor:
    """Of maps with weights (M, U, C, k, k): maps (N, M*U, H', W') in float32, differentiable as often as one likes."""
    members, _, _, kernel, _ = weight.shape
    places = (x.shape[-1] - kernel) // stride + 1
    columns: Tensor = _Columns.apply(x, members, kernel, stride)
    y = product(operand(columns.flatten(1, 2), operands), operand(weights_of_columns(weight), operands))
    return result(y).unflatten(1, (-1, places, places)).permute(1, 0, 4, 2, 3).flatten(1, 2)


def transposed_convolution(x: Tensor, weight: Tensor, stride: int, operands: torch.dtype | None) -> Tensor:
    """Of maps with weights (M, C, U, k, k): likewise."""
    members, channels, _, kernel, _ = weight.shape
    to_columns = weight.permute(0, 1, 3, 4, 2).flatten(2)  # (M, C, k * k * U)
    rows = x.unflatten(1, (members, channels)).permute(1, 0, 3, 4, 2)  # (M, N, H, W, C)
    columns = product(operand(rows.flatten(1, 3), operands), operand(to_columns, operands))
    size = (x.shape[-1] - 1) * stride + kernel
    maps: Tensor = _Maps.apply(result(columns).unflatten(1, (len(x), -1)), size, kernel, stride)
    return maps


class _Columns(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, members: int, kernel: int, stride: int) -> Tensor:
        ctx.shape = maps.shape[-1], kernel, stride
        return columns_of(maps, members, kernel, stride)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        return _Maps.apply(grads[0], *ctx.shape), None, None, None


class _Maps(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, columns: Tensor, size: int, kernel: int, stride: int) -> Tensor:
        ctx.shape = len(columns), kernel, stride
        return maps_of(columns, size, kernel, stride)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        return _Columns.apply(grads[0], *ctx.shape), None, None, None
