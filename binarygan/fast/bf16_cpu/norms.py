"""A dense layer's norm and activation and their derivatives, from products in bfloat16 and to operands in it.

normed = scale * normal + shift, and normal = (y + bias - mean) * gain, for the product y. Shapes, of one member: B
batch, F features; bias, mean, gain, scale, shift and their gradients are (F,).
"""

from typing import Any

import numpy as np
from numba import njit

from binarygan.fast.bf16_cpu.numbers import compiled, rounded, wide


@njit
def _normal(y: Any, bias: Any, mean: Any, gain: Any) -> Any:
    """Of the bits of y."""
    return (wide(y) + bias - mean) * gain


@compiled("void(u2[:,::1], f4[::1], f4[::1], f4[::1], f4)")
def measure(y: Any, bias: Any, mean: Any, gain: Any, epsilon: float) -> None:
    """mean := of y + bias over the batch; gain := 1 / sqrt(its variance + epsilon)."""
    batch = np.float32(y.shape[0])
    mean[:] = 0
    gain[:] = 0
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            mean[f] += wide(y[n, f])
    for f in range(y.shape[1]):
        mean[f] /= batch
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            apart = wide(y[n, f]) - mean[f]
            gain[f] += apart * apart
    for f in range(y.shape[1]):
        mean[f] += bias[f]
        gain[f] = np.float32(1) / np.sqrt(gain[f] / batch + epsilon)


@compiled("void(f4[:,::1], u2[:,::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1])")
def normalize(normed: Any, y: Any, bias: Any, mean: Any, gain: Any, scale: Any, shift: Any) -> None:
    """normed (B, F) of y (B, F)."""
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            normed[n, f] = scale[f] * _normal(y[n, f], bias[f], mean[f], gain[f]) + shift[f]


@compiled("void(u2[:,::1], u2[:,::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1])")
def normalize_and_rectify(activated: Any, y: Any, bias: Any, mean: Any, gain: Any, scale: Any, shift: Any) -> None:
    """activated (B, F) := ReLU of normed."""
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            normed = scale[f] * _normal(y[n, f], bias[f], mean[f], gain[f]) + shift[f]
            activated[n, f] = rounded(normed if not normed <= np.float32(0) else np.float32(0))  # NaN stays so


@compiled("void(f4[:,::1], u2[:,::1], u2[:,::1])")
def pass_rectified(by_normed: Any, by_activated: Any, activated: Any) -> None:
    """by_normed (B, F) := by_activated where `activated` is above 0."""
    for n in range(activated.shape[0]):
        for f in range(activated.shape[1]):
            kept = not wide(activated[n, f]) <= np.float32(0)
            by_normed[n, f] = wide(by_activated[n, f]) if kept else np.float32(0)


@compiled(
    "void(u2[:,::1], f4[:,::1], u2[:,::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], boolean)"
)
def denormalize(
    by_linear: Any,
    by_normed: Any,
    y: Any,
    bias: Any,
    mean: Any,
    gain: Any,
    scale: Any,
    by_bias: Any,
    by_scale: Any,
    by_shift: Any,
    measured: bool,
) -> None:
    """by_linear (B, F) and the gradients of bias, scale and shift from by_normed (B, F).

    Args:
        measured: mean and gain are the batch's, which depend on all of its examples, and not constants.
    """
    batch = np.float32(y.shape[0])
    by_bias[:] = 0
    by_scale[:] = 0
    by_shift[:] = 0
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            by_shift[f] += by_normed[n, f]
            by_scale[f] += by_normed[n, f] * _normal(y[n, f], bias[f], mean[f], gain[f])
    shared = np.float32(1) / batch if measured else np.float32(0)
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            normal = _normal(y[n, f], bias[f], mean[f], gain[f])
            own = scale[f] * gain[f] * (by_normed[n, f] - shared * (by_shift[f] + normal * by_scale[f]))
            by_bias[f] += own
            by_linear[n, f] = rounded(own)
