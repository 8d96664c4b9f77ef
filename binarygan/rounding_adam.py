"""Adam on a CPU for weights whose products are in bfloat16: one pass over a weight's numbers instead of three."""

from collections.abc import Sequence

from torch import Tensor

from binarygan.bfloat16_kernels import adam_, bits
from binarygan.optimizers import TensorFlowAdam


class RoundingAdam(TensorFlowAdam):
    """Takes the gradients of some parameters in bfloat16, and keeps a copy of these in it.

    Parameters and states are TensorFlowAdam's, to rounding.

    Args:
        parameters: float32, on a CPU.
        rounded: of each, whether it has a copy.
    """

    def __init__(
        self, parameters: Sequence[Tensor], rounded: Sequence[bool], *, lr: float, betas: tuple[float, float]
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas)
        own, copies = self._parameters.tensors, [t.bfloat16() for t in self._parameters.tensors]
        named = self._parameters.named(copies)
        self.operands = [
            copy.requires_grad_() if flag else parameter
            for parameter, copy, flag in zip(parameters, named, rounded, strict=True)
        ]
        self._others = [place for place, flag in enumerate(rounded) if not flag]
        self._of_others = tuple([t[i] for i in self._others] for t in (own, self._means, self._mean_squares))
        self._arrays = {
            place: (
                *(t[place].flatten().numpy() for t in (own, self._means, self._mean_squares)),
                bits(copies[place].detach().flatten()),
            )
            for place, flag in enumerate(rounded)
            if flag
        }

    def update(self, gradients: Sequence[Tensor]) -> None:
        given = self._parameters.as_they_lie(gradients)
        told = self._next_step()
        assert self._count is not None
        beta1, beta2 = self._betas
        rate = self._lr * (1 - beta2**self._count) ** 0.5 / (1 - beta1**self._count)
        for place, (parameter, mean, mean_square, copy) in self._arrays.items():
            by = bits(given[place].flatten())
            adam_(parameter, by, mean, mean_square, copy, rate, beta1, beta2, 1 - beta2, self._epsilon)
        others, means, mean_squares = self._of_others
        self._move(others, [given[i] for i in self._others], means, mean_squares, told)
