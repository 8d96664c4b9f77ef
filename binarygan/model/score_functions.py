"""Score-function estimators: they need the losses f of whole samples, and no gradient through the discriminator.

f is the generator's loss of one example (M, B, 1), b an output of all its units, drawn with noise v; the rest is as in
`estimators.py`. In expectation over v all of them are the gradient of E[f]; what differs is the variance, which is
large: they serve to measure the others by, not to train with. Each output costs a forward pass of the discriminator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from binarygan.lazy import torch
from binarygan.model.estimators import ESTIMATORS, ForStochastic, independent

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ScoreFunction(ForStochastic):
    """An estimator of dE[f]/da from the losses of outputs."""

    def outputs(self, b: Tensor, *, p: Tensor, v: Tensor) -> tuple[Tensor, ...]:
        """The outputs whose losses it needs; b = 1[p > v] is the neurons' own."""
        return (b,)

    def grad_x(self, losses: Sequence[Tensor], outputs: Sequence[Tensor], *, x: Tensor, p: Tensor, v: Tensor) -> Tensor:
        """The estimate of dE[f]/dx for each example."""
        raise NotImplementedError


@ESTIMATORS.named("reinforce")
class Reinforce(ScoreFunction):
    """REINFORCE: (f - c) (b - p), with the mean loss of the batch's other examples as baseline c.

    Source: Williams 1992 (doi 10.1007/BF00992696).
    """

    label = "REINFORCE"

    def grad_x(self, losses: Sequence[Tensor], outputs: Sequence[Tensor], *, x: Tensor, p: Tensor, v: Tensor) -> Tensor:
        [f], [b] = losses, outputs
        others = (f.sum(1, keepdim=True) - f) / max(f.shape[1] - 1, 1)
        return (f - others) * (b - p)


@ESTIMATORS.named("leave-one-out")
class LeaveOneOut(ScoreFunction):
    """Two independent samples, each the other's baseline: (f1 - f2) (b1 - b2) / 2. Source: Kool et al. 2019."""

    label = "leave-one-out"

    def outputs(self, b: Tensor, *, p: Tensor, v: Tensor) -> tuple[Tensor, ...]:
        return b, (p > independent(p, b, v)).to(b.dtype)

    def grad_x(self, losses: Sequence[Tensor], outputs: Sequence[Tensor], *, x: Tensor, p: Tensor, v: Tensor) -> Tensor:
        return (losses[0] - losses[1]) * (outputs[0] - outputs[1]) / 2


class Antithetic(ScoreFunction):
    """Two outputs of opposite noise: b1 = 1[u > 1 - p] and b2 = 1[u < p] with u = 1 - v."""

    def outputs(self, b: Tensor, *, p: Tensor, v: Tensor) -> tuple[Tensor, ...]:
        return b, (1 - v < p).to(b.dtype)


@ESTIMATORS.named("arm")
class Arm(Antithetic):
    """ARM: (f1 - f2) (u - 1/2). Source: Yin & Zhou 2019 (arXiv 1807.11143)."""

    label = "ARM"

    def grad_x(self, losses: Sequence[Tensor], outputs: Sequence[Tensor], *, x: Tensor, p: Tensor, v: Tensor) -> Tensor:
        return (losses[0] - losses[1]) * (0.5 - v)


@ESTIMATORS.named("disarm")
class DisArm(Antithetic):
    """DisARM: (f1 - f2) (b1 - b2) sigmoid(|x|) / 2. Source: Dong et al. 2020 (arXiv 2006.10680)."""

    label = "DisARM"

    def grad_x(self, losses: Sequence[Tensor], outputs: Sequence[Tensor], *, x: Tensor, p: Tensor, v: Tensor) -> Tensor:
        return (losses[0] - losses[1]) * (outputs[0] - outputs[1]) * torch.sigmoid(x.abs()) / 2
