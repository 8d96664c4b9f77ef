"""Gradients of a piecewise-linear discriminator by hand: what autograd gives, sooner.

Without batch or layer normalization both of the paper's discriminators are piecewise linear, so the gradient penalty's
double backward is the chain of the same linear maps once more. Autograd cannot know three things: the mixed images'
first layer is the mix of real's and fake's (no product of its own); the derivative of a slope is 0, so nothing flows
back through the mixed images' forward pass; and the penalty's part of each weight's gradient joins the loss's part in
one product.

Shapes: M members, B batch, N = 2B or 3B examples (real, fake, mixed), P = 784 pixels. Activations are rows (M, N, F) or
maps (N, M*C, H, W), as in layers.py.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.architectures import Layer
from binarygan.layers import EPSILON, LEAK, to_maps, to_rows
from binarygan.linear_maps import linear_map
from binarygan.networks import Network, Parameters
from binarygan.objectives import Objective, penalty_of

GAIN = (1 + EPSILON) ** -0.5
"""What `affine` multiplies with, beside its learned scale."""


def serves(network: Network) -> bool:
    """Whether no layer's normalization depends on its input, and none is a transposed convolution."""
    return all(
        layer.kind in ("dense", "conv", "maxpool") and layer.norm in ("none", "affine") for layer in network.layers
    )


