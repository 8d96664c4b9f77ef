"""Objectives: what the discriminator (the critic) and the generator minimize.

Shapes: M runs, B batch, P = 784 pixels. Losses are one number a run, (M,), so that gradients of their sum are each
run's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from binarygan.lazy import torch
from binarygan.registry import Registry, parameter

if TYPE_CHECKING:
    from torch import Tensor

Critic = Callable[..., Any]
"""Images (M, N, P) to logits (M, N); `passes=` says how many batches N holds. Differentiable twice."""
FLOOR = 1e-8
"""Under the root of a gradient's norm."""

OBJECTIVES: Registry[type[Objective]] = Registry("objective")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The losses, and what is done to the discriminator's parameters after each of its steps."""

    label: ClassVar[str]
    """What figures and tables call it."""
    revision: ClassVar[int] = 1
    """Raised whenever runs with this objective come to give other numbers."""
    optimizer: ClassVar[str] = "adam"
    """The optimizer that the paper has for it."""
    interpolates: ClassVar[bool] = False
    """Whether the critic's loss needs `epsilon`."""

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
        """Loss of the discriminator (M,).

        Args:
            real, fake: images (M, B, P).
            epsilon: uniform on [0, 1), (M, B, 1), for interpolated images epsilon real + (1 - epsilon) fake; None where
                the objective does not interpolate.
        """
        raise NotImplementedError

    def generator_loss(self, logits: Tensor) -> Tensor:
        """Loss of the generator (M,), from the discriminator's logits of fake images, (M, B)."""
        raise NotImplementedError

    def constrain(self, parameters: Mapping[str, Tensor]) -> None:
        """Change the discriminator's parameters (by name, as `LayerStack.parameter_shapes` has them) in place, after
        each of its steps."""


@dataclass(frozen=True, kw_only=True)
class Wasserstein(Objective):
    """D(fake) - D(real); -D(G)."""

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
        of_real, of_fake = logits_of_both(critic, real=real, fake=fake)
        return of_fake.mean(1) - of_real.mean(1)

    def generator_loss(self, logits: Tensor) -> Tensor:
        return -logits.mean(1)


@OBJECTIVES.named("wgan-gp")
@dataclass(frozen=True, kw_only=True)
class WganGp(Wasserstein):
    """WGAN with gradient penalty (arXiv 1704.00028): D(fake) - D(real) + weight * penalty; -D(G)."""

    penalty_weight: float = parameter("weight of the gradient penalty", default=10.0, above=0)
    label = "WGAN-GP"
    interpolates = True

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
        assert epsilon is not None
        loss = super().critic_loss(critic, real=real, fake=fake, epsilon=epsilon)
        return loss + self.penalty_weight * gradient_penalty(critic, real=real, fake=fake, epsilon=epsilon)


@dataclass(frozen=True, kw_only=True)
class Clipping(Wasserstein):
    """Parameters of D are clipped to [-clip, clip]."""

    clip_value: float = parameter("the discriminator's parameters are clipped to [-it, it]", default=0.01, above=0)
    optimizer = "rmsprop"

    def _clip(self, parameters: Iterable[Tensor]) -> None:
        tensors = [p.detach() for p in parameters]
        torch._foreach_clamp_min_(tensors, -self.clip_value)
        torch._foreach_clamp_max_(tensors, self.clip_value)


@OBJECTIVES.named("wgan")
class Wgan(Clipping):
    """Wasserstein GAN (arXiv 1701.07875): D(fake) - D(real); -D(G); every parameter of D clipped to [-clip, clip]."""

    label = "WGAN"

    def constrain(self, parameters: Mapping[str, Tensor]) -> None:
        self._clip(parameters.values())


@OBJECTIVES.named("wgan-weights")
class WganWeights(Clipping):
    """WGAN that clips weights and biases alone, not the scales and shifts of norms.

    The released code clips these, too: a scale begins at 1, so that clipping it to 0.01 shrinks a layer's output a
    hundredfold.
    """

    label = "WGAN, norms unclipped"

    def constrain(self, parameters: Mapping[str, Tensor]) -> None:
        self._clip(p for name, p in parameters.items() if not name.endswith((".scale", ".shift")))


@OBJECTIVES.named("gan")
@dataclass(frozen=True, kw_only=True)
class Gan(Objective):
    """Non-saturating GAN on logits (arXiv 1406.2661): softplus(-D(real)) + softplus(D(fake)); softplus(-D(G))."""

    label = "GAN"

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
        softplus = torch.nn.functional.softplus
        of_real, of_fake = logits_of_both(critic, real=real, fake=fake)
        return softplus(-of_real).mean(1) + softplus(of_fake).mean(1)

    def generator_loss(self, logits: Tensor) -> Tensor:
        return torch.nn.functional.softplus(-logits).mean(1)


def logits_of_both(critic: Critic, *, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of real and of fake images, (M, B) each, from one call; each batch is normalized by itself."""
    batch = real.shape[1]
    logits = critic(torch.cat([real, fake], 1), passes=2)
    return logits[:, :batch], logits[:, batch:]


def gradient_penalty(critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """mean over the batch of (|grad_x D(x)| - 1)² at x = epsilon real + (1 - epsilon) fake, (M,).

    |g| is sqrt(FLOOR + sum of squares), as released, which keeps the gradient finite at g = 0.
    """
    x = torch.lerp(fake, real, epsilon).requires_grad_()
    (grad_x,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    norm = torch.sqrt(FLOOR + grad_x.square().sum(2))
    return (norm - 1).square().mean(1)
