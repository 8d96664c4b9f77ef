"""How long cohorts will take, from a few iterations of each kind timed here and now."""

import dataclasses
import time
from collections.abc import Sequence

import torch

from binarygan.training import Trainer
from study.plan import Cohort

ITERATIONS = 2


def seconds_of(cohorts: Sequence[Cohort], device: str) -> list[float]:
    """Seconds of training each cohort would take by itself on this machine; evaluation is not in it."""
    torch.set_num_threads(1)
    per_step: dict[tuple[object, ...], float] = {}
    found = []
    for cohort in cohorts:
        kind = (
            *cohort.members[0].cohort_key,
            len(cohort.members),
            any(m.neuron == "stochastic" for m in cohort.members),
        )
        if kind not in per_step:
            per_step[kind] = _seconds_a_critic_step(cohort, device)
        found.append(per_step[kind] * cohort.critic_steps())
    return found


def _seconds_a_critic_step(cohort: Cohort, device: str) -> float:
    """Of the second of two short epochs, the generator's step included in its critic steps."""
    images = ITERATIONS * cohort.members[0].batch_size
    short = [dataclasses.replace(m, train_images=images, critic_schedule="constant") for m in cohort.members]
    trainer = Trainer(short, torch.zeros(images, 784, dtype=torch.uint8), device=torch.device(device))
    float(trainer.train_epoch().generator_loss.sum())
    start = time.perf_counter()
    float(trainer.train_epoch().generator_loss.sum())  # waits for the device
    return (time.perf_counter() - start) / (ITERATIONS * short[0].critic_steps)