class PiecewiseGradients:
    """Losses and gradients of a piecewise-linear discriminator (`serves`)."""

    def __init__(self, network: Network, objective: Objective, penalty_weight: float | None) -> None:
        self._network, self._objective, self._penalty_weight = network, objective, penalty_weight

    @torch.no_grad()
    def of_critic(
        self, parameters: Parameters, *, real: Tensor, fake: Tensor, mixing: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        """The critic's loss (M,) on images (M, B, P) and its gradients, in the order of `parameters`."""
        batch = real.shape[1]
        own = 2 * batch  # examples from here on are the mixed ones
        stages = _stages(self._network, parameters)
        logits = _forward(stages, torch.cat([real, fake], 1), mixing)[:, :own, 0]
        of_real, of_fake = logits[:, :batch], logits[:, batch:]
        loss = self._objective.loss_of_logits(of_real, of_fake)
        slopes = [*self._objective.slopes_of_logits(of_real, of_fake)]
        if mixing is not None:
            slopes.append(torch.ones_like(slopes[0]))  # the mixed images' logits themselves are differentiated
        _backward(stages, torch.cat(slopes, 1).unsqueeze(2))
        if mixing is not None:
            loss = loss + self._penalty(stages, own)
        return loss, [gradient for stage in stages for gradient in stage.gradients(own)]

    @torch.no_grad()
    def of_generator(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's loss (M,) and its derivative by the fake images (M, B, P)."""
        stages = _stages(self._network, parameters)
        logits = _forward(stages, fake, None)[:, :, 0]
        loss = self._objective.generator_loss(logits)
        _backward(stages, self._objective.generator_slopes(logits).unsqueeze(2))
        return loss, to_rows(stages[0].transposed(slice(None)), fake.shape[0])

    def _penalty(self, stages: list["_Stage"], own: int) -> Tensor:
        """The penalty (M,). Its derivatives take the mixed examples' place in each stage's input."""
        assert self._penalty_weight is not None
        first, mixed = stages[0], slice(own, None)
        by_image = to_rows(first.transposed(mixed), first.members)
        penalty, ahead = penalty_of(by_image, self._penalty_weight)
        for stage in stages:
            ahead = stage.replace_mixed(ahead, own)
        return penalty


def _stages(network: Network, parameters: Parameters) -> list["_Stage"]:
    """A stage for each layer with weights, with what follows it."""
    stages: list[_Stage] = []
    channels, size = network.channels, network.size
    for number, layer in enumerate(network.layers):
        if layer.kind == "maxpool":
            stages[-1].pool = layer
        else:
            own = {name.split(".")[1]: p for name, p in parameters.items() if name.split(".")[0] == str(number)}
            stages.append(_Stage(layer, own, channels, size, network.operands))
        channels, size = layer.units or channels, layer.output_size(size)
    return stages


def _forward(stages: list["_Stage"], images: Tensor, mixing: Tensor | None) -> Tensor:
    x = images
    for number, stage in enumerate(stages):
        x = stage.forward(x, mixing if number == 0 else None)
    return x


def _backward(stages: list["_Stage"], by_logits: Tensor) -> None:
    back = by_logits
    for number in reversed(range(len(stages))):
        stages[number].backward(back)
        if number:
            back = stages[number].transposed(slice(None))


def _times_slope(d: Tensor, activated: Tensor) -> Tensor:
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


@dataclass
class _Stage:
    """A layer with weights, then its norm, pooling and activation; keeps what the gradients need.

    x -> linear -> normed -> pooled -> activated. `by_linear` and `by_normed` are derivatives by these.
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

    @property
    def members(self) -> int:
        return self.own["weight"].shape[0]

    def forward(self, x: Tensor, mixing: Tensor | None) -> Tensor:
        """The activated output; with `mixing` (M, B, 1) that of the mixed images, too, as if they stood in x."""
        x = self._laid_out(x)
        if mixing is not None and self.layer.kind == "conv":
            real, fake = x.chunk(2)
            x = torch.cat([x, torch.lerp(fake, real, mixing.transpose(0, 1).unsqueeze(3))])
        self.map = linear_map(self.layer, self.own["weight"], self.operands)
        y = self.map.forward(x, self.own["bias"])
        if mixing is not None and self.layer.kind == "dense":
            real, fake = y.chunk(2, 1)
            y = torch.cat([y, torch.lerp(fake, real, mixing)], 1)
        self.linear = y
        if self.layer.norm == "affine":
            y = torch.addcmul(self._wide(self.own["shift"]), y, self._wide(self.own["scale"]) * GAIN)
        if self.pool:
            self._normed_size = y.shape[2:]
            y, self._places = F.max_pool2d(y, self.pool.kernel, self.pool.stride, ceil_mode=True, return_indices=True)
        self._height = y.shape[-2]
        self._activated = y if self.layer.activation == "none" else F.leaky_relu(y, LEAK)
        return self._activated

    def backward(self, by_activated: Tensor) -> None:
        """Keep the derivatives by `normed` and `linear`."""
        d = by_activated
        if self.layer.kind == "conv" and d.dim() == 3:
            d = _channels_last(to_maps(d, self.layer.units, self._height))
        if self.layer.activation != "none":
            d = _times_slope(d, self._activated)
        if self.pool:
            d = _unpooled(d, self._places, self._normed_size)
        self.by_normed = self.by_linear = d
        if self.layer.norm == "affine":
            self.by_linear = d * (self._wide(self.own["scale"]) * GAIN)

    def transposed(self, examples: slice) -> Tensor:
        """Derivatives by x of these examples."""
        return self.map.transposed(self._part(self.by_linear, examples))

    def replace_mixed(self, ahead: Tensor, own: int) -> Tensor:
        """Put the penalty's derivatives by the mixed examples' derivative by x in x; give those by the next stage's."""
        mixed = slice(own, None)
        self.by_penalty = t = self.map.replace(self._laid_out(ahead), own)
        if self.layer.norm == "affine":
            t = t * (self._wide(self.own["scale"]) * GAIN)
        if self.pool:
            t = _pooled(t, self._part(self._places, mixed))
        return t if self.layer.activation == "none" else _times_slope(t, self._part(self._activated, mixed))

    def gradients(self, own: int) -> list[Tensor]:
        """Of weight, bias and, with an affine norm, scale and shift; the last two and the bias by the loss alone."""
        first = slice(own)
        by_linear, by_normed = self._part(self.by_linear, first), self._part(self.by_normed, first)
        found = [self.map.gradient(self.by_linear), self._summed(by_linear)]
        if self.layer.norm == "affine":
            by_scale = self._summed(by_normed * self._part(self.linear, first))
            if self.by_penalty is not None:
                by_scale = by_scale + self._summed(self._part(self.by_normed, slice(own, None)) * self.by_penalty)
            found += [by_scale * GAIN, self._summed(by_normed)]
        return found

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
