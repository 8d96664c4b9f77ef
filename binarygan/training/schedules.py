"""Schedules: the slope of each epoch, and how many critic steps come before each generator step."""

from collections.abc import Callable

from binarygan.registry import Registry

WARM_UP_STEPS = 100

CriticSchedule = Callable[[int, int], int]
"""(generator step, counted from 0 over the whole training; the configured critic steps) to critic steps."""
CRITIC_SCHEDULES: Registry[CriticSchedule] = Registry("critic schedule")


@CRITIC_SCHEDULES.named("released")
def released(step: int, critic_steps: int) -> int:
    """100 where step < 25 or step % 500 == 0: the paper's released code, with all three objectives."""
    return WARM_UP_STEPS if step < 25 or step % 500 == 0 else critic_steps


@CRITIC_SCHEDULES.named("constant")
def constant(step: int, critic_steps: int) -> int:
    """Always as many as configured."""
    return critic_steps


def slope_at(rate: float, epoch: int) -> float:
    """Slope s in an epoch counted from 1: rate ** (epoch - 1), so 1 in the first.

    >>> slope_at(1.1, 1), round(slope_at(1.1, 3), 4)
    (1.0, 1.21)
    """
    return float(rate ** (epoch - 1))
