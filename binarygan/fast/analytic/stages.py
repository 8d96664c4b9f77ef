"""Stages of a piecewise-linear network: a layer with weights and what follows it, with gradients derived by hand.

Shapes: M runs, B batch, N examples, P = 784 pixels. Activations are rows (M, N, F) or maps (N, M*C, H, W), as in
model/layers.py.

Names: `grad_y` is the loss's gradient with respect to y. For the interpolated examples, whose logits themselves are
differentiated, it is the logit's. `tangent` is the penalty's gradient with respect to such a `grad_y`.
"""

from typing import Protocol

import torch
from torch import Tensor

from binarygan.model.activations import LEAK
from binarygan.model.norms import EPSILON

GAIN = (1 + EPSILON) ** -0.5
"""What the affine norm multiplies with, beside its learned scale."""


class Stage(Protocol):
    """One layer with weights. It keeps what the gradients need, and may write into the x that `forward` was given."""

    members: int

    def forward(self, x: Tensor, epsilon: Tensor | None) -> Tensor:
        """The activated output of x.

        Args:
            epsilon: given to the first stage alone, and only where images are interpolated, (M, B, 1). Then x is
                (M, 3B, P): real images, fake images, and room for the interpolated ones, which the stage fills in.
        """

    def backward(self, grad_activated: Tensor) -> None:
        """Take the gradient with respect to the activated output; the stage may change that tensor."""

    def grad_x(self, examples: slice) -> Tensor:
        """The gradient with respect to these examples of x."""

    def replace_interpolated(self, tangent: Tensor, own: int) -> Tensor:
        """Carry the penalty one stage on, in the examples from `own` on.

        Their x, which nothing needs any more, is replaced by `tangent`, the penalty's gradient with respect to
        their `grad_x`: so one product gives the loss's and the penalty's part of the weight's gradient.

        Returns:
            The tangent of the next stage.
        """

    def gradients(self, own: int) -> list[Tensor]:
        """The gradients of weight, bias and, with an affine norm, scale and shift.

        The penalty has a part in the weight's and the scale's gradient and none in the bias's and the shift's, which
        the first `own` examples give alone. The weight's gradient is of the weight's type.
        """


def times_leak(d: Tensor, activated: Tensor) -> Tensor:
    """d times the derivative of the leaky ReLU that gave `activated`, which has its input's sign."""
    return torch.ops.aten.leaky_relu_backward(d, activated, LEAK, True)


def times_leak_(d: Tensor, activated: Tensor) -> Tensor:
    """The same in place."""
    return torch.ops.aten.leaky_relu_backward.grad_input(d, activated, LEAK, True, grad_input=d)


def interpolate_(images: Tensor, epsilon: Tensor) -> None:
    """Fill the last third of `images` (M, 3B, P) with epsilon real + (1 - epsilon) fake."""
    real, fake, interpolated = images.chunk(3, 1)
    torch.lerp(fake, real, epsilon, out=interpolated)
