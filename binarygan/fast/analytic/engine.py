"""Gradients of a piecewise-linear discriminator, derived by hand: what autograd gives, sooner.

Without a norm that depends on its input both of the paper's discriminators are piecewise linear, so the gradient
penalty's double backward is the chain of the same linear maps once more. Three things are known here that autograd
cannot know. The first layer's map of interpolated images interpolates the maps of real and fake ones: it needs no
product. The derivative of a leaky ReLU's slope is 0, so nothing flows back through the interpolated images' forward
pass. The penalty's part of each weight's gradient joins the loss's part in one product.

Shapes: M runs, B batch, N = 2B or 3B examples (real, fake, interpolated), P = 784 pixels. Activations are rows
(M, N, F) or maps (N, M*C, H, W), as in model/layers.py.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from binarygan.fast.analytic.convolution import ConvolutionStage
from binarygan.fast.analytic.dense import DenseStage
from binarygan.fast.analytic.derivatives import SUPPORTED, Derivatives, penalty
from binarygan.fast.analytic.pooled import PooledStage
from binarygan.fast.analytic.stages import Stage
from binarygan.model.activations import ACTIVATIONS, LeakyRelu
from binarygan.model.architectures import Layer
from binarygan.model.layers import to_rows
from binarygan.model.networks import Network, Parameters
from binarygan.model.norms import Affine, NoNorm
from binarygan.training.engines import Case
from binarygan.training.step import Reference


class Analytic(Reference):
    """The discriminator's gradients by hand; everything else as the reference path has it."""

    name = "analytic"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._derivatives = Derivatives(case.objective)
        self._makers = _makers(case.discriminator)

    @staticmethod
    def supports(case: Case) -> bool:
        """One of the paper's objectives; leaky layers up to a logit; dense ones without a norm or with the affine one,
        convolutions of stride 1 without a norm, pooling behind them.
        """
        network = case.discriminator
        *hidden, last = [layer for layer in network.layers if layer.kind != "maxpool"]
        return (
            type(case.objective) in SUPPORTED
            and type(network) is Network
            and network.layers[0].kind != "maxpool"
            and not any(a.kind == b.kind == "maxpool" for a, b in zip(network.layers, network.layers[1:], strict=False))
            and all(_is_supported(layer) and ACTIVATIONS[layer.activation] is LeakyRelu for layer in hidden)
            and (last.kind, last.units, last.activation, type(last.norm)) == ("dense", 1, "none", NoNorm)
        )

    @torch.no_grad()
    def critic_gradients(
        self, parameters: Parameters, images: Tensor, epsilon: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        batch = images.shape[1] // (2 if epsilon is None else 3)
        own = 2 * batch  # examples from here on are interpolated
        stages = [make(parameters) for make in self._makers]
        logits = _forward(stages, images, epsilon)[:, :own, 0]
        loss, *grad_logits = self._derivatives.critic(logits[:, :batch], logits[:, batch:])
        if epsilon is not None:
            grad_logits.append(torch.ones_like(grad_logits[0]))  # the interpolated images' logits are differentiated
        _backward(stages, torch.cat(grad_logits, 1).unsqueeze(2))
        if epsilon is not None:
            loss = loss + self._penalty(stages, own)
        return loss, [gradient for stage in stages for gradient in stage.gradients(own)]

    @torch.no_grad()
    def generator_gradients(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        stages = [make(parameters) for make in self._makers]
        loss, grad_logits = self._derivatives.generator(_forward(stages, fake, None)[:, :, 0])
        _backward(stages, grad_logits.unsqueeze(2))
        return loss, to_rows(stages[0].grad_x(slice(None)), fake.shape[0])

    def _penalty(self, stages: list[Stage], own: int) -> Tensor:
        """The penalty (M,); its part of the gradients is left in the stages."""
        weight = self._derivatives.penalty_weight
        assert weight is not None
        first = stages[0]
        value, tangent = penalty(to_rows(first.grad_x(slice(own, None)), first.members), weight)
        for stage in stages:
            tangent = stage.replace_interpolated(tangent, own)
        return value


def _is_supported(layer: Layer) -> bool:
    """Whether there is a stage for a hidden layer of this kind and norm."""
    norm = type(layer.norm)
    return (layer.kind == "dense" and norm in (NoNorm, Affine)) or (
        (layer.kind, layer.stride) == ("conv", 1) and norm is NoNorm
    )


def _makers(network: Network) -> list[Callable[[Parameters], Stage]]:
    """For each layer with weights, with the pooling behind it, what makes its stage from the network's parameters."""
    makers: list[Callable[[Parameters], Stage]] = []
    channels, size = network.channels, network.size
    for number, layer in enumerate(network.layers):
        after = network.layers[number + 1 : number + 2]
        pool = after[0] if after and after[0].kind == "maxpool" else None
        stage: Callable[..., Stage] = partial(ConvolutionStage, channels=channels, size=size, pool=pool)
        if layer.kind == "dense":
            stage = DenseStage
        elif PooledStage.serves(layer, pool, channels):
            stage = PooledStage
        if layer.kind != "maxpool":
            makers.append(partial(_made, stage, number, layer, network.operands))
        channels, size = layer.units or channels, layer.output_size(size)
    return makers


def _made(
    stage: Callable[..., Stage], number: int, layer: Layer, operands: torch.dtype | None, parameters: Parameters
) -> Stage:
    names = ("weight", "bias", *(("scale", "shift") if layer.norm.learns else ()))
    return stage(layer, {name: parameters[f"{number}.{name}"] for name in names}, operands=operands)


def _forward(stages: list[Stage], images: Tensor, epsilon: Tensor | None) -> Tensor:
    x = images
    for number, stage in enumerate(stages):
        x = stage.forward(x, epsilon if number == 0 else None)
    return x


def _backward(stages: list[Stage], grad_logits: Tensor) -> None:
    grad = grad_logits
    for number in reversed(range(len(stages))):
        stages[number].backward(grad)
        if number:
            grad = stages[number].grad_x(slice(None))
