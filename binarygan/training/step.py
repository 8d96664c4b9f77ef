"""The critic step and the generator step, by autograd: they define what is right for any part.

An engine (`engines.py`) may compute the same gradients faster; the steps themselves are these in any case.

Shapes: M runs, B batch, P = 784 pixels, Z latent size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from binarygan.model.networks import Network, Parameters
from binarygan.model.objectives import Objective
from binarygan.model.output_layer import OutputLayer
from binarygan.model.score_functions import ScoreFunction
from binarygan.training.engines import Case, Engine
from binarygan.training.optimizers import Optimizer


class Reference:
    """The gradients of any case, by autograd."""

    name = "reference"

    def __init__(self, case: Case) -> None:
        self._case = case

    @staticmethod
    def supports(case: Case) -> bool:
        return True

    def generate(self, parameters: Parameters, z: Tensor) -> Tensor:
        return self._case.generator(parameters, z)

    def critic_gradients(
        self, parameters: Parameters, images: Tensor, epsilon: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        real, fake, *_ = images.chunk(2 if epsilon is None else 3, 1)

        def critic(x: Tensor, passes: int = 1) -> Tensor:
            return self._case.discriminator(parameters, x, passes=passes).squeeze(2)

        loss = self._case.objective.critic_loss(critic, real=real, fake=fake, epsilon=epsilon)
        gradients = torch.autograd.grad(loss.sum(), list(parameters.values()), materialize_grads=True)
        return loss.detach(), list(gradients)

    def generator_gradients(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        fake = fake.detach().requires_grad_()
        loss = self._case.objective.generator_loss(self._case.discriminator(parameters, fake).squeeze(2))
        (grad_fake,) = torch.autograd.grad(loss.sum(), fake)
        return loss.detach(), grad_fake

    @torch.no_grad()
    def losses_of_examples(self, parameters: Parameters, fake: Tensor) -> Tensor:
        """The generator's loss of each fake image, (M, B, 1)."""
        logits = self._case.discriminator(parameters, fake)
        return self._case.objective.generator_loss(logits.flatten().unsqueeze(1)).view_as(logits)

    def optimizer(self, network: Network, parameters: Parameters) -> Optimizer:
        return self._case.optimizer.make(list(parameters.values()), self._case.learning_rate)

    def images_dtype(self) -> torch.dtype:
        return self._case.dtype


@dataclass
class Side:
    """A network as it is trained: its parameters, what it computes with, and what updates them."""

    network: Network
    parameters: Parameters
    optimizer: Optimizer

    @property
    def operands(self) -> Parameters:
        """What the network computes with: each parameter, or the optimizer's copy of it."""
        return self._operands

    def __post_init__(self) -> None:
        self._operands = dict(zip(self.parameters, self.optimizer.operands, strict=True))


def critic_step(engine: Engine, objective: Objective, critic: Side, images: Tensor, epsilon: Tensor | None) -> Tensor:
    """One update of the critic; its loss before the update, (M,).

    Args:
        images: real images, fake ones, and, where the objective interpolates, room for as many more: (M, 2B or 3B, P).
        epsilon: of the interpolated images, (M, B, 1); None where the objective does not interpolate.
    """
    loss, gradients = engine.critic_gradients(critic.operands, images, epsilon)
    critic.optimizer.update(gradients)
    objective.constrain(critic.parameters.values())
    return loss


def generator_step(
    engine: Engine, generator: Side, critic: Side, a: Tensor, neurons: OutputLayer, v: Tensor | None
) -> Tensor:
    """One update of the generator; its loss before the update, (M,).

    Args:
        a: the input of the output neurons (M, B, P), with its graph (`Engine.generate`).
        v: their noise; None where no run's neurons draw any.
    """
    estimator, parameters = neurons.estimator, list(generator.operands.values())
    if isinstance(estimator, ScoreFunction):
        assert v is not None
        x = neurons.slope * a.detach()
        p = neurons.preactivated(a)
        outputs = estimator.outputs(neurons.output(a, p, v), p=p, v=v)
        losses = [engine.losses_of_examples(critic.operands, b) for b in outputs]
        grad_x = estimator.grad_x(losses, outputs, x=x, p=p, v=v)
        loss, gradients = (
            losses[0].mean((1, 2)),
            torch.autograd.grad(a, parameters, neurons.slope * grad_x / x.shape[1]),
        )
    else:
        fake = neurons(a, v)
        loss, grad_fake = engine.generator_gradients(critic.operands, fake.detach())
        gradients = torch.autograd.grad(fake, parameters, grad_fake)
    generator.optimizer.update(gradients)
    return loss
