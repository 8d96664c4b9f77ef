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
    if len(a) == 1:
        return _one(a[0], b[0], None if bias is None else bias[0]).unsqueeze(0)
    biases = [None] * len(a) if bias is None else bias
    return torch.stack([_one(x, y, own) for x, y, own in zip(a, b, biases, strict=True)])


def serves(a: Tensor, b: Tensor) -> bool:
    """Whether oneDNN multiplies these sooner than `@` would.

    In bfloat16 `@` calls it, too, but reads a transposed *stack* of matrices at half its rate (seen with torch 2.15).
    """
    # asked before sizes are: an exported graph takes any number of rows
    if a.device.type != "cpu" or torch.compiler.is_compiling():
        return False
    (_, rows, inner), columns = a.shape, b.shape[2]
    if columns < FEWEST_COLUMNS or rows * inner * columns < SMALLEST:
        return False
    if b.stride()[1:] not in ((columns, 1), (1, inner)):  # gaps: oneDNN takes 400 times as long
        return False
    return (a.dtype is torch.float32 and _mkl_is_slower()) or (a.dtype is torch.bfloat16 and _has_bfloat16())


def _one(a: Tensor, b: Tensor, bias: Tensor | None) -> Tensor:
    """Of two matrices `@` itself calls oneDNN in bfloat16, and copies neither."""
    if bias is None and a.dtype is torch.bfloat16:
        return a @ b
    linear: Tensor = torch.ops.mkldnn._linear_pointwise(a, b.mT, bias, "none", [], "")
    return linear


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
