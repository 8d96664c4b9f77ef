"""A discriminator's layers, of one member.

Shapes: N examples, of which the first `own` count for the loss and the others are the penalty's mixed ones; B batch,
F features.
"""

from typing import Any

import torch
from torch import Tensor

from binarygan.fast.bf16_cpu import kernels
from binarygan.fast.bf16_cpu.numbers import bits
from binarygan.fast.bf16_cpu.parameters import Tensors


class _Dense:
    """The products of a dense layer, x (N, in) -> y (N, F), and their derivatives.

    Args:
        values: its parameters, seen as they are at the time.
        room: for their gradients.
    """

    def __init__(self, values: Tensors, room: Tensors, examples: int, own: int) -> None:
        weight = values["weight"]
        self._y, self.by_linear, self._ahead = (
            torch.empty(n, len(weight), dtype=torch.bfloat16) for n in (examples, examples, examples - own)
        )
        self._y_bits, self._by_linear_bits, self._ahead_bits = (bits(t) for t in (self._y, self.by_linear, self._ahead))
        self._by_linear_mixed, self._by_linear_transposed = self.by_linear[own:], self.by_linear.t()
        self._forth, self._back, self._bias = weight.t(), weight, values["bias"].numpy()
        self._by_weight, self._by_bias, self._own = room["weight"], room["bias"].numpy(), own

    def take(self, x: Tensor) -> None:
        """What to start from, now and later."""
        self._x, self._x_own, self._x_mixed = x, x[: self._own], x[self._own :]
        self._x_mixed_bits = bits(self._x_mixed)

    def by_x(self, out: Tensor) -> None:
        """The derivatives by x."""
        torch.mm(self.by_linear, self._back, out=out)

    def penalize(self, weight: float, floor: float) -> float:
        """The penalty of the derivatives by the mixed ones, in whose place come its own by these."""
        torch.mm(self._by_linear_mixed, self._back, out=self._x_mixed)
        penalty: float = kernels.penalize_(self._x_mixed_bits, weight, floor)
        return penalty

    def add_up(self) -> None:
        """The weight's gradient."""
        torch.mm(self._by_linear_transposed, self._x, out=self._by_weight)


class RoundedLayer(_Dense):
    """A dense layer with a leaky ReLU, whose output `activated` (N, F) another takes."""

    def __init__(self, values: Tensors, room: Tensors, examples: int, own: int) -> None:
        super().__init__(values, room, examples, own)
        self.activated = self._y if own == examples else torch.empty_like(self._y)
        self._activated_bits, self._y_own = bits(self.activated), self._y[:own]
        self._y_own_bits = bits(self._y_own)

    def forward(self, mixing: Any = None) -> None:
        """With `mixing` (B,), for a first layer alone, mixed ones are e real + (1 - e) fake, as their products are."""
        if mixing is None:
            torch.mm(self._x, self._forth, out=self.activated)
            kernels.activate_(self._activated_bits, self._bias)
        else:
            torch.mm(self._x_own, self._forth, out=self._y_own)
            kernels.activate_mixed(self._activated_bits, self._y_own_bits, self._bias, mixing)

    def backward(self) -> None:
        """From derivatives by the activated output, in `by_linear`, to those by the product; the bias's gradient."""
        kernels.times_slope_(self._by_linear_bits, self._activated_bits, self._by_bias, self._own)

    def go_ahead(self) -> None:
        """From the penalty's derivatives in x's mixed ones to the next layer's, in the activated output's."""
        torch.mm(self._x_mixed, self._forth, out=self._ahead)
        kernels.replace_times_slope(self._activated_bits, self._ahead_bits, self._own)


class RoundedTop(_Dense):
    """The last two layers: a dense one with a leaky ReLU, whose output is float32, and the logits (N,) of that.

    Args:
        last: the logit's parameters and room, its weight (1, F).
        logits: room for them.
        slopes: the loss's derivatives by them.
    """

    def __init__(
        self,
        values: Tensors,
        room: Tensors,
        last: tuple[Tensors, Tensors],
        logits: Tensor,
        slopes: Tensor,
        examples: int,
        own: int,
    ) -> None:
        super().__init__(values, room, examples, own)
        self._activated = torch.empty(self._y.shape).numpy()
        (self._weight, self._last_bias), (self._by_last, self._by_last_bias) = (
            (of["weight"][0].numpy(), of["bias"].numpy()) for of in last
        )
        self._logits, self._slopes = logits.numpy(), slopes.numpy()

    def forward(self) -> None:
        torch.mm(self._x, self._forth, out=self._y)
        kernels.activate_and_weigh(
            self._logits, self._activated, self._y_bits, self._bias, self._weight, self._last_bias
        )

    def backward(self) -> None:
        """From the logits' derivatives to those by the product; the biases' gradients."""
        sums = self._by_bias, self._by_last_bias, self._own
        kernels.spread(self._by_linear_bits, self._activated, self._slopes, self._weight, *sums)

    def go_ahead(self) -> None:
        """From the penalty's derivatives in x's mixed ones to the logit's, in the activated output's."""
        torch.mm(self._x_mixed, self._forth, out=self._ahead)
        kernels.replace_times_slope_exactly(self._activated, self._ahead_bits, self._own)

    def add_up(self) -> None:
        super().add_up()
        kernels.add_up(self._by_last, self._activated, self._slopes)
