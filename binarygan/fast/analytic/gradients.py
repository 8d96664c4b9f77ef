"""Gradients of a piecewise-linear discriminator by hand: what autograd gives, sooner.

Without batch or layer normalization both of the paper's discriminators are piecewise linear, so the gradient penalty's
double backward is the chain of the same linear maps once more. Autograd cannot know three things: the mixed images'
first layer is the mix of real's and fake's (no product of its own); the derivative of a slope is 0, so nothing flows
back through the mixed images' forward pass; and the penalty's part of each weight's gradient joins the loss's part in
one product.

Shapes: M members, B batch, N = 2B or 3B examples (real, fake, mixed), P = 784 pixels. Activations are rows (M, N, F) or
maps (N, M*C, H, W), as in layers.py.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from binarygan.fast.analytic.convolution import ConvolutionStage
from binarygan.fast.analytic.dense import DenseStage
from binarygan.fast.analytic.pooled import PooledStage
from binarygan.fast.analytic.stages import Stage
from binarygan.model.architectures import Layer
from binarygan.model.layers import to_rows
from binarygan.model.networks import Network, Parameters
from binarygan.model.objectives import Objective, penalty_of


def serves(network: Network) -> bool:
    """Whether no layer's normalization depends on its input, and none is a transposed convolution."""
    return all(
        layer.kind in ("dense", "conv", "maxpool") and layer.norm in ("none", "affine") for layer in network.layers
    )


class PiecewiseGradients:
    """Losses and gradients of a piecewise-linear discriminator (`serves`)."""

    def __init__(self, network: Network, objective: Objective, penalty_weight: float | None) -> None:
        self._objective, self._penalty_weight = objective, penalty_weight
        self._makers = _makers(network)

    def images_in(self, like: Tensor) -> torch.dtype:
        return like.dtype

    @torch.no_grad()
    def of_critic(self, parameters: Parameters, images: Tensor, mixing: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """The critic's loss (M,) on `gradients.critic_images` and its gradients, in the order of `parameters`."""
        batch = images.shape[1] // (2 if mixing is None else 3)
        own = 2 * batch  # examples from here on are the mixed ones
        stages = [make(parameters) for make in self._makers]
        logits = _forward(stages, images, mixing)[:, :own, 0]
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
        stages = [make(parameters) for make in self._makers]
        logits = _forward(stages, fake, None)[:, :, 0]
        loss = self._objective.generator_loss(logits)
        _backward(stages, self._objective.generator_slopes(logits).unsqueeze(2))
        return loss, to_rows(stages[0].transposed(slice(None)), fake.shape[0])

    def _penalty(self, stages: list[Stage], own: int) -> Tensor:
        """The penalty (M,). Its derivatives take the mixed examples' place in each stage's input."""
        assert self._penalty_weight is not None
        first, mixed = stages[0], slice(own, None)
        penalty, ahead = penalty_of(to_rows(first.transposed(mixed), first.members), self._penalty_weight)
        for stage in stages:
            ahead = stage.replace_mixed(ahead, own)
        return penalty


def _makers(network: Network) -> list[Callable[[Parameters], Stage]]:
    """Of a stage for each layer with weights, with the pooling that follows it, what makes it of parameters."""
    makers: list[Callable[[Parameters], Stage]] = []
    channels, size = network.channels, network.size
    for number, layer in enumerate(network.layers):
        if layer.kind != "maxpool":
            after = network.layers[number + 1 : number + 2]
            pool = after[0] if after and after[0].kind == "maxpool" else None
            makers.append(_maker(number, layer, pool, channels, size, network.operands))
        channels, size = layer.units or channels, layer.output_size(size)
    return makers


def _maker(
    number: int, layer: Layer, pool: Layer | None, channels: int, size: int, operands: torch.dtype | None
) -> Callable[[Parameters], Stage]:
    names = ("weight", "bias") if layer.norm == "none" else ("weight", "bias", "scale", "shift")
    whole = [f"{number}.{name}" for name in names]

    def make(parameters: Parameters) -> Stage:
        own = {name: parameters[key] for name, key in zip(names, whole, strict=True)}
        if layer.kind == "dense":
            return DenseStage(layer, own, operands)
        if PooledStage.serves(layer, pool, channels):
            return PooledStage(layer, own, operands)
        return ConvolutionStage(layer, own, channels, size, operands, pool)

    return make


def _forward(stages: list[Stage], images: Tensor, mixing: Tensor | None) -> Tensor:
    x = images
    for number, stage in enumerate(stages):
        x = stage.forward(x, mixing if number == 0 else None)
    return x


def _backward(stages: list[Stage], by_logits: Tensor) -> None:
    back = by_logits
    for number in reversed(range(len(stages))):
        stages[number].backward(back)
        if number:
            back = stages[number].transposed(slice(None))
