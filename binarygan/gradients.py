"""Losses and gradients of a discriminator, by autograd or by hand: the same numbers to rounding.

Shapes: M members, B batch, P = 784 pixels.
"""

from typing import Protocol

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.networks import Network, Parameters
from binarygan.objectives import Objective, make_objective
from binarygan.piecewise_gradients import PiecewiseGradients, serves


def critic_images(
    members: int, batch: int, pixels: int, *, like: Tensor, mixes: bool, dtype: torch.dtype | None = None
) -> Tensor:
    """Room for the images of a critic step, all rows of one tensor of `like`'s device, and type but for `dtype`.

    Real ones (M, B, P) come first, then fake ones, and, for an objective that mixes, as many mixed ones.
    """
    return like.new_empty(members, (3 if mixes else 2) * batch, pixels, dtype=dtype or like.dtype)


class Gradients(Protocol):
    """What both ways give."""

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


def make_gradients(config: MemberConfig, network: Network) -> Gradients:
    """The faster way that serves the network."""
    objective = make_objective(config)
    if serves(network):
        return PiecewiseGradients(network, objective, config.penalty_weight)
    return AutogradGradients(network, objective)
