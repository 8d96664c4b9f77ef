"""A layer's linear map, for M runs at once: networks of one shape advance in the same kernels.

Activations come in two layouts; N is the number of examples (passes times batch).
    rows: (M, N, F)        what a dense layer takes and gives
    maps: (N, M*C, H, W)   what convolutions take and give; runs are groups
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.arithmetic.products import multiply_add, operand, result
from binarygan.model.architectures import Layer

FEW_UNITS = 16
"""Of a dense layer: below it the casts take longer than the product does."""


def operands_of_layer(layer: Layer, operands: torch.dtype | None) -> torch.dtype | None:
    """What the operands of a layer's product are cast to, where the network's are cast to `operands`."""
    return None if layer.takes_rows and layer.units < FEW_UNITS else operands


def apply_weights(layer: Layer, x: Tensor, weight: Tensor, bias: Tensor, operands: torch.dtype | None = None) -> Tensor:
    """The layer's linear map.

    Args:
        x: rows for a dense layer, maps for the others.
        weight: dense (M, in, out); conv (M, out, in, k, k); transconv (M, in, out, k, k).
        bias: (M, out).
        operands: what x and weight are cast to for the product; None for nothing.
    """
    operands = operands_of_layer(layer, operands)
    if layer.takes_rows:
        return multiply_add(bias, operand(x, operands), operand(weight, operands))
    assert layer.kind in ("conv", "transconv")
    members = weight.shape[0]
    grouped = operand(weight.flatten(0, 1), operands)
    convolve = F.conv2d if layer.kind == "conv" else F.conv_transpose2d
    if operands is None:
        return convolve(x, grouped, bias.flatten(), stride=layer.stride, groups=members)
    y = result(convolve(operand(x, operands), grouped, stride=layer.stride, groups=members))
    return y + bias.view(1, -1, 1, 1)


def to_rows(x: Tensor, members: int) -> Tensor:
    """Maps (N, M*C, H, W) flattened to rows (M, N, C*H*W); rows as they are."""
    return x if x.dim() == 3 else x.unflatten(1, (members, -1)).flatten(2).transpose(0, 1)


def to_maps(x: Tensor, channels: int, size: int) -> Tensor:
    """Rows (M, N, C*size*size) as maps (N, M*C, size, size)."""
    members, examples, _ = x.shape
    return x.transpose(0, 1).reshape(examples, members * channels, size, size)
