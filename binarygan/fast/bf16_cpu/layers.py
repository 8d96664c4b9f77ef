"""Dense layers of one run: what a generator's and a discriminator's have in common, then the discriminator's own.

Shapes: N examples, B batch, F features. The first `own` examples are real and fake images and count for the loss; the
others are the penalty's interpolated ones. `grad_y` is the gradient with respect to y, `tangent` the penalty's gradient
with respect to such a gradient, as in `analytic/stages.py`.
"""

from typing import Any

import torch
from torch import Tensor

from binarygan.fast.bf16_cpu import kernels
from binarygan.fast.bf16_cpu.numbers import bfloat16, bits
from binarygan.fast.bf16_cpu.parameters import Tensors


class Dense:
    """A dense layer's products x (N, in) -> y (N, F), and their gradients.

    Args:
        values: its parameters, read at each call.
        room: where their gradients are written.
    """

    def __init__(self, values: Tensors, room: Tensors, examples: int, own: int) -> None:
        weight = values["weight"]
        (self._y, self._y_bits), (self.grad_linear, self._grad_linear_bits), (self._tangent, self._tangent_bits) = (
            bfloat16(n, len(weight)) for n in (examples, examples, examples - own)
        )
        self._grad_linear_interpolated, self._grad_linear_transposed = self.grad_linear[own:], self.grad_linear.t()
        self._weight_transposed, self._weight, self._bias = weight.t(), weight, values["bias"].numpy()
        self._grad_weight, self._grad_bias, self._own = room["weight"], room["bias"].numpy(), own

    def take(self, x: Tensor) -> None:
        """Read x from this tensor, at every call from now on."""
        self._x, self._x_own, self._x_interpolated = x, x[: self._own], x[self._own :]
        self._x_interpolated_bits = bits(self._x_interpolated)

    def grad_x(self, out: Tensor) -> None:
        """Write the gradient with respect to x."""
        torch.mm(self.grad_linear, self._weight, out=out)

    def penalize(self, weight: float, floor: float) -> float:
        """The penalty of the interpolated examples' grad_x; its tangent replaces their x."""
        torch.mm(self._grad_linear_interpolated, self._weight, out=self._x_interpolated)
        penalty: float = kernels.penalize_(self._x_interpolated_bits, weight, floor)
        return penalty

    def add_up(self) -> None:
        """Write the weight's gradient."""
        torch.mm(self._grad_linear_transposed, self._x, out=self._grad_weight)


class RoundedLayer(Dense):
    """A dense layer with a leaky ReLU. Its output `activated` (N, F) is the next layer's x."""

    def __init__(self, values: Tensors, room: Tensors, examples: int, own: int) -> None:
        super().__init__(values, room, examples, own)
        self.activated = self._y if own == examples else torch.empty_like(self._y)
        self._activated_bits, self._y_own = bits(self.activated), self._y[:own]
        self._y_own_bits = bits(self._y_own)

    def forward(self, epsilon: Any = None) -> None:
        """Compute the activated output.

        Args:
            epsilon: given to the first layer where images are interpolated, (B,): their map is the interpolated map.
        """
        if epsilon is None:
            torch.mm(self._x, self._weight_transposed, out=self.activated)
            kernels.activate_(self._activated_bits, self._bias)
        else:
            torch.mm(self._x_own, self._weight_transposed, out=self._y_own)
            kernels.activate_and_interpolate(self._activated_bits, self._y_own_bits, self._bias, epsilon)

    def backward(self) -> None:
        """Turn the gradient with respect to the activated output, in `grad_linear`, into that of y; the bias's, too."""
        kernels.times_leak_(self._grad_linear_bits, self._activated_bits, self._grad_bias, self._own)

    def replace_interpolated(self) -> None:
        """Carry the tangent in the interpolated examples of x on to those of the activated output."""
        torch.mm(self._x_interpolated, self._weight_transposed, out=self._tangent)
        kernels.replace_times_leak(self._activated_bits, self._tangent_bits, self._own)


class RoundedTop(Dense):
    """The last two layers: a dense one with a leaky ReLU, whose output is float32, and the logits (N,) of that output.

    Args:
        last: the logit's parameters, its weight (1, F), and the room for their gradients.
        logits: where the logits are written.
        grad_logits: the loss's derivatives by them, read at each call.
    """

    def __init__(
        self,
        values: Tensors,
        room: Tensors,
        last: tuple[Tensors, Tensors],
        logits: Tensor,
        grad_logits: Tensor,
        examples: int,
        own: int,
    ) -> None:
        super().__init__(values, room, examples, own)
        self._activated = torch.empty(self._y.shape).numpy()
        (self._last_weight, self._last_bias), (self._grad_last, self._grad_last_bias) = (
            (of["weight"][0].numpy(), of["bias"].numpy()) for of in last
        )
        self._logits, self._grad_logits = logits.numpy(), grad_logits.numpy()

    def forward(self) -> None:
        """Compute the logits."""
        torch.mm(self._x, self._weight_transposed, out=self._y)
        kernels.activate_and_weigh(
            self._logits, self._activated, self._y_bits, self._bias, self._last_weight, self._last_bias
        )

    def backward(self) -> None:
        """Compute the gradients with respect to y and both biases from the logits' derivatives."""
        sums = self._grad_bias, self._grad_last_bias, self._own
        kernels.spread(self._grad_linear_bits, self._activated, self._grad_logits, self._last_weight, *sums)

    def replace_interpolated(self) -> None:
        """Carry the tangent in the interpolated examples of x on to those of the activated output."""
        torch.mm(self._x_interpolated, self._weight_transposed, out=self._tangent)
        kernels.replace_times_leak_float32(self._activated, self._tangent_bits, self._own)

    def add_up(self) -> None:
        super().add_up()
        kernels.add_up(self._grad_last, self._activated, self._grad_logits)
