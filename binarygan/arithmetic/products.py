"""Matrix products, wherever they are computed fastest: on a CPU by oneDNN where that is the faster library.

Shapes: M runs.
"""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor

from binarygan.arithmetic import onednn

MOST_PARTS = 64
"""Of a long product."""
_of_products, _of_convolutions = torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
"""Where PyTorch keeps how a GPU rounds float32 operands."""


def set_arithmetic(*, tf32: bool) -> None:
    """Let a GPU round the operands of float32 products to tf32, or not, in this whole process.

    Left alone, PyTorch multiplies in float32 but convolves in tf32.
    """
    rounding = "tf32" if tf32 else "ieee"
    _of_products.fp32_precision = rounding
    _of_convolutions.fp32_precision = rounding


def exact_arithmetic() -> AbstractContextManager[None]:
    """Exact float32 products within the block: what is measured must not depend on how it was trained."""
    return _rounding("ieee", _of_products, _of_convolutions)


def initial_arithmetic() -> AbstractContextManager[None]:
    """PyTorch's own setting for convolutions within the block: torch.export refuses to work where they are exact."""
    return _rounding("tf32", _of_convolutions)


@contextmanager
def _rounding(how: str, *settings: Any) -> Iterator[None]:
    kept = [of.fp32_precision for of in settings]
    try:
        for of in settings:
            of.fp32_precision = how
        yield
    finally:
        for of, before in zip(settings, kept, strict=True):
            of.fp32_precision = before


def operand(x: Tensor, operands: torch.dtype | None) -> Tensor:
    """x as an operand."""
    if operands is None:
        return x
    return x.to(operands)


def result(y: Tensor) -> Tensor:
    """A product's result, back in float32."""
    return y.float() if y.dtype is torch.bfloat16 else y


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """a @ b, (M, n, m), of operands (M, n, k) and (M, k, m), in float32; differentiable as often as one likes."""
    return result(product(a, b))


def multiply_long(a: Tensor, b: Tensor) -> Tensor:
    """The same for few rows and columns, but a long k.

    On a GPU in parts of k that are added up: one of its processors would go through all of it alone.
    """
    if a.device.type == "cpu":
        return multiply(a, b)
    members, rows, length = a.shape
    parts = math.gcd(length, MOST_PARTS)
    by_part = a.unflatten(2, (parts, -1)).transpose(1, 2).flatten(0, 1), b.unflatten(1, (parts, -1)).flatten(0, 1)
    return multiply(*by_part).view(members, parts, rows, -1).sum(1)


def weight_gradient(x: Tensor, d: Tensor, weight: Tensor) -> Tensor:
    """x^T d, the gradient by a dense layer's `weight` (M, in, out), of rows x (M, N, in) and d (M, N, out).

    In the operands' type, and as `weight` lies in memory: what an optimizer's kernel takes without a copy.
    """
    return product(x.mT, d) if weight.is_contiguous() else product(d.mT, x).mT


def by_output_unit(weight: Tensor) -> Tensor:
    """A dense layer's weight (M, in, out) as its products want it to lie in memory on a CPU: inputs side by side.

    oneDNN copies a transposed first operand, which is d of the gradient d^T x so: the smaller of the two in all layers
    but the generator's first.
    """
    return weight.mT.contiguous().mT


def multiply_add(bias: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The same plus a bias (M, m)."""
    if a.dtype is not bias.dtype or (torch.is_grad_enabled() and onednn.serves(a, b)):
        return multiply(a, b) + bias.unsqueeze(1)
    return onednn.product(a, b, bias) if onednn.serves(a, b) else torch.baddbmm(bias.unsqueeze(1), a, b)


def product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b in the operands' type."""
    if not onednn.serves(a, b):
        return a @ b
    return _Product.apply(a, b) if torch.is_grad_enabled() else onednn.product(a, b)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return onednn.product(a, b)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (a, b), (of_a, of_b) = ctx.saved_tensors, ctx.needs_input_grad
        return product(grads[0], b.mT) if of_a else None, weight_gradient(a, grads[0], b) if of_b else None
