"""A convolution of stride 1 with its pooling and leaky ReLU, with gradients derived by hand.

Shapes: M runs, N examples. Maps are (N, M*C, H, W), channels last: on a CPU pooling is ten times as fast so.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.arithmetic.products import operand, result
from binarygan.fast.analytic.stages import interpolate_, times_leak
from binarygan.model.activations import LEAK
from binarygan.model.architectures import Layer
from binarygan.model.layers import to_maps
from binarygan.model.networks import Parameters


class ConvolutionStage:
    """x -> linear -> pooled -> activated.

    Args:
        own: weight and bias.
        channels, size: of x.
        operands: what the operands of products are cast to.
        pool: the pooling that follows, if any.
    """

    def __init__(
        self,
        layer: Layer,
        own: Parameters,
        channels: int,
        size: int,
        operands: torch.dtype | None,
        pool: Layer | None = None,
    ) -> None:
        weight = own["weight"]
        self.members, self._shape = len(weight), weight.shape
        self._units, self._channels, self._size = layer.units, channels, size
        self._bias = own["bias"].view(1, -1, 1, 1)
        self._pool, self._operands = pool, operands
        self._weight = operand(_channels_last(weight.flatten(0, 1)), operands)

    def forward(self, x: Tensor, epsilon: Tensor | None) -> Tensor:
        if epsilon is not None:
            interpolate_(x, epsilon)
        self._x = _channels_last(operand(self._as_maps(x), self._operands))
        y = self._map(self._x)
        if self._pool:  # first: there is less to add the bias to
            self._linear_size = y.shape[2:]
            y, self._chosen = F.max_pool2d(y, self._pool.kernel, self._pool.stride, ceil_mode=True, return_indices=True)
        y = result(y) + self._bias
        self._height = y.shape[-2]
        self._activated = F.leaky_relu(y, LEAK)
        return self._activated

    def backward(self, grad_activated: Tensor) -> None:
        d = grad_activated
        if d.dim() == 3:
            d = _channels_last(to_maps(d, self._units, self._height))
        self._grad_pooled = times_leak(d, self._activated)
        d = operand(self._grad_pooled, self._operands)
        self._grad_linear = _unpooled(d, self._chosen, self._linear_size) if self._pool else d

    def grad_x(self, examples: slice) -> Tensor:
        d = self._grad_linear[examples]
        return result(F.conv_transpose2d(d, self._weight, groups=self.members))

    def replace_interpolated(self, tangent: Tensor, own: int) -> Tensor:
        self._x[own:] = self._as_maps(tangent)
        t = result(self._map(self._x[own:]))
        if self._pool:
            t = _pooled(t, self._chosen[own:])
        return times_leak(t, self._activated[own:])

    def gradients(self, own: int) -> list[Tensor]:
        weight = torch.nn.grad.conv2d_weight(  # type: ignore[attr-defined]
            self._x, self._weight.shape, self._grad_linear, groups=self.members
        )
        return [result(weight).reshape(self._shape), self._grad_pooled[:own].sum((0, 2, 3)).view(self.members, -1)]

    def _map(self, x: Tensor) -> Tensor:
        return _channels_last(F.conv2d(x, self._weight, groups=self.members))

    def _as_maps(self, x: Tensor) -> Tensor:
        return to_maps(x, self._channels, self._size) if x.dim() == 3 else x


def _channels_last(maps: Tensor) -> Tensor:
    return maps.contiguous(memory_format=torch.channels_last)


def _unpooled(x: Tensor, chosen: Tensor, size: torch.Size) -> Tensor:
    """Each pooled value back at the pixel that pooling chose, in maps of `size`, zeros elsewhere; channels last."""
    full = x.new_zeros(len(x), size.numel(), x.shape[1])
    full.scatter_(1, _by_pixel(chosen), _by_pixel(x))
    return full.unflatten(1, size).permute(0, 3, 1, 2)


def _pooled(x: Tensor, chosen: Tensor) -> Tensor:
    """The values at the pixels that pooling chose."""
    found = _by_pixel(x).gather(1, _by_pixel(chosen))
    return found.unflatten(1, chosen.shape[2:]).permute(0, 3, 1, 2)


def _by_pixel(maps: Tensor) -> Tensor:
    """Maps (N, C, H, W) as (N, H * W, C): a view where they are channels last."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)
