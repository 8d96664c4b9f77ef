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

FLOOR = 1e-8
"""Under the root of a gradient's norm."""
Critic = Callable[..., Tensor]
"""Images (M, N, P) to logits (M, N); `passes=` says how many batches N holds."""


class Objective(Protocol):
    """What the discriminator and the generator minimize."""

    mixes: bool
    """Whether the critic's loss needs `mixing`."""

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
        """Loss of the discriminator (M,) on images (M, B, P); `mixing` is e of the gradient penalty, (M, B, 1)."""

    def loss_of_logits(self, of_real: Tensor, of_fake: Tensor) -> Tensor:
        """The part of `critic_loss` that logits (M, B) alone decide: all but the penalty, (M,)."""

    def slopes_of_logits(self, of_real: Tensor, of_fake: Tensor) -> tuple[Tensor, Tensor]:
        """Its derivatives by the logits, (M, B) each."""

    def generator_loss(self, logits: Tensor) -> Tensor:
        """Loss of the generator (M,) from the discriminator's logits of fake images, (M, B)."""

    def generator_slopes(self, logits: Tensor) -> Tensor:
        """Its derivative by the logits, (M, B)."""

    def constrain(self, parameters: Iterable[Tensor]) -> None:
        """What is done to the discriminator's parameters after each of its steps."""


@dataclass(frozen=True)
class Gan:
    """Non-saturating GAN on logits (arXiv 1406.2661): softplus(-D(real)) + softplus(D(fake)); softplus(-D(G))."""

    mixes = False

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
        return self.loss_of_logits(*_both(critic, real=real, fake=fake))

    def loss_of_logits(self, of_real: Tensor, of_fake: Tensor) -> Tensor:
        return F.softplus(-of_real).mean(1) + F.softplus(of_fake).mean(1)

    def slopes_of_logits(self, of_real: Tensor, of_fake: Tensor) -> tuple[Tensor, Tensor]:
        batch = of_real.shape[1]
        return torch.sigmoid(-of_real) / -batch, torch.sigmoid(of_fake) / batch

    def generator_loss(self, logits: Tensor) -> Tensor:
        return F.softplus(-logits).mean(1)

    def generator_slopes(self, logits: Tensor) -> Tensor:
        return torch.sigmoid(-logits) / -logits.shape[1]

    def constrain(self, parameters: Iterable[Tensor]) -> None:
        pass


class _Wasserstein:
    """What WGAN and WGAN-GP share: D(fake) - D(real); -D(G)."""

    def loss_of_logits(self, of_real: Tensor, of_fake: Tensor) -> Tensor:
        return of_fake.mean(1) - of_real.mean(1)

    def slopes_of_logits(self, of_real: Tensor, of_fake: Tensor) -> tuple[Tensor, Tensor]:
        share = 1 / of_real.shape[1]
        return torch.full_like(of_real, -share), torch.full_like(of_fake, share)

    def generator_loss(self, logits: Tensor) -> Tensor:
        return -logits.mean(1)

    def generator_slopes(self, logits: Tensor) -> Tensor:
        return torch.full_like(logits, -1 / logits.shape[1])


@dataclass(frozen=True)
class Wgan(_Wasserstein):
    """Wasserstein GAN (arXiv 1701.07875): D(fake) - D(real); -D(G); every parameter of D clipped to [-clip, clip]."""

    clip_value: float
    mixes = False

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
        return self.loss_of_logits(*_both(critic, real=real, fake=fake))

    @torch.no_grad()
    def constrain(self, parameters: Iterable[Tensor]) -> None:
        tensors = list(parameters)
        torch._foreach_clamp_min_(tensors, -self.clip_value)
        torch._foreach_clamp_max_(tensors, self.clip_value)


@dataclass(frozen=True)
class WganGp(_Wasserstein):
    """WGAN with gradient penalty (arXiv 1704.00028): D(fake) - D(real) + weight * penalty; -D(G)."""

    penalty_weight: float
    mixes = True

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
        assert mixing is not None
        loss = self.loss_of_logits(*_both(critic, real=real, fake=fake))
        return loss + self.penalty_weight * gradient_penalty(critic, real=real, fake=fake, mixing=mixing)

    def constrain(self, parameters: Iterable[Tensor]) -> None:
        pass


def gradient_penalty(critic: Critic, *, real: Tensor, fake: Tensor, mixing: Tensor) -> Tensor:
    """mean over the batch of (|grad D(x)| - 1)² at x = e real + (1 - e) fake, (M,).

    |g| is sqrt(FLOOR + sum of squares), as released, which keeps the gradient finite at g = 0.
    """
    x = torch.lerp(fake, real, mixing).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    norm = torch.sqrt(FLOOR + gradient.square().sum(2))
    return (norm - 1).square().mean(1)


def penalty_of(gradient: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """weight * mean of (|g| - 1)² for gradients g (M, B, P), (M,), and its derivative by them."""
    norm = torch.sqrt(FLOOR + torch.linalg.vector_norm(gradient, dim=2, keepdim=True).square())
    above = norm - 1
    return weight * above.square().mean((1, 2)), gradient * (above / norm * (2 * weight / gradient.shape[1]))


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
