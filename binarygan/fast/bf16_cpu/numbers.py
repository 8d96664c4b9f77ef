"""bfloat16 for kernels that Numba compiles: they compute in float32, and read and write NumPy views of the bits.

Kernels are compiled when they are imported: some seconds for all of them, once a process.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

NOT_A_NUMBER = np.uint16(0x7FC0)


def bits(x: Tensor) -> Any:
    """The bits of a contiguous bfloat16 tensor, in its memory: an array of uint16."""
    if x.dtype is not torch.bfloat16:
        raise TypeError(f"bits of bfloat16 are asked of {x.dtype}")
    return x.view(torch.uint16).numpy()


def bfloat16(*shape: int) -> tuple[Tensor, Any]:
    """Room for numbers of that shape, and their bits."""
    room = torch.empty(shape, dtype=torch.bfloat16)
    return room, bits(room)


def compiled(signature: str) -> Any:
    """Compile for these types; sums may be taken in any order, and a product and a sum in one operation."""
    return njit(signature, error_model="numpy", fastmath={"contract", "reassoc"})


@njit
def wide(half: Any) -> Any:
    """The float32 of a bfloat16's bits."""
    return np.uint32(np.uint32(half) << np.uint32(16)).view(np.float32)


@njit
def rounded(value: Any) -> Any:
    """The bits of the nearest bfloat16; of two equally near ones, the even one."""
    whole = np.float32(value).view(np.uint32)
    half = np.uint16((whole + np.uint32(0x7FFF) + ((whole >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))
    return half if value == value else NOT_A_NUMBER  # whose bits may overflow
