"""What PyTorch's generators give on a GPU, computed on a CPU: Philox 4x32-10, counted by a kernel's threads.

A kernel of `normal_` or `uniform_` has `threads` threads; the one with number i takes the words of counter (offset / 4
+ round, i) to the elements i, i + threads, i + 2 threads and i + 3 threads of each round. Sources: Salmon et al. 2011
(Random123); PyTorch's ATen/native/cuda/DistributionTemplates.h and Randperm.cuh, cuRAND's curand_kernel.h.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

THREADS_A_BLOCK, BLOCKS_A_MULTIPROCESSOR = 256, 8
"""Of GPUs whose multiprocessors have 2,048 threads: A100, H100, H200."""
WORDS = 4
"""That one counter gives."""
WEYL = (0x9E3779B9, 0xBB67AE85)
FACTORS = (0xD2511F53, 0xCD9E8D57)
UNIT = 2.0**-32
FEWEST = 30_084
"""Of which a permutation has keys of 64 bits; those of fewer have 32."""


class GpuGenerator:
    """A `torch.Generator("cuda")` that was given a seed."""

    def __init__(self, seed: int, multiprocessors: int) -> None:
        self._seed, self._most_threads = seed, multiprocessors * BLOCKS_A_MULTIPROCESSOR * THREADS_A_BLOCK
        self._offset = 0

    def uniform(self, count: int) -> NDArray[np.float32]:
        """As `uniform_` fills a tensor of `count` elements."""
        found = _unit(self._words(count)).reshape(-1)[:count].astype(np.float32)
        found[found == 1] = 0
        return found

    def normal(self, count: int) -> NDArray[np.float32]:
        """As `normal_` fills it, to about 1e-6: a GPU's sines are approximate."""
        words = self._words(count)
        radius = np.sqrt(-2 * np.log(_unit(words[:, 0::2])))
        angle = 2 * math.pi * _unit(words[:, 1::2])
        pairs = np.stack([np.sin(angle) * radius, np.cos(angle) * radius], 2)  # (rounds, 2, 2, threads)
        return pairs.reshape(-1)[:count].astype(np.float32)

    def permutation(self, count: int) -> NDArray[np.int64]:
        """As `torch.randperm` gives it: the order of random keys, runs of equal keys shuffled once more."""
        bits = math.ceil(math.log2(count - (6 * count**2 + 1) / (12 * math.log(0.9))))
        if not FEWEST <= count <= self._most_threads:
            raise ValueError(f"a permutation of {count} is drawn in another way")
        words = self._words(count)[0].astype(np.uint64)
        keys = (words[0, :count] << np.uint64(32) | words[1, :count]) & np.uint64(2**bits - 1)
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[0]] + np.uint64(1)))
        for start, end in zip(starts, [*starts[1:], count], strict=True):
            if end - start > 1:
                drawn = philox(self._seed, self._offset // WORDS, -(-(end - start) // WORDS), int(start) + 1)[
                    :, :, start
                ]
                for last, word in zip(range(end - start - 1, 0, -1), drawn.ravel(), strict=False):
                    other = start + int(word) % (last + 1)
                    order[[start + last, other]] = order[[other, start + last]]
        self._offset += -(-count // WORDS) * WORDS
        return order

    def _words(self, count: int) -> NDArray[np.uint32]:
        """Of a kernel that fills `count` elements: (rounds, 4, threads)."""
        blocks = -(-count // THREADS_A_BLOCK)
        threads = min(blocks * THREADS_A_BLOCK, self._most_threads)
        rounds = -(-count // (threads * WORDS))
        first = self._offset // WORDS
        self._offset += rounds * WORDS
        return philox(self._seed, first, rounds, threads)


def _unit(words: NDArray[np.uint32]) -> NDArray[np.float64]:
    """On (0, 1], to float32's rounding."""
    return (words.astype(np.float32).astype(np.float64) * UNIT + UNIT / 2).astype(np.float32).astype(np.float64)


@numba.njit
def philox(seed: int, first: int, rounds: int, threads: int) -> NDArray[np.uint32]:
    """The words (rounds, 4, threads) of counters (first + round, thread) under the key `seed`."""
    found = np.empty((rounds, WORDS, threads), np.uint32)
    low, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    for r in range(rounds):
        counter = np.uint64(first + r)
        for t in range(threads):
            c0, c1, c2, c3 = counter & low, counter >> shift, np.uint64(t), np.uint64(0)
            k0, k1 = np.uint64(seed) & low, np.uint64(seed) >> shift
            for _ in range(10):
                a, b = np.uint64(FACTORS[0]) * c0, np.uint64(FACTORS[1]) * c2
                c0, c1, c2, c3 = (b >> shift) ^ c1 ^ k0, b & low, (a >> shift) ^ c3 ^ k1, a & low
                k0, k1 = (k0 + np.uint64(WEYL[0])) & low, (k1 + np.uint64(WEYL[1])) & low
            found[r, 0, t], found[r, 1, t], found[r, 2, t], found[r, 3, t] = c0, c1, c2, c3
    return found
