"""How many members one trial trains together on a GPU: the size that trains most members an hour, measured."""

import functools
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.pool import Pool

from binarygan.arithmetic.process import give_back, is_out_of_memory
from binarygan.config import MemberConfig
from study.cost.estimate import seconds_a_critic_step

FIRST, LARGEST = 16, 256
"""Fewer members than the first size are trained together unmeasured: a GPU waits for the host all the more."""
WORTHWHILE = 1.05
"""A size has to train so many times the members an hour that half of it did."""


@contextmanager
def fastest_sizes(device: str) -> Iterator[Callable[[Sequence[MemberConfig]], int]]:
    """What says how many of some members, more than `FIRST`, which fit into one cohort, to train at a time there.

    Measured in one process of its own, which leaves nothing on the device.
    """
    with ExitStack() as stack:

        @functools.cache
        def pool() -> Pool:
            return stack.enter_context(multiprocessing.get_context("spawn").Pool(1))

        yield lambda members: pool().apply(_fastest_here, (list(members), device))


def _fastest_here(members: Sequence[MemberConfig], device: str) -> int:
    def seconds(size: int) -> float:
        give_back()  # what the size before had
        return seconds_a_critic_step(members[:size], device)

    return best_size(len(members), seconds)


def best_size(most: int, seconds: Callable[[int], float]) -> int:
    """Doubles the first size for as long as that pays and fits; halves it where not even that fits.

    Args:
        most: how many members there are, more than the first size.
        seconds: of one step of a cohort of so many; raises what `is_out_of_memory` tells where it does not fit.

    >>> best_size(100, lambda n: max(n, 32))  # 32 members cost what one does, beyond that each costs more
    32
    """
    size, best, fastest = FIRST, 0, 0.0
    while size:
        try:
            rate = size / seconds(size)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if best:
                return best
            size //= 2
            continue
        # the rest of a few members is better with the others than alone, unless that is slower
        if rate < fastest * (WORTHWHILE if size == 2 * best else 1 / WORTHWHILE):
            return best
        best, fastest = size, rate
        if size < FIRST or size == min(most, LARGEST):
            return best
        size = min(2 * size, most, LARGEST)
    return 1
