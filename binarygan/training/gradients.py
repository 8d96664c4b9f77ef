"""Losses and gradients of a discriminator, by autograd or by hand: the same numbers to rounding.

Shapes: M members, B batch, P = 784 pixels.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from binarygan.arithmetic.products import operands_of_layer
from binarygan.config import MemberConfig
from binarygan.fast.analytic.gradients import PiecewiseGradients, serves
from binarygan.model.networks import Network, Parameters
from binarygan.model.objectives import Objective, make_objective

Generate = Callable[[Parameters, Tensor], Tensor]
"""Parameters and z (M, B, Z) to the input of the output neurons (M, B, P), with its graph."""


def critic_images(
    members: int, batch: int, pixels: int, *, like: Tensor, mixes: bool, dtype: torch.dtype | None = None
) -> Tensor:
    """Room for the images of a critic step, all rows of one tensor of `like`'s device, and type but for `dtype`.

    Real ones (M, B, P) come first, then fake ones, and, for an objective that mixes, as many mixed ones.
    """
    return like.new_empty(members, (3 if mixes else 2) * batch, pixels, dtype=dtype or like.dtype)


class Gradients(Protocol):
    """What all ways give; it may be overwritten by the next call."""

    def images_in(self, like: Tensor) -> torch.dtype:
        """The type that a critic step's images are wanted in, where everything else is of `like`'s."""

    def of_critic(self, parameters: Parameters, images: Tensor, mixing: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """The critic's loss (M,) on `critic_images`, whose room it may use, and its gradients in parameters' order."""

    def of_generator(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's loss (M,) and its derivative by the fake images (M, B, P)."""


class AutogradGradients:
    """For any network."""

    def __init__(self, network: Network, objective: Objective) -> None:
        self._network, self._objective = network, objective

    def images_in(self, like: Tensor) -> torch.dtype:
        return like.dtype

    def of_critic(self, parameters: Parameters, images: Tensor, mixing: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        real, fake, *_ = images.chunk(2 if mixing is None else 3, 1)

        def critic(images: Tensor, passes: int = 1) -> Tensor:
            return self._network(parameters, images, passes=passes).squeeze(2)

        loss = self._objective.critic_loss(critic, real=real, fake=fake, mixing=mixing)
        gradients = torch.autograd.grad(loss.sum(), list(parameters.values()), materialize_grads=True)
        return loss.detach(), list(gradients)

    def of_generator(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        fake = fake.detach().requires_grad_()
        loss = self._objective.generator_loss(self._network(parameters, fake).squeeze(2))
        (slope,) = torch.autograd.grad(loss.sum(), fake)
        return loss.detach(), slope


def make_gradients(
    config: MemberConfig, network: Network, device: torch.device, dtype: torch.dtype = torch.float32
) -> Gradients:
    """The fastest way that serves the network, for parameters of this type on this device."""
    objective = make_objective(config)
    if device.type == "cpu" and dtype is torch.float32 and _can_stay_rounded(network):
        # and with it Numba, which other precisions never need
        from binarygan.fast.bf16_cpu.discriminator import RoundedGradients

        return RoundedGradients(network, objective, config.penalty_weight)
    if serves(network):
        return PiecewiseGradients(network, objective, config.penalty_weight)
    return AutogradGradients(network, objective)


def make_generate(network: Network, device: torch.device, dtype: torch.dtype = torch.float32) -> Generate:
    """The generator `network`, the faster way, for parameters of this type on this device."""
    if device.type == "cpu" and dtype is torch.float32 and _can_generate_rounded(network):
        from binarygan.fast.bf16_cpu.generator import RoundedGenerator

        return RoundedGenerator(network)
    return network


def _can_stay_rounded(network: Network) -> bool:
    """Whether all layers are dense and have no norm; all but the last, a logit, are leaky and multiply in bfloat16."""
    *hidden, last = network.layers
    return (
        len(hidden) > 1
        and all(layer.kind == "dense" and layer.norm == "none" for layer in network.layers)
        and all(layer.activation == "leaky-relu" for layer in hidden)
        and all(operands_of_layer(layer, network.operands) is torch.bfloat16 for layer in hidden)
        and (last.units, last.activation) == (1, "none")
    )


def _can_generate_rounded(network: Network) -> bool:
    """Whether all layers are dense, multiply in bfloat16 and have a norm over the batch, a constant one, or none."""
    *hidden, last = network.layers
    return (
        all(layer.kind == "dense" and layer.norm in ("none", "affine", "batch") for layer in network.layers)
        and all(layer.activation == "relu" for layer in hidden)
        and all(operands_of_layer(layer, network.operands) is torch.bfloat16 for layer in network.layers)
        and last.activation == "none"
    )
