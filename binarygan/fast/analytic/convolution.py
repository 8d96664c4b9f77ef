"""A convolution of a piecewise-linear network with its norm, pooling and activation: gradients by hand.

Shapes: M members, N examples, maps (N, M*C, H, W).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.arithmetic.products import operand, result
from binarygan.fast.analytic.convolutions import convolution
from binarygan.fast.analytic.stages import GAIN, put_mixed, times_slope
from binarygan.model.architectures import Layer
from binarygan.model.layers import LEAK, to_maps
from binarygan.model.networks import Parameters


def _channels_last(maps: Tensor) -> Tensor:
    return maps.contiguous(memory_format=torch.channels_last)


def _unpooled(x: Tensor, places: Tensor, size: torch.Size) -> Tensor:
    """Each pooled value back at its place in maps of `size`, zeros elsewhere; channels last."""
    full = x.new_zeros(len(x), size.numel(), x.shape[1])
    full.scatter_(1, _by_place(places), _by_place(x))
    return full.unflatten(1, size).permute(0, 3, 1, 2)


def _pooled(x: Tensor, places: Tensor) -> Tensor:
    """The values at the places that pooling chose."""
    found = _by_place(x).gather(1, _by_place(places))
    return found.unflatten(1, places.shape[2:]).permute(0, 3, 1, 2)


def _by_place(maps: Tensor) -> Tensor:
    """Maps (N, C, H, W) as (N, H * W, C): a view where they are channels last."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)


@dataclass
class ConvolutionStage:
    """x -> linear -> normed -> pooled -> activated.

    `by_linear`, `by_normed` and `by_pooled` are derivatives by these.
    """

    layer: Layer
    own: Parameters
    channels: int
    size: int
    operands: torch.dtype | None
    """What the operands of its products are cast to."""
    pool: Layer | None = None
    by_penalty: Tensor | None = None
    """The penalty's derivative by the mixed examples' `by_linear`."""

    def __post_init__(self) -> None:
        self.members = self.own["weight"].shape[0]

    def forward(self, x: Tensor, mixing: Tensor | None) -> Tensor:
        if mixing is not None:
            put_mixed(x, mixing)
        self.map = convolution(self.layer, self.own["weight"], self.operands)
        late = self.pool is not None and self.layer.norm == "none"  # pooling first, there is less to add the bias to
        y = self.linear = self.map.forward(self._as_maps(x), None if late else self.own["bias"])
        if self.layer.norm == "affine":
            y = torch.addcmul(_wide(self.own["shift"]), y, _wide(self.own["scale"]) * GAIN)
        if self.pool:
            self._normed_size = y.shape[2:]
            y, self._places = F.max_pool2d(y, self.pool.kernel, self.pool.stride, ceil_mode=True, return_indices=True)
        if late:
            y = result(y) + _wide(self.own["bias"])
        self._height = y.shape[-2]
        self._activated = y if self.layer.activation == "none" else F.leaky_relu(y, LEAK)
        return self._activated

    def backward(self, by_activated: Tensor) -> None:
        d = by_activated
        if d.dim() == 3:
            d = _channels_last(to_maps(d, self.layer.units, self._height))
        if self.layer.activation != "none":
            d = times_slope(d, self._activated)
        self.by_pooled = d
        if self.layer.norm == "none":
            d = operand(d, self.operands)
        if self.pool:
            d = _unpooled(d, self._places, self._normed_size)
        self.by_normed = self.by_linear = d
        if self.layer.norm == "affine":
            self.by_linear = d * (_wide(self.own["scale"]) * GAIN)

    def transposed(self, examples: slice) -> Tensor:
        return self.map.transposed(self.by_linear[examples])

    def replace_mixed(self, ahead: Tensor, own: int) -> Tensor:
        mixed = slice(own, None)
        self.by_penalty = t = self.map.replace(self._as_maps(ahead), own)
        if self.layer.norm == "affine":
            t = t * (_wide(self.own["scale"]) * GAIN)
        if self.pool:
            t = _pooled(t, self._places[mixed])
        return t if self.layer.activation == "none" else times_slope(t, self._activated[mixed])

    def gradients(self, own: int) -> list[Tensor]:
        weight, by_shift = self.map.gradient(self.by_linear), self._summed(self.by_pooled[:own])
        if self.layer.norm == "none":
            return [weight, by_shift]
        by_scale = self._summed(self.by_normed[:own] * self.linear[:own])
        if self.by_penalty is not None:
            by_scale = by_scale + self._summed(self.by_normed[own:] * self.by_penalty)
        return [weight, by_shift * self.own["scale"] * GAIN, by_scale * GAIN, by_shift]

    def _as_maps(self, x: Tensor) -> Tensor:
        return to_maps(x, self.channels, self.size) if x.dim() == 3 else x

    def _summed(self, x: Tensor) -> Tensor:
        """Over examples and places: (M, units)."""
        return x.sum((0, 2, 3)).view(self.members, -1)


def _wide(value: Tensor) -> Tensor:
    """A parameter (M, units) against maps."""
    return value.view(1, -1, 1, 1)
