"""A plugin: the hinge objective, as a study of your own would add it (Lim and Ye 2017, arXiv 1705.02894)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from binarygan.model.objectives import OBJECTIVES, Critic, Objective, logits_of_both
from binarygan.registry import parameter


@OBJECTIVES.named("hinge")
@dataclass(frozen=True, kw_only=True)
class Hinge(Objective):
    """D: E relu(margin - D(x)) + E relu(margin + D(G(z))); G: -E D(G(z))."""

    margin: float = parameter("how far from 0 the critic has to keep real and fake images", default=1.0, above=0)
    label = "hinge"

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
        of_real, of_fake = logits_of_both(critic, real=real, fake=fake)
        return torch.relu(self.margin - of_real).mean(1) + torch.relu(self.margin + of_fake).mean(1)

    def generator_loss(self, logits: Tensor) -> Tensor:
        return -logits.mean(1)
