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


class Gradients(Protocol):
    """What both ways give."""

    def of_critic(
        self, parameters: Parameters, *, real: Tensor, fake: Tensor, mixing: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        """The critic's loss (M,) on images (M, B, P) and its gradients, in the order of `parameters`."""

    def of_generator(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's loss (M,) and its derivative by the fake images (M, B, P)."""


class AutogradGradients:
    """For any network."""

    def __init__(self, network: Network, objective: Objective) -> None:
        self._network, self._objective = network, objective

    def of_critic(
        self, parameters: Parameters, *, real: Tensor, fake: Tensor, mixing: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
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
