"""Layers with a leading member axis: M networks of one shape advance in the same kernels.

Activations come in two layouts; N is the number of examples (passes times batch).
    rows: (M, N, F)        what a dense layer takes and gives
    maps: (N, M*C, H, W)   what convolutions take and give; members are groups
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.arithmetic.products import multiply_add, operand, operands_of_layer, result
from binarygan.model.architectures import Layer

EPSILON = 1e-3
"""Added to the variance: TensorFlow's default, which the released code uses."""
LEAK = 0.2

Statistics = dict[str, tuple[Tensor, Tensor]]
"""Mean and variance of each batch-normalized layer's input, by layer name."""


def apply_weights(layer: Layer, x: Tensor, weight: Tensor, bias: Tensor, operands: torch.dtype | None = None) -> Tensor:
    """The layer's linear map.

    Args:
        x: rows for a dense layer, maps for the others.
        weight: dense (M, in, out); conv (M, out, in, k, k); transconv (M, in, out, k, k).
        bias: (M, out).
        operands: what x and weight are cast to for the product; None for nothing.
    """
    operands = operands_of_layer(layer, operands)
    if layer.kind == "dense":
        return multiply_add(bias, operand(x, operands), operand(weight, operands))
    members = weight.shape[0]
    grouped = operand(weight.flatten(0, 1), operands)
    convolve = F.conv2d if layer.kind == "conv" else F.conv_transpose2d
    if operands is None:
        return convolve(x, grouped, bias.flatten(), stride=layer.stride, groups=members)
    y = result(convolve(operand(x, operands), grouped, stride=layer.stride, groups=members))
    return y + bias.view(1, -1, 1, 1)


def apply_norm(
    kind: str,
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    *,
    passes: int,
    fixed: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """scale * normalized(x) + shift, with scale and shift (M, units).

    `batch`: by mean and variance over the batch (and a map's places), of each of the `passes` that share the call
    by itself, or by the `fixed` ones. `layer`: over the features of each example. `affine`: by the constant
    1 / sqrt(1 + EPSILON), which is all that the released code's "batch normalization" does.
    """
    rows = x.dim() == 3
    # as the library's batch norm wants it, which refuses batches of one row
    one_channel_axis = not rows or (len(x) == 1 and x.shape[1] > passes)
    gain, offset = (t.unsqueeze(1) if rows else t.view(1, -1, 1, 1) for t in (scale, shift))
    if kind == "affine":
        return torch.addcmul(offset, x, gain * (1 + EPSILON) ** -0.5)
    if kind == "layer":
        split = x if rows else x.unflatten(1, scale.shape)
        mean, variance = _moments(split, (2,) if rows else (2, 3, 4))
    elif fixed is None and one_channel_axis:  # fused: elementary operations stream x through memory ten times
        own, weight, bias = (x[0] if rows else x), scale.flatten(), shift.flatten()
        parts = [F.batch_norm(p, None, None, weight, bias, training=True, eps=EPSILON) for p in own.chunk(passes)]
        normal = parts[0] if passes == 1 else torch.cat(parts)
        return normal.unsqueeze(0) if rows else normal
    elif fixed is not None:
        split, (mean, variance) = x, fixed
    else:
        split = x.unflatten(1, (passes, -1))
        mean, variance = _moments(split, (2,))
    normal = (split - mean) * torch.rsqrt(variance + EPSILON)
    return torch.addcmul(offset, normal.view_as(x), gain)


def population_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each unit over all examples in `x`, in the shape that `fixed` takes."""
    return _moments(x, (1,) if x.dim() == 3 else (0, 2, 3))


def to_rows(x: Tensor, members: int) -> Tensor:
    """Maps (N, M*C, H, W) flattened to rows (M, N, C*H*W); rows as they are."""
    return x if x.dim() == 3 else x.unflatten(1, (members, -1)).flatten(2).transpose(0, 1)


def to_maps(x: Tensor, channels: int, size: int) -> Tensor:
    """Rows (M, N, C*size*size) as maps (N, M*C, size, size)."""
    members, examples, _ = x.shape
    return x.transpose(0, 1).reshape(examples, members * channels, size, size)


def activate(name: str, x: Tensor) -> Tensor:
    """The named activation of `x`."""
    if name == "relu":
        return torch.relu(x)
    return F.leaky_relu(x, LEAK) if name == "leaky-relu" else x


def _moments(x: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(x, dims, correction=0, keepdim=True)
    return mean, variance
