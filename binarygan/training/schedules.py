"""How many critic steps come before a generator step."""

from binarygan.config import MemberConfig

WARM_UP_STEPS = 100


def critic_steps(config: MemberConfig, step: int) -> int:
    """Critic steps before generator step `step`, counted from 0 over the whole training.

    `constant`: always `config.critic_steps`. `released`: 100 where step < 25 or step % 500 == 0, else
    `config.critic_steps` (the paper's released code, for all three objectives).
    """
    warms_up = config.critic_schedule == "released" and (step < 25 or step % 500 == 0)
    return WARM_UP_STEPS if warms_up else config.critic_steps


def critic_steps_in_epoch(config: MemberConfig, epoch: int) -> int:
    """Critic steps of a whole epoch, counted from 1."""
    first = (epoch - 1) * config.iterations_per_epoch
    return sum(critic_steps(config, first + i) for i in range(config.iterations_per_epoch))
