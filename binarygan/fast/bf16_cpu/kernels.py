"""One pass over memory where PyTorch takes three: what stands between a discriminator's products.

PyTorch's operations would each write all of a tensor in float32 and read it again. Shapes, of one member: N examples,
B batch, F features, P = 784 pixels.
"""

from typing import Any

import numpy as np
from numba import njit

from binarygan.fast.bf16_cpu.numbers import compiled, rounded, wide
from binarygan.model import layers

LEAK = np.float32(layers.LEAK)


@njit
def _leaky(value: Any) -> Any:
    return value if value > np.float32(0) else value * LEAK


@njit
def _times_slope(d: Any, activated: Any) -> Any:
    """d times the leaky ReLU's slope where it gave `activated`."""
    return d if activated > np.float32(0) else d * LEAK


@compiled("void(u2[:,::1], f4[::1])")
def activate_(y: Any, bias: Any) -> None:
    """y (N, F) := leaky(y + bias), with bias (F,)."""
    for n in range(y.shape[0]):
        for f in range(y.shape[1]):
            y[n, f] = rounded(_leaky(wide(y[n, f]) + bias[f]))


@compiled("void(u2[:,::1], u2[:,::1], f4[::1], f4[::1])")
def activate_mixed(activated: Any, y: Any, bias: Any, mixing: Any) -> None:
    """activated (3 B, F) := leaky of real + bias, fake + bias, and of their mix, for y (2 B, F) of real and fake.

    The mix is e real + (1 - e) fake, with e of mixing (B,).
    """
    batch = mixing.shape[0]
    for n in range(batch):
        share = mixing[n]
        for f in range(y.shape[1]):
            real = wide(y[n, f]) + bias[f]
            fake = wide(y[batch + n, f]) + bias[f]
            activated[n, f] = rounded(_leaky(real))
            activated[batch + n, f] = rounded(_leaky(fake))
            activated[2 * batch + n, f] = rounded(_leaky(fake + share * (real - fake)))


@compiled("void(u2[:,::1], u2[:,::1], f4[::1], i8)")
def times_slope_(d: Any, activated: Any, sums: Any, own: int) -> None:
    """d (N, F) := d times the leaky ReLU's slope where it gave `activated`; sums (F,) := of it in the first `own` rows.

    Sums are of numbers that are not yet rounded, here and below: a bias's gradient is what real and fake images leave
    of each other, and Adam takes a step of one size by it, however small it is.
    """
    sums[:] = 0
    for n in range(d.shape[0]):
        counts = np.float32(1) if n < own else np.float32(0)
        for f in range(d.shape[1]):
            value = _times_slope(wide(d[n, f]), wide(activated[n, f]))
            d[n, f] = rounded(value)
            sums[f] += counts * value


@compiled("void(u2[:,::1], u2[:,::1], i8)")
def replace_times_slope(activated: Any, by: Any, first: int) -> None:
    """activated (N, F) from example `first` on := `by` (N - first, F) times the slope where the leaky ReLU gave it."""
    for n in range(by.shape[0]):
        for f in range(by.shape[1]):
            activated[first + n, f] = rounded(_times_slope(wide(by[n, f]), wide(activated[first + n, f])))


@compiled("void(f4[:,::1], u2[:,::1], i8)")
def replace_times_slope_exactly(activated: Any, by: Any, first: int) -> None:
    """The same for activations in float32."""
    for n in range(by.shape[0]):
        for f in range(by.shape[1]):
            activated[first + n, f] = _times_slope(wide(by[n, f]), activated[first + n, f])


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
def spread(d: Any, activated: Any, slopes: Any, weight: Any, sums: Any, last_sums: Any, own: int) -> None:
    """d (N, F) := slopes (N,) weight (F,), times the slope where the leaky ReLU gave `activated`.

    sums (F,) := of it, last_sums (1,) := of slopes, both in the first `own` rows.
    """
    sums[:] = 0
    last_sums[0] = slopes[:own].sum()
    for n in range(d.shape[0]):
        counts = np.float32(1) if n < own else np.float32(0)
        for f in range(d.shape[1]):
            value = _times_slope(slopes[n] * weight[f], activated[n, f])
            d[n, f] = rounded(value)
            sums[f] += counts * value


@compiled("void(f4[::1], f4[:,::1], f4[::1])")
def add_up(sums: Any, x: Any, slopes: Any) -> None:
    """sums (F,) := of x (N, F), each example times its slope."""
    sums[:] = 0
    for n in range(x.shape[0]):
        for f in range(x.shape[1]):
            sums[f] += slopes[n] * x[n, f]


@compiled("f4(u2[:,::1], f4, f4)")
def penalize_(gradient: Any, weight: float, floor: float) -> Any:
    """`objectives.penalty_of` for gradient (B, P), which becomes the derivative."""
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
