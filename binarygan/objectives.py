"""The three adversarial objectives behind one interface.

Shapes: M members, B batch, P = 784 pixels. Losses are one number a member, (M,), so that gradients of their sum are
each member's own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.config import MemberConfig

Critic = Callable[..., Tensor]
"""Images (M, N, P) to logits (M, N); `passes=` says how many batches N holds."""


class Objective(Protocol):
    """What the discriminator and the generator minimize."""

    mixes: bool
    """Whether the critic's loss needs `mixing`."""

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
        """Loss of the discriminator (M,) on images (M, B, P); `mixing` is e of the gradient penalty, (M, B, 1)."""

    def generator_loss(self, logits: Tensor) -> Tensor:
        """Loss of the generator (M,) from the discriminator's logits of fake images, (M, B)."""

    def constrain(self, parameters: Iterable[Tensor]) -> None:
        """What is done to the discriminator's parameters after each of its steps."""


@dataclass(frozen=True)
class Gan:
    """Non-saturating GAN on logits (arXiv 1406.2661): softplus(-D(real)) + softplus(D(fake)); softplus(-D(G))."""

    mixes = False

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
        of_real, of_fake = _both(critic, real=real, fake=fake)
        return F.softplus(-of_real).mean(1) + F.softplus(of_fake).mean(1)

    def generator_loss(self, logits: Tensor) -> Tensor:
        return F.softplus(-logits).mean(1)

    def constrain(self, parameters: Iterable[Tensor]) -> None:
        pass


@dataclass(frozen=True)
class Wgan:
    """Wasserstein GAN (arXiv 1701.07875): D(fake) - D(real); -D(G); every parameter of D clipped to [-clip, clip]."""

    clip_value: float
    mixes = False

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
        of_real, of_fake = _both(critic, real=real, fake=fake)
        return of_fake.mean(1) - of_real.mean(1)

    def generator_loss(self, logits: Tensor) -> Tensor:
        return -logits.mean(1)

    @torch.no_grad()
    def constrain(self, parameters: Iterable[Tensor]) -> None:
        tensors = list(parameters)
        torch._foreach_clamp_min_(tensors, -self.clip_value)
        torch._foreach_clamp_max_(tensors, self.clip_value)


@dataclass(frozen=True)
class WganGp:
    """WGAN with gradient penalty (arXiv 1704.00028): D(fake) - D(real) + weight * penalty; -D(G)."""

    penalty_weight: float
    mixes = True

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
        assert mixing is not None
        of_real, of_fake = _both(critic, real=real, fake=fake)
        penalty = gradient_penalty(critic, real=real, fake=fake, mixing=mixing)
        return of_fake.mean(1) - of_real.mean(1) + self.penalty_weight * penalty

    def generator_loss(self, logits: Tensor) -> Tensor:
        return -logits.mean(1)

    def constrain(self, parameters: Iterable[Tensor]) -> None:
        pass


def gradient_penalty(critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor) -> Tensor:
    """mean over the batch of (|grad D(x)| - 1)² at x = e real + (1 - e) fake, (M,).

    |g| is sqrt(1e-8 + sum of squares), as released, which keeps the gradient finite at g = 0.
    """
    x = torch.lerp(fake, real, mixing).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    norm = torch.sqrt(1e-8 + gradient.square().sum(2))
    return (norm - 1).square().mean(1)


def make_objective(config: MemberConfig) -> Objective:
    """The objective that `config` names."""
    if config.objective == "gan":
        return Gan()
    if config.objective == "wgan":
        assert config.clip_value is not None
        return Wgan(config.clip_value)
    assert config.penalty_weight is not None
    return WganGp(config.penalty_weight)


def _both(critic: Critic, *, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of real and of fake images, (M, B) each, from one call."""
    batch = real.shape[1]
    logits = critic(torch.cat([real, fake], 1), passes=2)
    return logits[:, :batch], logits[:, batch:]
