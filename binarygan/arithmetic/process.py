"""What a process that trains does with threads and memory.

On a CPU a trial has one core, and more busy threads than cores slow torch 5 to 20 times.
"""

import ctypes
import gc
import sys

import threadpoolctl
import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
_KEEP = 1 << 30
EXHAUSTED = ("out of memory", "STATUS_ALLOC_FAILED", "can't allocate memory")
"""What errors say that have no type of their own."""


def use_one_thread() -> None:
    """Let torch and every BLAS and OpenMP library of this process compute with one thread, whatever the environment
    says.
    """
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(limits=1)


def keep_freed_memory() -> bool:
    """Have this process keep freed memory up to 1 GiB; whether the C library can be asked to (glibc).

    A CNN's step frees and takes maps of 16 MB. By default glibc hands such blocks back to the system, which clears them
    page by page when they are taken again: a quarter of the step's time.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _KEEP) and mallopt(_MMAP_THRESHOLD, _KEEP))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory is exhausted: torch's own error, Python's, or one of CUDA's libraries or torch's CPU allocator."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in EXHAUSTED)


def give_back() -> None:
    """Collect what nobody uses any more, trainers and their recorded graphs among it, and empty the device's cache."""
    gc.collect()
    torch.cuda.empty_cache()
