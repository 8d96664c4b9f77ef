"""A dense layer with its norm and leaky ReLU, with gradients derived by hand.

Shapes: M runs, B batch, N examples, rows (M, N, F).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.arithmetic.products import multiply, multiply_add, operand, weight_gradient
from binarygan.fast.analytic.stages import GAIN, times_leak_
from binarygan.model.activations import LEAK
from binarygan.model.architectures import Layer
from binarygan.model.layers import operands_of_layer, to_rows
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
        self._gain = own["scale"].unsqueeze(1) * GAIN if "scale" in own else None
        self._tangent_of_linear: Tensor | None = None

    def forward(self, x: Tensor, epsilon: Tensor | None) -> Tensor:
        self._x = to_rows(x, self.members).contiguous().to(self._weight.dtype)  # of maps, runs lie side by side
        given = self._x if epsilon is None else self._x[:, : self._x.shape[1] // 3 * 2]
        y = multiply_add(self._own["bias"], given, self._weight)
        if epsilon is not None:  # a linear map of interpolated examples interpolates the maps of the examples
            y = _with_interpolated(y, epsilon)
        self._linear = y
        if self._gain is not None:
            y = torch.addcmul(self._own["shift"].unsqueeze(1), y, self._gain)
        self._activated = F.leaky_relu_(y, LEAK) if self._activates else y
        return self._activated

    def backward(self, grad_activated: Tensor) -> None:
        d = times_leak_(grad_activated, self._activated) if self._activates else grad_activated
        self._grad_normed = d
        self._grad_linear = operand(d if self._gain is None else d * self._gain, self._operands)

    def grad_x(self, examples: slice) -> Tensor:
        return multiply(self._grad_linear[:, examples], self._weight.mT)

    def replace_interpolated(self, tangent: Tensor, own: int) -> Tensor:
        interpolated = self._x[:, own:]
        interpolated.copy_(to_rows(tangent, self.members))
        t = multiply(interpolated, self._weight)
        if self._gain is not None:
            self._tangent_of_linear = t
            t = t * self._gain
        return times_leak_(t, self._activated[:, own:]) if self._activates else t

    def gradients(self, own: int) -> list[Tensor]:
        weight = weight_gradient(self._x, self._grad_linear, self._weight).to(self._own["weight"].dtype)
        shift = self._grad_normed[:, :own].sum(1)
        if self._gain is None:
            return [weight, shift]
        scale = (self._grad_normed[:, :own] * self._linear[:, :own]).sum(1)
        if self._tangent_of_linear is not None:
            scale = scale + (self._grad_normed[:, own:] * self._tangent_of_linear).sum(1)
        return [weight, shift * self._own["scale"] * GAIN, scale * GAIN, shift]


def _with_interpolated(y: Tensor, epsilon: Tensor) -> Tensor:
    """Rows (M, 2B, F) of real and fake examples, followed by epsilon real + (1 - epsilon) fake."""
    real, fake = y.chunk(2, 1)
    three = y.new_empty(len(y), 3 * real.shape[1], y.shape[2])
    three[:, : y.shape[1]] = y
    torch.lerp(fake, real, epsilon, out=three[:, y.shape[1] :])
    return three
