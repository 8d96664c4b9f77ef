"""The output neurons of a cohort, with their gradient: the neurons' outputs forward, the estimator backward.

Shapes: M runs, S of them with neurons that draw noise, B batch, N output units.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from binarygan.model.estimators import Estimator
from binarygan.model.neurons import Neuron


class OutputLayer:
    """The output neurons of M runs, each of its own kind and slope.

    Args:
        neurons: of each run.
        slopes: s of each run.
    """

    def __init__(
        self,
        neurons: Sequence[Neuron],
        estimator: Estimator,
        slopes: Sequence[float],
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.estimator = estimator
        self.slope = torch.tensor(slopes, device=device, dtype=dtype).view(-1, 1, 1)
        self.noisy = [m for m, neuron in enumerate(neurons) if neuron.draws_noise]
        """Indices of the runs whose neurons draw noise: S of them, in the order of their noise."""
        kinds = list(dict.fromkeys(neurons))
        members = {kind: [m for m, neuron in enumerate(neurons) if neuron == kind] for kind in kinds}
        among_noisy = {m: i for i, m in enumerate(self.noisy)}
        self._only = kinds[0] if len(kinds) == 1 else None
        self._groups = [
            (
                kind,
                torch.tensor(own, device=device),
                torch.tensor([among_noisy[m] for m in own], device=device) if kind.draws_noise else None,
            )
            for kind, own in members.items()
        ]
        self._noisy_rows = torch.tensor(self.noisy, device=device)

    def set_slopes(self, slopes: Sequence[float]) -> None:
        """Take over other slopes, in place: what was recorded with the old ones goes on with these."""
        self.slope.copy_(torch.tensor(slopes, dtype=self.slope.dtype).view(-1, 1, 1))

    def __call__(self, a: Tensor, v: Tensor | None) -> Tensor:
        """b for `a` (M, B, N), with the estimator's gradient; v is (S, B, N), None where no run draws noise."""
        result: Tensor = _Output.apply(a, self, v)
        return result

    def preactivated(self, a: Tensor) -> Tensor:
        """p (M, B, N), without a gradient."""
        x = self.slope * a.detach()
        if self._only is not None:
            return self._only.preactivated(x)
        if all(type(kind).preactivated is Neuron.preactivated for kind, _, _ in self._groups):
            return self._groups[0][0].preactivated(x)
        p = torch.empty_like(x)
        for kind, rows, _ in self._groups:
            p.index_copy_(0, rows, kind.preactivated(x.index_select(0, rows)))
        return p

    def output(self, a: Tensor, p: Tensor, v: Tensor | None) -> Tensor:
        """What the discriminator sees for `a` and its p (`preactivated`), without a gradient: as often as v is drawn
        anew."""
        if self.estimator.relaxes:
            return self.estimator.relaxed_output(a=a.detach(), slope=self.slope, v=self.noise_of_all(v, p))
        return self.binary_output(p, v)

    def binary_output(self, p: Tensor, v: Tensor | None) -> Tensor:
        """b of the neurons themselves."""
        if self._only is not None:
            return self._only.output(p, v)
        b = torch.empty_like(p)
        for kind, rows, own_noise in self._groups:
            noise = None if own_noise is None or v is None else v.index_select(0, own_noise)
            b.index_copy_(0, rows, kind.output(p.index_select(0, rows), noise))
        return b

    def noise_of_all(self, v: Tensor | None, like: Tensor) -> Tensor | None:
        """v by run (M, B, N), NaN where a run draws none."""
        if v is None or len(self.noisy) == len(like):
            return v
        return torch.full_like(like, torch.nan).index_copy_(0, self._noisy_rows, v)


class _Output(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, layer: OutputLayer, v: Tensor | None) -> Tensor:
        p = layer.preactivated(a)
        b = layer.output(a, p, v)
        ctx.layer = layer
        ctx.save_for_backward(a, p, b, v)
        return b

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        a, p, b, v = ctx.saved_tensors
        layer: OutputLayer = ctx.layer
        noise = layer.noise_of_all(v, p)
        return layer.estimator.grad_a(grads[0], a=a, p=p, slope=layer.slope, b=b, v=noise), None, None
