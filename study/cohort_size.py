"""How many members one trial trains together on a GPU: the size that trains most members an hour, measured."""

import multiprocessing
from collections.abc import Callable, Sequence

from binarygan.config import MemberConfig
from binarygan.memory import give_back, is_out_of_memory
from study.estimate import seconds_a_critic_step

LARGEST = 256
WORTHWHILE = 1.05
"""A size has to train so many times the members an hour that the size before it did."""


def fastest_size(members: Sequence[MemberConfig], device: str) -> int:
    """How many of these members, which fit into one cohort, to train at a time on this device.

    Measured in a process of its own, which leaves nothing on the device.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_fastest_here, (list(members), device))


def _fastest_here(members: Sequence[MemberConfig], device: str) -> int:
    def seconds(size: int) -> float:
        try:
            return seconds_a_critic_step(members[:size], device)
        finally:
            give_back()

    return best_size(len(members), seconds)


def best_size(most: int, seconds: Callable[[int], float]) -> int:
    """Doubles the size for as long as that pays and fits.

    Args:
        most: how many members there are.
        seconds: of one step of a cohort of so many; raises what `is_out_of_memory` tells where it does not fit.

    >>> best_size(100, lambda n: max(n, 16))  # 16 members cost what one does, beyond that each costs more
    16
    """
    best, fastest, size = 1, 0.0, 1
    while True:
        try:
            rate = size / seconds(size)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return best
        if rate < WORTHWHILE * fastest:
            return best
        best, fastest = size, rate
        if size == min(most, LARGEST):
            return best
        size = min(2 * size, most, LARGEST)
