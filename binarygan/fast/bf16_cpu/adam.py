"""Adam on a CPU for weights whose products are in bfloat16: one pass over a weight's numbers instead of three."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from torch import Tensor

from binarygan.fast.bf16_cpu.numbers import bits, compiled, rounded, wide
from binarygan.training.optimizers import TensorFlowAdam

RULE = "UniTuple(f4, 5)"
"""The rate, beta1, beta2, 1 - beta2 and epsilon."""


@njit
def _adam(w: Any, by: Any, m: Any, v: Any, rate: Any, beta1: Any, beta2: Any, rest2: Any, epsilon: Any) -> Any:
    """Weight and moments after one step, w := w - rate m / (sqrt(v) + epsilon); rest2 is 1 - beta2."""
    m = by + beta1 * (m - by)
    v = beta2 * v + rest2 * by * by
    return w - rate * m / (np.sqrt(v) + epsilon), m, v


@compiled(f"void(f4[::1], f4[::1], f4[::1], f4[::1], {RULE})")
def adam_(parameter: Any, gradient: Any, mean: Any, mean_square: Any, rule: Any) -> None:
    """One step of Adam for n numbers."""
    for i in range(parameter.size):
        parameter[i], mean[i], mean_square[i] = _adam(parameter[i], gradient[i], mean[i], mean_square[i], *rule)


@compiled(f"void(f4[::1], u2[::1], f4[::1], f4[::1], {RULE}, u2[::1])")
def adam_rounding_(parameter: Any, gradient: Any, mean: Any, mean_square: Any, rule: Any, copy: Any) -> None:
    """The same from a gradient in bfloat16; the parameter's bfloat16 copy is updated, too."""
    for i in range(parameter.size):
        by = wide(gradient[i])
        parameter[i], mean[i], mean_square[i] = _adam(parameter[i], by, mean[i], mean_square[i], *rule)
        copy[i] = rounded(parameter[i])


class RoundingAdam(TensorFlowAdam):
    """Takes the gradients of some parameters in bfloat16, and keeps bfloat16 copies of these parameters.

    Parameters and states are TensorFlowAdam's, to rounding.

    Args:
        parameters: float32, on a CPU.
        copied: of each, whether it has a copy.
    """

    def __init__(
        self, parameters: Sequence[Tensor], copied: Sequence[bool], *, lr: float, betas: tuple[float, float]
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas)
        copies = [t.bfloat16() for t in self._own]
        self.operands = [
            copy.requires_grad_() if flag else parameter
            for parameter, copy, flag in zip(parameters, self._named(copies), copied, strict=True)
        ]
        lying = zip(self._own, *self._kept.values(), strict=True)
        self._updated = [[t.flatten().numpy() for t in each] for each in lying]
        self._copies = [bits(c.detach().flatten()) if flag else None for c, flag in zip(copies, copied, strict=True)]
        self._seen: list[Tensor] = []
        self._arrays: list[Any] = []

    def update(self, gradients: Sequence[Tensor]) -> None:
        self._steps += 1
        self._kernel_arguments()
        assert self._count is not None
        beta1, beta2 = self._betas
        rate = self._lr * (1 - beta2**self._count) ** 0.5 / (1 - beta1**self._count)
        rule = tuple(map(np.float32, (rate, beta1, beta2, 1 - beta2, self._epsilon)))
        by = self._arrays_of(gradients)
        for (parameter, mean, mean_square), copy, own in zip(self._updated, self._copies, by, strict=True):
            if copy is None:
                adam_(parameter, own, mean, mean_square, rule)
            else:
                adam_rounding_(parameter, own, mean, mean_square, rule, copy)

    def _arrays_of(self, gradients: Sequence[Tensor]) -> list[Any]:
        """NumPy views of the gradients; made once where the same tensors come again with new numbers."""
        if len(self._seen) == len(gradients) and all(a is b for a, b in zip(self._seen, gradients, strict=True)):
            return self._arrays
        lying = [t.flatten() for t in self._as_they_lie(gradients)]
        in_place = all(a.data_ptr() == b.data_ptr() for a, b in zip(lying, gradients, strict=True))
        self._seen = [*gradients] if in_place else []
        self._arrays = [t.numpy() if copy is None else bits(t) for t, copy in zip(lying, self._copies, strict=True)]
        return self._arrays
