"""Convolutions with their transposes and their weights' gradients, for gradients by hand.

Shapes: M members, N examples. Maps are (N, M*C, H, W), channels last: on a CPU, pooling is ten times faster so, and
products come out of their columns that way.
"""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.arithmetic.products import multiply, multiply_add, multiply_long, operand, product, result
from binarygan.model.architectures import Layer


class Convolution(Protocol):
    """Keeps the x of `forward`, and may write into it in `replace`."""

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """The map of x plus the bias (M, units), in float32; without a bias it may be of the operands' type."""

    def replace(self, x: Tensor, first: int) -> Tensor:
        """Replace the kept examples from `first` on, and give their map, without a bias."""

    def transposed(self, d: Tensor) -> Tensor:
        """The transposed map of d, which has the shape of outputs."""

    def gradient(self, d: Tensor) -> Tensor:
        """The weight's gradient, where d are derivatives by the outputs of all kept examples."""


def convolution(layer: Layer, weight: Tensor, operands: torch.dtype | None = None) -> Convolution:
    """The faster one for the layer; `operands` is what operands of products are cast to."""
    if layer.stride == 1 and weight.shape[2] == 1:
        return ColumnConvolution(weight, operands)
    return GroupedConvolution(layer, weight, operands)


class GroupedConvolution:
    """The library's, members being groups."""

    def __init__(self, layer: Layer, weight: Tensor, operands: torch.dtype | None) -> None:
        self._shape, self._groups, self._stride = weight.shape, weight.shape[0], layer.stride
        self._operands = operands
        grouped = weight.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        self._weight = operand(grouped, operands)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        self._x = operand(x, self._operands).contiguous(memory_format=torch.channels_last)
        if bias is None or self._operands is None:
            return self._map(self._x, None if bias is None else bias.flatten())
        return result(self._map(self._x, None)) + bias.view(1, -1, 1, 1)

    def replace(self, x: Tensor, first: int) -> Tensor:
        self._x[first:] = x
        return result(self._map(self._x[first:], None))

    def transposed(self, d: Tensor) -> Tensor:
        d = operand(d, self._operands)
        return result(F.conv_transpose2d(d, self._weight, stride=self._stride, groups=self._groups))

    def gradient(self, d: Tensor) -> Tensor:
        gradient = torch.nn.grad.conv2d_weight(  # type: ignore[attr-defined]
            self._x, self._weight.shape, operand(d, self._operands), stride=self._stride, groups=self._groups
        )
        return result(gradient).reshape(self._shape)

    def _map(self, x: Tensor, bias: Tensor | None) -> Tensor:
        y = F.conv2d(x, self._weight, bias, stride=self._stride, groups=self._groups)
        return y.contiguous(memory_format=torch.channels_last)


class ColumnConvolution:
    """As one product a member of the columns that the kernel sees, stride 1.

    For maps of one channel several times faster than the library's, on a CPU and on a GPU; for more it is slower.
    """

    def __init__(self, weight: Tensor, operands: torch.dtype | None) -> None:
        self._shape, self._kernel, self._operands = weight.shape, weight.shape[-1], operands
        self._weight = operand(weight.flatten(2).mT, operands)  # (M, C * k * k, units)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        self._size = x.shape[2:]
        self._columns = self._columns_of(x)
        rows = self._columns.flatten(1, 2)
        y = product(rows, self._weight) if bias is None else multiply_add(bias, rows, self._weight)
        return self._as_maps(y)

    def replace(self, x: Tensor, first: int) -> Tensor:
        self._columns[:, first:] = self._columns_of(x)
        return self._as_maps(multiply(self._columns[:, first:].flatten(1, 2), self._weight))

    def transposed(self, d: Tensor) -> Tensor:
        columns = multiply(self._as_rows(d), self._weight.mT)  # (M, N * places, C * k * k)
        members, places = len(columns), self._columns.shape[2]
        each = columns.view(-1, places, columns.shape[2]).mT
        maps = F.fold(each, self._size, self._kernel).view(members, -1, self._shape[2], *self._size)
        return maps.transpose(0, 1).flatten(1, 2)

    def gradient(self, d: Tensor) -> Tensor:
        # the other order of the product is ten times slower
        return multiply_long(self._columns.flatten(1, 2).mT, self._as_rows(d)).mT.reshape(self._shape)

    def _columns_of(self, x: Tensor) -> Tensor:
        """(M, N, places, C * k * k) of maps (N, M * C, H, W)."""
        k, members = self._kernel, self._shape[0]
        windows = x.unflatten(1, (members, -1)).unfold(3, k, 1).unfold(4, k, 1)  # (N, M, C, H', W', k, k)
        columns = windows.permute(1, 0, 3, 4, 2, 5, 6).flatten(4).flatten(2, 3)
        return operand(columns, self._operands)

    def _as_maps(self, y: Tensor) -> Tensor:
        """Rows (M, N * places, units) as maps (N, M * units, H, W), channels last."""
        height, width = (s - self._kernel + 1 for s in self._size)
        maps = y.view(len(y), -1, height, width, y.shape[2]).permute(1, 2, 3, 0, 4)
        return maps.flatten(3).permute(0, 3, 1, 2)

    def _as_rows(self, maps: Tensor) -> Tensor:
        """The reverse, as an operand."""
        rows = maps.unflatten(1, (self._shape[0], -1)).permute(1, 0, 3, 4, 2).flatten(1, 3)
        return operand(rows, self._operands)
