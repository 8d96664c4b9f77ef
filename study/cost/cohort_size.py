"""How many members a trial should train together on a GPU: the measured size that trains most members an hour."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from binarygan.arithmetic.process import give_back, is_out_of_memory
from binarygan.config import MemberConfig
from binarygan.plugins import load_plugins
from study.cost.estimate import seconds_a_critic_step

FIRST, LARGEST = 16, 256
"""The sizes that are measured: up to the first, a GPU waits for the host, so that more members take no more time."""
WORTHWHILE = 1.05
"""How many times as many members an hour a size must train as half that size does."""


@contextmanager
def fastest_sizes(device: str, plugins: Sequence[str] = ()) -> Iterator[Callable[[Sequence[MemberConfig]], int]]:
    """A function that gets runs that fit into one cohort, more than `FIRST`, and measures how many to train at a time.

    One process measures all of them, with these plugins; when it ends it leaves nothing on the device.
    """
    # the process begins with the first measurement
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), load_plugins, (plugins,)) as pool:
        yield lambda members: pool.submit(_fastest_here, list(members), device).result()


def _fastest_here(members: Sequence[MemberConfig], device: str) -> int:
    def seconds(size: int) -> float:
        give_back()  # the memory of the size before
        return seconds_a_critic_step(members[:size], device)

    return best_size(len(members), seconds)


def best_size(most: int, seconds: Callable[[int], float]) -> int:
    """The best size: the first one doubled as long as that pays and fits, or halved until it fits.

    Args:
        most: how many members there are, more than the first size.
        seconds: gets a size and gives the seconds of a step; raises an error of `is_out_of_memory` if it does not fit.

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
        # the last few members are better trained with the others than alone, unless that is slower
        if rate < fastest * (WORTHWHILE if size == 2 * best else 1 / WORTHWHILE):
            return best
        best, fastest = size, rate
        if size < FIRST or size == min(most, LARGEST):
            return best
        size = min(2 * size, most, LARGEST)
    return 1
