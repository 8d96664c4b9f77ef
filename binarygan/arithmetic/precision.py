"""Precisions: how the operands of matrix products are rounded.

    float32    as they are
    tf32       on a GPU: operands rounded to ten bits of mantissa inside the product, sums in float32
    bfloat16   operands rounded to bfloat16 (seven bits), sums in float32, the result rounded once more; layers of few
               units, which gain nothing by it, stay in float32

Parameters, optimizers' states, normalization and losses are float32 in all three, and so is everything else but what
stays in bfloat16 between a CPU's products (`fast/bf16_cpu`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from binarygan.lazy import torch
from binarygan.registry import Registry

if TYPE_CHECKING:
    from torch import dtype

PRECISIONS: Registry[Precision] = Registry("precision")


@dataclass(frozen=True, kw_only=True)
class Precision:
    """How products are computed."""

    option: str
    """What `--precision` calls it."""
    tf32: bool = False
    """Whether a GPU may round float32 operands inside the product."""
    bfloat16: bool = False
    """Whether operands are cast to bfloat16."""
    revision: int = 1
    """Raised whenever runs in this precision come to give other numbers."""

    @property
    def operands(self) -> dtype | None:
        """What the operands of products are cast to; None where they stay as they are."""
        return torch.bfloat16 if self.bfloat16 else None


PRECISIONS.register("float32", Precision(option="fp32"))
PRECISIONS.register("tf32", Precision(option="tf32", tf32=True))
PRECISIONS.register("bfloat16", Precision(option="bf16", bfloat16=True))
