"""What a discriminator computes between its matrix products, in one pass over memory where PyTorch takes three.

Each of PyTorch's operations would write a whole tensor in float32 and read it again. Shapes, of one run: N examples,
B batch, F features, P = 784 pixels.
"""

from typing import Any

import numpy as np
from numba import njit

from binarygan.fast.bf16_cpu.numbers import compiled, rounded, wide
from binarygan.model import activations

LEAK = np.float32(activations.LEAK)


@njit
def _leaky(value: Any) -> Any:
    return value if value > np.float32(0) else value * LEAK


@njit
def _times_leak(d: Any, activated: Any) -> Any:
    """d times the derivative of the leaky ReLU that gave `activated`."""
    return d if activated > np.float32(0) else d * LEAK


@compiled("void(u2[:,::1], f4[::1])")
def activate_(y: Any, bias: Any) -> None:
    """y (N, F) := leaky(y + bias), with bias (F,)."""
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            y[n, f] = rounded(_leaky(wide(y[n, f]) + bias[f]))


@compiled("void(u2[:,::1], u2[:,::1], f4[::1], f4[::1])")
def activate_and_interpolate(activated: Any, y: Any, bias: Any, epsilon: Any) -> None:
    """activated (3B, F) := leaky(y + bias) of the real and fake examples in y (2B, F), then of the interpolated ones.

    Interpolated is epsilon real + (1 - epsilon) fake, with epsilon (B,).
    """
    batch = epsilon.shape[0]
    for n in range(batch):
        share = epsilon[n]
        for f in range(y.shape[1]):
            real = wide(y[n, f]) + bias[f]
            fake = wide(y[batch + n, f]) + bias[f]
            activated[n, f] = rounded(_leaky(real))
            activated[batch + n, f] = rounded(_leaky(fake))
            activated[2 * batch + n, f] = rounded(_leaky(fake + share * (real - fake)))


@compiled("void(u2[:,::1], u2[:,::1], f4[::1], i8)")
def times_leak_(d: Any, activated: Any, sums: Any, own: int) -> None:
    """d (N, F) := d times the derivative of the leaky ReLU that gave `activated`; sums (F,) := its sum over `own` rows.

    Here and below, sums add numbers before they are rounded. In a bias's gradient the real images' part nearly cancels
    the fake images', and Adam's step does not shrink with it, so rounding would decide the step.
    """
    sums[:] = 0
    for n in range(d.shape[0]):
        counts = np.float32(1) if n < own else np.float32(0)
        for f in range(d.shape[1]):
            value = _times_leak(wide(d[n, f]), wide(activated[n, f]))
            d[n, f] = rounded(value)
            sums[f] += counts * value


@compiled("void(u2[:,::1], u2[:,::1], i8)")
def replace_times_leak(activated: Any, tangent: Any, first: int) -> None:
    """activated (N, F), from example `first` on, := tangent (N - first, F) times the leaky ReLU's derivative there."""
    for n in range(tangent.shape[0]):
        for f in range(tangent.shape[1]):
            activated[first + n, f] = rounded(_times_leak(wide(tangent[n, f]), wide(activated[first + n, f])))


@compiled("void(f4[:,::1], u2[:,::1], i8)")
def replace_times_leak_float32(activated: Any, tangent: Any, first: int) -> None:
    """The same for activations in float32."""
    for n in range(tangent.shape[0]):
        for f in range(tangent.shape[1]):
            activated[first + n, f] = _times_leak(wide(tangent[n, f]), activated[first + n, f])


@compiled("void(f4[::1], f4[:,::1], u2[:,::1], f4[::1], f4[::1], f4[::1])")
def activate_and_weigh(logits: Any, activated: Any, y: Any, bias: Any, weight: Any, last_bias: Any) -> None:
    """activated (N, F) := leaky(y + bias), in float32; logits (N,) := activated weight + last_bias, which is (1,)."""
    for n in range(y.shape[0]):
        total = last_bias[0]
        for f in range(y.shape[1]):
            value = _leaky(wide(y[n, f]) + bias[f])
            activated[n, f] = value
            total += value * weight[f]
        logits[n] = total


@compiled("void(u2[:,::1], f4[:,::1], f4[::1], f4[::1], f4[::1], f4[::1], i8)")
def spread(d: Any, activated: Any, grad_logits: Any, weight: Any, sums: Any, last_sums: Any, own: int) -> None:
    """d (N, F) := grad_logits (N,) weight (F,), times the derivative of the leaky ReLU that gave `activated`.

    sums (F,) and last_sums (1,) := the sums of d and of grad_logits over the first `own` rows.
    """
    sums[:] = 0
    last_sums[0] = grad_logits[:own].sum()
    for n in range(d.shape[0]):
        counts = np.float32(1) if n < own else np.float32(0)
        for f in range(d.shape[1]):
            value = _times_leak(grad_logits[n] * weight[f], activated[n, f])
            d[n, f] = rounded(value)
            sums[f] += counts * value


@compiled("void(f4[::1], f4[:,::1], f4[::1])")
def add_up(sums: Any, x: Any, grad_logits: Any) -> None:
    """sums (F,) := the sum of the rows of x (N, F), each times its grad_logits."""
    sums[:] = 0
    for n in range(x.shape[0]):
        for f in range(x.shape[1]):
            sums[f] += grad_logits[n] * x[n, f]


@compiled("f4(u2[:,::1], f4, f4)")
def penalize_(gradient: Any, weight: float, floor: float) -> Any:
    """`analytic.derivatives.penalty` of gradient (B, P), which the penalty's derivative by it replaces."""
    batch, total = gradient.shape[0], np.float32(0)
    for n in range(batch):
        squares = np.float32(0)
        for f in range(gradient.shape[1]):
            value = wide(gradient[n, f])
            squares += value * value
        norm = np.sqrt(floor + squares)
        above = norm - np.float32(1)
        total += above * above
        factor = np.float32(2) * weight / np.float32(batch) * above / norm
        for f in range(gradient.shape[1]):
            gradient[n, f] = rounded(wide(gradient[n, f]) * factor)
    return weight * total / np.float32(batch)
