"""The derivatives of the paper's objectives with respect to logits, and of the gradient penalty.

Shapes: M runs, B batch, P = 784 pixels.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.model.objectives import FLOOR, Gan, Objective, Wgan, WganGp, WganWeights

SUPPORTED = (Gan, Wgan, WganWeights, WganGp)
"""The classes themselves: a subclass may change a loss."""


@dataclass(frozen=True)
class Derivatives:
    """Losses of logits, with their derivatives, of one of the objectives in SUPPORTED."""

    objective: Objective

    @property
    def penalty_weight(self) -> float | None:
        """Weight of the gradient penalty; None for an objective without one."""
        return self.objective.penalty_weight if isinstance(self.objective, WganGp) else None

    def critic(self, of_real: Tensor, of_fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The part of the critic's loss that logits (M, B) decide, (M,), and its derivatives by them, (M, B) each."""
        batch = of_real.shape[1]
        if isinstance(self.objective, Gan):
            loss = F.softplus(-of_real).mean(1) + F.softplus(of_fake).mean(1)
            return loss, torch.sigmoid(-of_real) / -batch, torch.sigmoid(of_fake) / batch
        share = 1 / batch
        loss = of_fake.mean(1) - of_real.mean(1)
        return loss, torch.full_like(of_real, -share), torch.full_like(of_fake, share)

    def generator(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's loss (M,), and its derivative by the logits (M, B)."""
        loss = self.objective.generator_loss(logits)
        if isinstance(self.objective, Gan):
            return loss, torch.sigmoid(-logits) / -logits.shape[1]
        return loss, torch.full_like(logits, -1 / logits.shape[1])


def penalty(grad_x: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """weight * mean of (|g| - 1)² for gradients g (M, B, P), (M,), and its derivative by them."""
    norm = torch.sqrt(FLOOR + torch.linalg.vector_norm(grad_x, dim=2, keepdim=True).square())
    above = norm - 1
    return weight * above.square().mean((1, 2)), grad_x * (above / norm * (2 * weight / grad_x.shape[1]))
