"""Binary neurons and their sigmoid-adjusted straight-through gradient.

Shapes: M members, B batch, N output units.
"""

from typing import Any

import torch
from torch import Tensor


def _output(p: Tensor, threshold: Tensor, real: Tensor | None) -> Tensor:
    """1[p > threshold], or p itself where `real`."""
    binary = (p > threshold).to(p.dtype)
    return binary if real is None else torch.where(real, p, binary)


class _BinaryNeuron(torch.autograd.Function):
    """Forward 1[p > threshold] (or p itself), p = sigmoid(s a); backward db/da := s p (1 - p), whatever the forward."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, slope: Tensor, threshold: Tensor, real: Tensor | None) -> Tensor:
        p = torch.sigmoid(slope * a)
        ctx.save_for_backward(p, slope)
        return _output(p, threshold, real)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        p, slope = ctx.saved_tensors
        return grads[0] * slope * p * (1 - p), None, None, None


def binary_neuron(a: Tensor, *, slope: Tensor, threshold: Tensor, real: Tensor | None = None) -> Tensor:
    """Output b of binary neurons with the sigmoid-adjusted straight-through gradient.

    b = 1[p > threshold], p = sigmoid(s a); where `real`, b = p. In all cases db/da := s p (1 - p).
    A deterministic neuron has threshold 0.5, a stochastic one uniform noise v, drawn anew for each forward pass.

    Args:
        a: real-valued input of the output layer, (M, B, N).
        slope: s, broadcast against `a`; (M, 1, 1) in a cohort.
        threshold: broadcast against `a`.
        real: boolean, broadcast against `a`: members whose output stays real-valued; None for none of them.

    Source: Dong & Yang 2018, section 3; the estimator is Bengio et al. 2013 (arXiv 1308.3432) as adjusted by
    Chung et al. 2016 (arXiv 1609.01704).

    >>> a = torch.tensor([[[-1.0, 0.0, 1.0]]], requires_grad=True)
    >>> binary_neuron(a, slope=torch.ones(1, 1, 1), threshold=torch.tensor(0.5))
    tensor([[[0., 0., 1.]]], grad_fn=<_BinaryNeuronBackward>)
    """
    result: Tensor = _BinaryNeuron.apply(a, slope, threshold, real)
    return result


def slope_at(rate: float, epoch: int) -> float:
    """Slope s in an epoch counted from 1: rate ** (epoch - 1), so 1 in the first.

    >>> slope_at(1.1, 1), round(slope_at(1.1, 3), 4)
    (1.0, 1.21)
    """
    return float(rate ** (epoch - 1))


class Neurons:
    """The output neurons of a cohort: which members are deterministic, stochastic or real-valued, at which slope.

    Args:
        kinds: `deterministic`, `stochastic` or `real` for each of M members.
        slopes: s for each member.
    """

    def __init__(self, kinds: list[str], slopes: list[float], *, device: torch.device, dtype: torch.dtype) -> None:
        self.stochastic = [i for i, kind in enumerate(kinds) if kind == "stochastic"]
        self._all_stochastic = len(self.stochastic) == len(kinds)
        self.slope = torch.tensor(slopes, device=device, dtype=dtype).view(-1, 1, 1)
        real = torch.tensor([kind == "real" for kind in kinds], device=device).view(-1, 1, 1)
        self._real = real if "real" in kinds else None
        self._half = torch.tensor(0.5, device=device, dtype=dtype)
        self._rows = torch.tensor(self.stochastic, device=device)

    def __call__(self, a: Tensor, thresholds: Tensor | None) -> Tensor:
        """b for `a` (M, B, N); `thresholds` (S, B, N) is v of the S stochastic members, None where there are none."""
        return binary_neuron(a, slope=self.slope, threshold=self._of_all(a, thresholds), real=self._real)

    def preactivated(self, a: Tensor) -> Tensor:
        """p = sigmoid(s a), (M, B, N), without a gradient: what `fired` makes b of, as often as v is drawn anew."""
        return torch.sigmoid(self.slope * a.detach())

    def fired(self, p: Tensor, thresholds: Tensor | None) -> Tensor:
        """b for `p` of `preactivated`."""
        return _output(p, self._of_all(p, thresholds), self._real)

    def _of_all(self, like: Tensor, thresholds: Tensor | None) -> Tensor:
        """Thresholds of all members: v of the stochastic ones, 0.5 of the others."""
        if thresholds is None or self._all_stochastic:
            return self._half if thresholds is None else thresholds
        return torch.full_like(like, 0.5).index_copy_(0, self._rows, thresholds)
