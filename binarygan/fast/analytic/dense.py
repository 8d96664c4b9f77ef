"""A dense layer of a piecewise-linear network with its norm and activation: gradients by hand.

Shapes: M members, B batch, N examples, rows (M, N, F).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.arithmetic.products import multiply, multiply_add, operand, operands_of_layer, weight_gradient
from binarygan.fast.analytic.stages import GAIN, times_slope_
from binarygan.model.architectures import Layer
from binarygan.model.layers import LEAK, to_rows
from binarygan.model.networks import Parameters


class DenseStage:
    """x -> linear -> normed -> activated.

    Args:
        own: weight, bias and, with an affine norm, scale and shift.
        operands: what the operands of products are cast to.
    """

    def __init__(self, layer: Layer, own: Parameters, operands: torch.dtype | None) -> None:
        weight = own["weight"]
        self.members, self._own = len(weight), own
        self._activates = layer.activation != "none"
        self._operands = operands_of_layer(layer, operands)
        self._weight = operand(weight, self._operands)
        self._gain = own["scale"].unsqueeze(1) * GAIN if layer.norm == "affine" else None
        self._by_penalty: Tensor | None = None

    def forward(self, x: Tensor, mixing: Tensor | None) -> Tensor:
        self._x = to_rows(x, self.members).contiguous().to(self._weight.dtype)  # of maps members lie side by side
        y = multiply_add(self._own["bias"], self._x if mixing is None else _unmixed(self._x), self._weight)
        if mixing is not None:  # the map of a mix is the mix of the maps
            y = _with_mixed(y, mixing)
        self._linear = y
        if self._gain is not None:
            y = torch.addcmul(self._own["shift"].unsqueeze(1), y, self._gain)
        self._activated = F.leaky_relu_(y, LEAK) if self._activates else y
        return self._activated

    def backward(self, by_activated: Tensor) -> None:
        d = times_slope_(by_activated, self._activated) if self._activates else by_activated
        self._by_normed = d
        self._by_linear = operand(d if self._gain is None else d * self._gain, self._operands)

    def transposed(self, examples: slice) -> Tensor:
        return multiply(self._by_linear[:, examples], self._weight.mT)

    def replace_mixed(self, ahead: Tensor, own: int) -> Tensor:
        mixed = self._x[:, own:]
        mixed.copy_(to_rows(ahead, self.members))
        t = multiply(mixed, self._weight)
        if self._gain is not None:
            self._by_penalty = t
            t = t * self._gain
        return times_slope_(t, self._activated[:, own:]) if self._activates else t

    def gradients(self, own: int) -> list[Tensor]:
        weight = weight_gradient(self._x, self._by_linear, self._weight).to(self._own["weight"].dtype)
        by_shift = self._by_normed[:, :own].sum(1)
        if self._gain is None:
            return [weight, by_shift]
        by_scale = (self._by_normed[:, :own] * self._linear[:, :own]).sum(1)
        if self._by_penalty is not None:
            by_scale = by_scale + (self._by_normed[:, own:] * self._by_penalty).sum(1)
        return [weight, by_shift * self._own["scale"] * GAIN, by_scale * GAIN, by_shift]


def _unmixed(x: Tensor) -> Tensor:
    """Real and fake of rows (M, 3 B, F)."""
    return x[:, : x.shape[1] // 3 * 2]


def _with_mixed(y: Tensor, mixing: Tensor) -> Tensor:
    """Rows (M, 2 B, F) of real and fake followed by e real + (1 - e) fake."""
    real, fake = y.chunk(2, 1)
    three = y.new_empty(len(y), 3 * real.shape[1], y.shape[2])
    three[:, : y.shape[1]] = y
    torch.lerp(fake, real, mixing, out=three[:, y.shape[1] :])
    return three
