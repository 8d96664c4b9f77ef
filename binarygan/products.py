"""Matrix products in the arithmetic that a configuration declares; everything else stays in float32.

    float32    as they are
    tf32       on a GPU: operands rounded to ten bits of mantissa inside the product, sums in float32
    bfloat16   operands rounded to bfloat16 (seven bits), sums in float32, the result rounded once more

Parameters, optimizers' states, normalization and losses are float32 in all three.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from binarygan.config import MemberConfig


def operands_of(config: MemberConfig) -> torch.dtype | None:
    """What operands of products are cast to; None where they stay as they are."""
    return torch.bfloat16 if config.dtype == "bfloat16" else None


def set_arithmetic(config: MemberConfig) -> None:
    """Make the GPU's float32 products exact or tf32, as `config` has it, in this whole process.

    Left alone, PyTorch multiplies in float32 but convolves in tf32.
    """
    rounding = "tf32" if config.dtype == "tf32" else "ieee"
    torch.backends.cuda.matmul.fp32_precision = rounding
    torch.backends.cudnn.conv.fp32_precision = rounding  # type: ignore[attr-defined]


@contextmanager
def initial_arithmetic() -> Iterator[None]:
    """PyTorch's own setting for convolutions within the block: torch.export refuses to work where they are exact."""
    convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    kept = convolutions.fp32_precision
    convolutions.fp32_precision = "tf32"
    try:
        yield
    finally:
        convolutions.fp32_precision = kept


def operand(x: Tensor, operands: torch.dtype | None) -> Tensor:
    """x as an operand."""
    return x if operands is None else x.to(operands)


def result(y: Tensor) -> Tensor:
    """A product's result, back in float32."""
    return y.float() if y.dtype is torch.bfloat16 else y
