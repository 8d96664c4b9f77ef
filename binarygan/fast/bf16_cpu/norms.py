"""A dense layer's norm and ReLU and their gradients; what they read and write for products is bfloat16.

normed = scale * normal + shift, and normal = (y + bias - mean) * gain, for the product y. Shapes, of one run: B
batch, F features; bias, mean, gain, scale, shift and their gradients are (F,).
"""

from typing import Any

import numpy as np
from numba import njit

from binarygan.fast.bf16_cpu.numbers import compiled, rounded, wide


@njit
def _normal(y: Any, bias: Any, mean: Any, gain: Any) -> Any:
    """The normalized number, from the bits of y."""
    return (wide(y) + bias - mean) * gain


@compiled("void(u2[:,::1], f4[::1], f4[::1], f4[::1], f4)")
def measure(y: Any, bias: Any, mean: Any, gain: Any, epsilon: float) -> None:
    """mean := mean of y + bias over the batch; gain := 1 / sqrt(variance + epsilon)."""
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
    """normed (B, F) := normed of y (B, F)."""
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
def pass_rectified(grad_normed: Any, grad_activated: Any, activated: Any) -> None:
    """grad_normed (B, F) := grad_activated where `activated` is above 0."""
    for n in range(activated.shape[0]):
        for f in range(activated.shape[1]):
            kept = not wide(activated[n, f]) <= np.float32(0)
            grad_normed[n, f] = wide(grad_activated[n, f]) if kept else np.float32(0)


@compiled(
    "void(u2[:,::1], f4[:,::1], u2[:,::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], boolean)"
)
def denormalize(
    grad_linear: Any,
    grad_normed: Any,
    y: Any,
    bias: Any,
    mean: Any,
    gain: Any,
    scale: Any,
    grad_bias: Any,
    grad_scale: Any,
    grad_shift: Any,
    measured: bool,
) -> None:
    """grad_linear (B, F) and the gradients of bias, scale and shift from grad_normed (B, F).

    Args:
        measured: whether mean and gain are the batch's, which depend on all of its examples, and not constants.
    """
    batch = np.float32(y.shape[0])
    grad_bias[:] = 0
    grad_scale[:] = 0
    grad_shift[:] = 0
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            grad_shift[f] += grad_normed[n, f]
            grad_scale[f] += grad_normed[n, f] * _normal(y[n, f], bias[f], mean[f], gain[f])
    shared = np.float32(1) / batch if measured else np.float32(0)
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            normal = _normal(y[n, f], bias[f], mean[f], gain[f])
            own = scale[f] * gain[f] * (grad_normed[n, f] - shared * (grad_shift[f] + normal * grad_scale[f]))
            grad_bias[f] += own
            grad_linear[n, f] = rounded(own)
