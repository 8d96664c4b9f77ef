"""The critic step and the generator step, by autograd: they define what is right for any part.

Another engine (`engines.py`) may compute the same gradients faster; the steps themselves are these in any case.

Shapes: M runs, B batch, P = 784 pixels, Z latent size.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from binarygan.model.gates import Gate
from binarygan.model.networks import Network, Parameters
from binarygan.model.objectives import Objective
from binarygan.model.output_layer import OutputLayer
from binarygan.model.score_functions import ScoreFunction
from binarygan.training.engines import Case
from binarygan.training.optimizers import Optimizer


class Reference:
    """The gradients of any case, by autograd. What a call of an engine returns may be overwritten by the next call."""

    name = "reference"

    def __init__(self, case: Case) -> None:
        self._case = case
        self.images_dtype = case.dtype
        """The type in which it takes a critic step's images."""

    @staticmethod
    def supports(case: Case) -> bool:
        """Whether it was tested for exactly these parts, this device and this precision."""
        return True

    def generate(self, parameters: Parameters, z: Tensor, gate: Gate | None = None) -> Tensor:
        """The input a of the output neurons (M, B, P) for z (M, B, Z), with its graph; `gate`: of a gated generator."""
        return self._case.generator(parameters, z, gate=gate)

    def images_of_step(self, like: Tensor) -> Tensor:
        """Room for the images of a critic step: real, fake and interpolated ones, each of the shape of `like`."""
        members, batch, pixels = like.shape
        sets = 3 if self._case.objective.interpolates else 2
        return like.new_empty(members, sets * batch, pixels, dtype=self.images_dtype)

    def critic_gradients(
        self, parameters: Parameters, images: Tensor, epsilon: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        """The critic's loss (M,) and its gradients in the order of the parameters.

        Args:
            images: real images, fake ones, and, where the objective interpolates, room for as many more, which an
                engine may use: (M, 2B or 3B, P).
            epsilon: of the interpolated images, (M, B, 1); None where the objective does not interpolate.
        """
        real, fake, *_ = images.chunk(2 if epsilon is None else 3, 1)

        def critic(x: Tensor, passes: int = 1) -> Tensor:
            return self._case.discriminator(parameters, x, passes=passes).squeeze(2)

        loss = self._case.objective.critic_loss(critic, real=real, fake=fake, epsilon=epsilon)
        gradients = torch.autograd.grad(loss.sum(), list(parameters.values()), materialize_grads=True)
        return loss.detach(), list(gradients)

    def generator_gradients(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's loss (M,) and its gradient with respect to the fake images (M, B, P)."""
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
        """The optimizer of one of the case's networks."""
        return self._case.optimizer.make(list(parameters.values()), self._case.learning_rate)


@dataclass
class Side:
    """A network as it is trained: its parameters, what it computes with, and what updates them."""

    network: Network
    parameters: Parameters
    optimizer: Optimizer
    operands: Parameters = field(init=False)
    """What the network computes with: each parameter, or the optimizer's copy of it."""

    def __post_init__(self) -> None:
        self.operands = dict(zip(self.parameters, self.optimizer.operands, strict=True))


def critic_step(
    engine: Reference, objective: Objective, critic: Side, images: Tensor, epsilon: Tensor | None
) -> Tensor:
    """One update of the critic; its loss before the update, (M,).

    Args:
        images: real images, fake ones, and, where the objective interpolates, room for as many more: (M, 2B or 3B, P).
        epsilon: of the interpolated images, (M, B, 1); None where the objective does not interpolate.
    """
    loss, gradients = engine.critic_gradients(critic.operands, images, epsilon)
    critic.optimizer.update(gradients)
    objective.constrain(critic.parameters)
    return loss


def generator_step(
    engine: Reference,
    generator: Side,
    critic: Side,
    a: Tensor,
    neurons: OutputLayer,
    v: Tensor | None,
    added: Tensor | None = None,
) -> Tensor:
    """One update of the generator; its loss before the update, with what is added, (M,).

    Args:
        a: the input of the output neurons (M, B, P), with its graph (`Reference.generate`).
        v: their noise; None where no run's neurons draw any.
        added: what gates add to the loss (M,), with its graph; None for a generator without gates.
    """
    if isinstance(neurons.estimator, ScoreFunction):
        assert v is not None
        output, (loss, gradient) = a, _by_losses(engine, neurons.estimator, critic, a, neurons, v)
    else:
        output = neurons(a, v)
        loss, gradient = engine.generator_gradients(critic.operands, output.detach())
    outputs, gradients = [output], [gradient]
    if added is not None:
        outputs, gradients, loss = [*outputs, added], [*gradients, torch.ones_like(added)], loss + added.detach()
    generator.optimizer.update(torch.autograd.grad(outputs, list(generator.operands.values()), gradients))
    return loss


def _by_losses(
    engine: Reference, estimator: ScoreFunction, critic: Side, a: Tensor, neurons: OutputLayer, v: Tensor
) -> tuple[Tensor, Tensor]:
    """The generator's loss (M,) and its estimated gradient with respect to a (M, B, P)."""
    p = neurons.preactivated(a)
    outputs = estimator.outputs(neurons.output(a, p, v), p=p, v=v)
    losses = [engine.losses_of_examples(critic.operands, b) for b in outputs]
    grad_x = estimator.grad_x(losses, outputs, x=neurons.slope * a.detach(), p=p, v=v)
    return losses[0].mean((1, 2)), neurons.slope * grad_x / a.shape[1]
