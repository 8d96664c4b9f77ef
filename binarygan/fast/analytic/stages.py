"""Stages of a piecewise-linear network: a layer with weights and what follows it, with gradients by hand.

Shapes: M members, B batch, N examples, P = 784 pixels. Activations are rows (M, N, F) or maps (N, M*C, H, W), as in
layers.py.
"""

from typing import Protocol

import torch
from torch import Tensor

from binarygan.model.layers import EPSILON, LEAK

GAIN = (1 + EPSILON) ** -0.5
"""What `affine` multiplies with, beside its learned scale."""


class Stage(Protocol):
    """Keeps what the gradients need, and may write into the x of `forward`."""

    members: int

    def forward(self, x: Tensor, mixing: Tensor | None) -> Tensor:
        """The activated output.

        With `mixing` (M, B, 1), of a first stage alone, x is (M, 3 B, P): real images, fake ones, and room for as many
        mixed ones, whose output is given, too.
        """

    def backward(self, by_activated: Tensor) -> None:
        """Take the derivatives by the activated output, a tensor that it may change."""

    def transposed(self, examples: slice) -> Tensor:
        """Derivatives by x of these examples."""

    def replace_mixed(self, ahead: Tensor, own: int) -> Tensor:
        """Put the penalty's derivatives by the mixed examples' derivative by x in x; give those by the next stage's."""

    def gradients(self, own: int) -> list[Tensor]:
        """Of weight, bias and, with an affine norm, scale and shift; the last two and the bias by the loss alone.

        The weight's is of its type.
        """


def times_slope(d: Tensor, activated: Tensor) -> Tensor:
    """d times the leaky ReLU's slope where it gave `activated`, which has its input's sign."""
    return torch.ops.aten.leaky_relu_backward(d, activated, LEAK, True)


def times_slope_(d: Tensor, activated: Tensor) -> Tensor:
    """The same in place."""
    return torch.ops.aten.leaky_relu_backward.grad_input(d, activated, LEAK, True, grad_input=d)


def put_mixed(images: Tensor, mixing: Tensor) -> None:
    """Mixed images e real + (1 - e) fake in their room."""
    real, fake, mixed = images.chunk(3, 1)
    torch.lerp(fake, real, mixing, out=mixed)
