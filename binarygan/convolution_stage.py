"""Layers with weights of a piecewise-linear network, each with its norm, pooling and activation: gradients by hand.

Shapes: M members, N examples. Activations are rows (M, N, F) or maps (N, M*C, H, W), as in layers.py.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.architectures import Layer
from binarygan.layers import EPSILON, LEAK, to_maps, to_rows
from binarygan.linear_maps import linear_map
from binarygan.networks import Parameters
from binarygan.products import operand, operands_of_layer, result

GAIN = (1 + EPSILON) ** -0.5
"""What `affine` multiplies with, beside its learned scale."""


def times_slope(d: Tensor, activated: Tensor) -> Tensor:
    """d times the leaky ReLU's slope where it gave `activated`, which has its input's sign."""
    return torch.ops.aten.leaky_relu_backward(d, activated, LEAK, True)


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


class AnyStage(Protocol):
    """A layer with weights and what follows it; keeps what the gradients need."""

    members: int

    def forward(self, x: Tensor, mixing: Tensor | None) -> Tensor:
        """The activated output; with `mixing` (M, B, 1) that of the mixed images, too, as if they stood in x."""

    def backward(self, by_activated: Tensor) -> None:
        """Take the derivatives by the activated output."""

    def transposed(self, examples: slice) -> Tensor:
        """Derivatives by x of these examples."""

    def replace_mixed(self, ahead: Tensor, own: int) -> Tensor:
        """Put the penalty's derivatives by the mixed examples' derivative by x in x; give those by the next stage's."""

    def gradients(self, own: int) -> list[Tensor]:
        """Of weight, bias and, with an affine norm, scale and shift; the last two and the bias by the loss alone."""


@dataclass
class Stage:
    """Of any kind.

    x -> linear -> normed -> pooled -> activated. `by_linear`, `by_normed` and `by_pooled` are derivatives by these.
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
        self.operands = operands_of_layer(self.layer, self.operands)

    def forward(self, x: Tensor, mixing: Tensor | None) -> Tensor:
        x = self._laid_out(x)
        if mixing is not None and self.layer.kind == "conv":
            real, fake = x.chunk(2)
            x = torch.cat([x, torch.lerp(fake, real, mixing.transpose(0, 1).unsqueeze(3))])
        self.map = linear_map(self.layer, self.own["weight"], self.operands)
        late = self.pool is not None and self.layer.norm == "none"  # pooling first, there is less to add the bias to
        y = self.map.forward(x, None if late else self.own["bias"])
        if mixing is not None and self.layer.kind == "dense":
            real, fake = y.chunk(2, 1)
            y = torch.cat([y, torch.lerp(fake, real, mixing)], 1)
        self.linear = y
        if self.layer.norm == "affine":
            y = torch.addcmul(self._wide(self.own["shift"]), y, self._wide(self.own["scale"]) * GAIN)
        if self.pool:
            self._normed_size = y.shape[2:]
            y, self._places = F.max_pool2d(y, self.pool.kernel, self.pool.stride, ceil_mode=True, return_indices=True)
        if late:
            y = result(y) + self._wide(self.own["bias"])
        self._height = y.shape[-2]
        self._activated = y if self.layer.activation == "none" else F.leaky_relu(y, LEAK)
        return self._activated

    def backward(self, by_activated: Tensor) -> None:
        d = by_activated
        if self.layer.kind == "conv" and d.dim() == 3:
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
            self.by_linear = d * (self._wide(self.own["scale"]) * GAIN)

    def transposed(self, examples: slice) -> Tensor:
        return self.map.transposed(self._part(self.by_linear, examples))

    def replace_mixed(self, ahead: Tensor, own: int) -> Tensor:
        mixed = slice(own, None)
        self.by_penalty = t = self.map.replace(self._laid_out(ahead), own)
        if self.layer.norm == "affine":
            t = t * (self._wide(self.own["scale"]) * GAIN)
        if self.pool:
            t = _pooled(t, self._part(self._places, mixed))
        return t if self.layer.activation == "none" else times_slope(t, self._part(self._activated, mixed))

    def gradients(self, own: int) -> list[Tensor]:
        first = slice(own)
        weight, by_shift = self.map.gradient(self.by_linear), self._summed(self._part(self.by_pooled, first))
        if self.layer.norm == "none":
            return [weight, by_shift]
        by_scale = self._summed(self._part(self.by_normed, first) * self._part(self.linear, first))
        if self.by_penalty is not None:
            by_scale = by_scale + self._summed(self._part(self.by_normed, slice(own, None)) * self.by_penalty)
        return [weight, by_shift * self.own["scale"] * GAIN, by_scale * GAIN, by_shift]

    @property
    def _axis(self) -> int:
        """Along which examples stand."""
        return 1 if self.layer.kind == "dense" else 0

    def _part(self, x: Tensor, examples: slice) -> Tensor:
        return x[:, examples] if self._axis else x[examples]

    def _laid_out(self, x: Tensor) -> Tensor:
        if self.layer.kind == "dense":
            return to_rows(x, self.members)
        return to_maps(x, self.channels, self.size) if x.dim() == 3 else x

    def _wide(self, value: Tensor) -> Tensor:
        """A parameter (M, units) against rows or maps."""
        return value.unsqueeze(1) if self._axis else value.view(1, -1, 1, 1)

    def _summed(self, x: Tensor) -> Tensor:
        """Over examples and places: (M, units)."""
        return x.sum(1) if self._axis else x.sum((0, 2, 3)).view(self.members, -1)
