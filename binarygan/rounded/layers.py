"""A discriminator's layers, of one member.

Shapes: N examples, of which the first `own` count for the loss and the others are the penalty's mixed ones; B batch,
F features.
"""

from typing import Any

import torch
from torch import Tensor

from binarygan.rounded import kernels
from binarygan.rounded.numbers import bits
from binarygan.rounded.parameters import Tensors


class RoundedLayer:
    """A dense layer and its leaky ReLU: x (N, in) -> activated (N, F).

    Args:
        values: its parameters, seen as they are at the time.
        room: for their gradients.
    """

    def __init__(self, values: Tensors, room: Tensors, examples: int, own: int) -> None:
        weight = values["weight"]
        self.activated, self.by_linear, self._unmixed, self._ahead = (
            torch.empty(n, len(weight), dtype=torch.bfloat16) for n in (examples, examples, own, examples - own)
        )
        self._activated_bits, self._by_linear_bits = bits(self.activated), bits(self.by_linear)
        self._unmixed_bits, self._ahead_bits = bits(self._unmixed), bits(self._ahead)
        self._by_linear_mixed, self._by_linear_transposed = self.by_linear[own:], self.by_linear.t()
        self._forth, self._back, self._bias = weight.t(), weight, values["bias"].numpy()
        self._by_weight, self._by_bias, self._own = room["weight"], room["bias"].numpy(), own

    def take(self, x: Tensor) -> None:
        """What `forward` starts from, now and later."""
        self._x, self._x_own, self._x_mixed = x, x[: self._own], x[self._own :]
        self._x_mixed_bits = bits(self._x_mixed)

    def forward(self, mixing: Any = None) -> None:
        """With `mixing` (B,), for a first layer alone, mixed ones are e real + (1 - e) fake, as their products are."""
        if mixing is None:
            torch.mm(self._x, self._forth, out=self.activated)
            kernels.activate_(self._activated_bits, self._bias)
        else:
            torch.mm(self._x_own, self._forth, out=self._unmixed)
            kernels.activate_mixed(self._activated_bits, self._unmixed_bits, self._bias, mixing)

    def backward(self) -> None:
        """From derivatives by the activated output, in `by_linear`, to those by the product; the bias's gradient."""
        kernels.times_slope_(self._by_linear_bits, self._activated_bits, self._by_bias, self._own)

    def by_x(self, out: Tensor) -> None:
        """The derivatives by x."""
        torch.mm(self.by_linear, self._back, out=out)

    def penalize(self, weight: float, floor: float) -> float:
        """The penalty of the derivatives by the mixed ones, in whose place come its own by these."""
        torch.mm(self._by_linear_mixed, self._back, out=self._x_mixed)
        penalty: float = kernels.penalize_(self._x_mixed_bits, weight, floor)
        return penalty

    def go_ahead(self) -> None:
        """From the penalty's derivatives in x's mixed ones to the next layer's, in the activated output's."""
        torch.mm(self._x_mixed, self._forth, out=self._ahead)
        kernels.replace_times_slope(self._activated_bits, self._ahead_bits, self._own)

    def add_up(self) -> None:
        """The weight's gradient."""
        torch.mm(self._by_linear_transposed, self._x, out=self._by_weight)


class RoundedLogit:
    """The last layer, in float32: x (N, F), which is `activated` of the one before it, -> logits (N,).

    Args:
        values, room: as above, with weight (1, F).
        logits: room for them.
        slopes: the loss's derivatives by them.
    """

    def __init__(
        self, values: Tensors, room: Tensors, before: RoundedLayer, logits: Tensor, slopes: Tensor, own: int
    ) -> None:
        self._x, self._by_x, self._own = bits(before.activated), bits(before.by_linear), own
        self._weight, self._bias = values["weight"][0].numpy(), values["bias"].numpy()
        self._by_weight, self._by_bias = room["weight"][0].numpy(), room["bias"].numpy()
        self._logits, self._slopes = logits.numpy(), slopes.numpy()

    def forward(self) -> None:
        kernels.weigh(self._logits, self._x, self._weight, self._bias)

    def backward(self) -> None:
        """The derivatives by x, and the bias's gradient."""
        kernels.spread(self._by_x, self._slopes, self._weight, self._by_bias, self._own)

    def add_up(self) -> None:
        """The weight's gradient."""
        kernels.add_up(self._by_weight, self._x, self._slopes)
