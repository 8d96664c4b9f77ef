"""oneDNN's matrix products, which PyTorch has for its compiler alone. Shapes: M members."""

import functools
from pathlib import Path

import torch
from torch import Tensor

SMALLEST = 1 << 20
"""Multiplications of a member's product below which a call's overhead, about 10 us, is more than what it gains."""
FEWEST_COLUMNS = 16


def product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """a @ b, (M, n, m), of (M, n, k) and (M, k, m), plus the bias (M, m); without a gradient."""
    linear = torch.ops.mkldnn._linear_pointwise
    biases = [None] * len(a) if bias is None else bias
    each = [linear(x, w.mT, own, "none", [], "") for x, w, own in zip(a, b, biases, strict=True)]
    return each[0].unsqueeze(0) if len(each) == 1 else torch.stack(each)


def serves(a: Tensor, b: Tensor) -> bool:
    """Whether oneDNN multiplies these sooner than `@` would.

    In bfloat16 `@` calls it, too, but reads a transposed stack of matrices at half its rate (seen with torch 2.15).
    """
    if a.device.type != "cpu" or torch.compiler.is_compiling():
        return False
    if not (b[0].is_contiguous() or b[0].mT.is_contiguous()):  # gaps: oneDNN takes 400 times as long
        return False
    if b.shape[2] < FEWEST_COLUMNS or a.shape[1] * a.shape[2] * b.shape[2] < SMALLEST:
        return False
    return (a.dtype is torch.float32 and _mkl_is_slower()) or (a.dtype is torch.bfloat16 and _has_bfloat16())


@functools.cache
def _has_bfloat16() -> bool:
    """Whether oneDNN takes bfloat16 here: with AVX-512, be there instructions for it or not."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


@functools.cache
def _mkl_is_slower() -> bool:
    """Whether this processor has AVX-512 and is not Intel's.

    MKL keeps to AVX2 there: 112 GFLOP/s on a core of an AMD EPYC (Zen 5) where oneDNN reaches 247. Decided by the kind
    of processor, not by the clock, so that a member's numbers do not depend on what else was running.
    """
    processor = Path("/proc/cpuinfo")
    if not torch.backends.mkldnn.is_available() or not processor.exists():
        return False
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and "GenuineIntel" not in processor.read_text()
