"""How many members one trial trains together on a GPU: the size that trains most members an hour, measured."""

from collections.abc import Callable, Sequence

import torch

from binarygan.config import MemberConfig
from study.estimate import seconds_a_critic_step

LARGEST = 256
WORTHWHILE = 1.05
"""A size has to train so many times the members an hour that the size before it did."""


def fastest_size(members: Sequence[MemberConfig], device: str) -> int:
    """How many of these members, which fit into one cohort, to train at a time on this device."""
    return best_size(len(members), lambda n: seconds_a_critic_step(members[:n], device))


def best_size(most: int, seconds: Callable[[int], float]) -> int:
    """Doubles the size for as long as that pays and fits.

    Args:
        most: how many members there are.
        seconds: of one step of a cohort of so many; raises torch.OutOfMemoryError where it does not fit.

    >>> best_size(100, lambda n: max(n, 16))  # 16 members cost what one does, beyond that each costs more
    16
    """
    best, fastest, size = 1, 0.0, 1
    while True:
        try:
            rate = size / seconds(size)
        except torch.OutOfMemoryError:
            return best
        if rate < WORTHWHILE * fastest:
            return best
        best, fastest = size, rate
        if size == min(most, LARGEST):
            return best
        size = min(2 * size, most, LARGEST)
