"""One pass over memory where PyTorch takes three: what stands between a CPU's products in bfloat16.

PyTorch's operations would each write all of a tensor in float32 and read it again; these compute in float32, but read
and write bfloat16, of NumPy views of its bits. Compiled by Numba when first imported, which takes a second.

Shapes: M members, N examples, B batch, F features.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from binarygan import layers

LEAK = np.float32(layers.LEAK)
NOT_A_NUMBER = np.uint16(0x7FC0)


def bits(x: Tensor) -> Any:
    """The bits of a contiguous bfloat16 tensor, in its memory: an array of uint16."""
    return x.view(torch.uint16).numpy()


def _compiled(arguments: str) -> Any:
    """Compiles for arguments of these types; sums may be in any order, a product and a sum one operation."""
    return njit(f"void({arguments})", error_model="numpy", fastmath={"contract", "reassoc"})


@njit
def _wide(half: Any) -> Any:
    """The float32 of a bfloat16's bits."""
    return np.uint32(np.uint32(half) << np.uint32(16)).view(np.float32)


@njit
def _rounded(value: Any) -> Any:
    """The bits of the nearest bfloat16, of two as near the even one."""
    whole = np.float32(value).view(np.uint32)
    half = np.uint16((whole + np.uint32(0x7FFF) + ((whole >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))
    return half if value == value else NOT_A_NUMBER  # whose bits may overflow


@njit
def _leaky(value: Any) -> Any:
    return value if value > np.float32(0) else value * LEAK


@_compiled("u2[:,:,::1], f4[:,::1]")
def activate_(y: Any, bias: Any) -> None:
    """y (M, N, F) := leaky(y + bias), with bias (M, F)."""
    for m in range(y.shape[0]):
        for n in range(y.shape[1]):
            for f in range(y.shape[2]):
                y[m, n, f] = _rounded(_leaky(_wide(y[m, n, f]) + bias[m, f]))


@_compiled("u2[:,:,::1], u2[:,:,::1], f4[:,::1], f4[:,::1]")
def activate_mixed(activated: Any, y: Any, bias: Any, mixing: Any) -> None:
    """activated (M, 3 B, F) := leaky of real + bias, fake + bias, and of their mix, for y (M, 2 B, F) of real and fake.

    The mix is e real + (1 - e) fake, with e of mixing (M, B).
    """
    batch = mixing.shape[1]
    for m in range(y.shape[0]):
        for n in range(batch):
            share = mixing[m, n]
            for f in range(y.shape[2]):
                real = _wide(y[m, n, f]) + bias[m, f]
                fake = _wide(y[m, batch + n, f]) + bias[m, f]
                activated[m, n, f] = _rounded(_leaky(real))
                activated[m, batch + n, f] = _rounded(_leaky(fake))
                activated[m, 2 * batch + n, f] = _rounded(_leaky(fake + share * (real - fake)))


@_compiled("u2[:,:,::1], u2[:,:,::1], i8")
def times_slope_(d: Any, activated: Any, first: int) -> None:
    """d (M, n, F) := d times the leaky ReLU's slope where it gave `activated` (M, N, F) from example `first` on."""
    for m in range(d.shape[0]):
        for n in range(d.shape[1]):
            for f in range(d.shape[2]):
                value = _wide(d[m, n, f])
                kept = _wide(activated[m, first + n, f]) > np.float32(0)
                d[m, n, f] = _rounded(value if kept else value * LEAK)


@_compiled("u2[:,:,::1], f4[:,::1], i8")
def add_up(d: Any, sums: Any, own: int) -> None:
    """sums (M, F) += d (M, N, F) of the first `own` examples."""
    for m in range(d.shape[0]):
        for n in range(own):
            for f in range(d.shape[2]):
                sums[m, f] += _wide(d[m, n, f])


@_compiled("u2[:,:,::1], f4[::1], f4, f4")
def penalize_(gradient: Any, penalty: Any, weight: float, floor: float) -> None:
    """`objectives.penalty_of` for gradient (M, B, F), which becomes the derivative; penalty (M,)."""
    batch = gradient.shape[1]
    for m in range(gradient.shape[0]):
        total = np.float32(0)
        for n in range(batch):
            squares = np.float32(0)
            for f in range(gradient.shape[2]):
                value = _wide(gradient[m, n, f])
                squares += value * value
            norm = np.sqrt(floor + squares)
            above = norm - np.float32(1)
            total += above * above
            factor = np.float32(2) * weight / np.float32(batch) * above / norm
            for f in range(gradient.shape[2]):
                gradient[m, n, f] = _rounded(_wide(gradient[m, n, f]) * factor)
        penalty[m] = weight * total / np.float32(batch)


@_compiled("f4[::1], u2[::1], f4[::1], f4[::1], u2[::1], f4, f4, f4, f4, f4")
def adam_(
    parameter: Any,
    gradient: Any,
    mean: Any,
    mean_square: Any,
    copy: Any,
    rate: float,
    beta1: float,
    beta2: float,
    rest2: float,
    epsilon: float,
) -> None:
    """One step of Adam, w := w - rate m / (sqrt(v) + epsilon), and its bfloat16 copy; rest2 is 1 - beta2."""
    for i in range(parameter.size):
        by = _wide(gradient[i])
        mean[i] = by + beta1 * (mean[i] - by)
        mean_square[i] = beta2 * mean_square[i] + rest2 * by * by
        parameter[i] -= rate * mean[i] / (np.sqrt(mean_square[i]) + epsilon)
        copy[i] = _rounded(parameter[i])
