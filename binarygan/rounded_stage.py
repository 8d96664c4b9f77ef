"""A dense layer without a norm whose values are in bfloat16 between its products, on a CPU: gradients by hand.

Shapes: M members, B batch, N examples, rows (M, N, F).
"""

import torch
from torch import Tensor

from binarygan.bfloat16_kernels import activate_, activate_mixed, add_up, bits, penalize_, times_slope_
from binarygan.layers import to_rows
from binarygan.networks import Parameters
from binarygan.objectives import FLOOR
from binarygan.products import operand, product


class RoundedStage:
    """What `DenseStage` does, for such a layer with a leaky ReLU, but that more is rounded.

    That is what a next layer takes that multiplies in float32, and the derivatives that a bias's gradient adds up.
    """

    def __init__(self, own: Parameters) -> None:
        self.members, self._type = len(own["weight"]), own["weight"].dtype
        self._weight, self._bias = operand(own["weight"].detach(), torch.bfloat16), own["bias"].detach().numpy()

    def forward(self, x: Tensor, mixing: Tensor | None) -> Tensor:
        self._x = operand(to_rows(x, self.members).contiguous(), torch.bfloat16)
        if mixing is None:
            self._activated = _product(self._x, self._weight)
            activate_(bits(self._activated), self._bias)
        else:
            examples = self._x.shape[1]
            y = _product(self._x[:, : examples // 3 * 2], self._weight)
            self._activated = y.new_empty(self.members, examples, y.shape[2])
            activate_mixed(bits(self._activated), bits(y), self._bias, mixing.squeeze(2).numpy())
        return self._activated

    def backward(self, by_activated: Tensor) -> None:
        self._by_linear = operand(by_activated.contiguous(), torch.bfloat16)
        times_slope_(bits(self._by_linear), bits(self._activated), 0)

    def transposed(self, examples: slice) -> Tensor:
        return _product(self._by_linear[:, examples], self._weight.mT)

    def replace_mixed(self, ahead: Tensor, own: int) -> Tensor:
        mixed = self._x[:, own:]
        mixed.copy_(to_rows(ahead, self.members))
        t = _product(mixed, self._weight)
        times_slope_(bits(t), bits(self._activated), own)
        return t

    def gradients(self, own: int) -> list[Tensor]:
        by_bias = torch.zeros(self._bias.shape)
        add_up(bits(self._by_linear), by_bias.numpy(), own)
        return [_product(self._by_linear.mT, self._x).mT.to(self._type), by_bias]


def rounded_penalty_of(gradient: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """`objectives.penalty_of` for gradients in bfloat16, in whose place it puts the derivative."""
    penalty = torch.empty(len(gradient))
    penalize_(bits(gradient), penalty.numpy(), weight, FLOOR)
    return penalty, gradient


def _product(a: Tensor, b: Tensor) -> Tensor:
    """`product`, sooner for one member."""
    return torch.mm(a[0], b[0]).unsqueeze(0) if len(a) == 1 else product(a, b)
