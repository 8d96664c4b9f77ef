"""How long cohorts will take, from a few iterations and evaluations of each kind timed here and now."""

import dataclasses
import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from binarygan.arithmetic.process import keep_freed_memory, use_one_thread
from binarygan.config import MemberConfig
from binarygan.data.images import Images
from binarygan.metrics.evaluation import evaluate
from binarygan.metrics.scores import reference_of
from binarygan.training.trainer import Trainer
from study.design.cohorts import Cohort

ITERATIONS = {"cpu": 2, "cuda": 50}
"""Of a short epoch: on a GPU its beginning costs as much as many iterations."""
SECONDS = 0.5
"""How long each kind is timed, at least."""
ROW_BYTES, EPOCH_BYTES = 45_000, 75_000
"""Of a member in the store, as full-length members have them: preactivated outputs compress to 35 to 70 kB an epoch."""
Kind = tuple[object, ...]


@dataclass(frozen=True)
class Costs:
    """Seconds of this machine, for each kind of cohort."""

    critic_step: dict[Kind, float]
    """Of all its members, the generator's share included."""
    light: dict[tuple[str, bool], float]
    """One member's evaluation after an epoch; by its architecture and whether it is real-valued."""
    full: dict[tuple[str, bool], float]
    """Likewise at the end."""


def seconds_of(cohorts: Sequence[Cohort], data: Images, device: str, places: int) -> list[float]:
    """Seconds that each cohort takes where `places` of them are trained on `data` side by side on this machine."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(places) as pool:  # a core is slower while the others are busy
        measured = pool.starmap(_costs, [(list(cohorts), data, device)] * places, chunksize=1)
    return [sum(_seconds(cohort, costs) for costs in measured) / places for cohort in cohorts]


def hours(seconds: Sequence[float], places: int) -> float:
    """Hours of cohorts that take so many seconds each, `places` side by side: no less than the longest takes."""
    return max(sum(seconds) / places, max(seconds)) / 3600


def megabytes(cohort: Cohort) -> float:
    """What a cohort leaves in the store: its rows, an epoch's samples and histogram each, its generators."""
    shared = cohort.members[0]
    weights = sum(math.prod(shape) for shape in shared.generator_layers().parameter_shapes().values())
    return len(cohort.members) * (ROW_BYTES + EPOCH_BYTES * shared.epochs + 4 * weights) / 1e6


def _seconds(cohort: Cohort, costs: Costs) -> float:
    total = costs.critic_step[_kind(cohort)] * cohort.critic_steps()
    for member in cohort.members:
        scored = _scored(member)
        total += costs.light[scored] * (member.epochs - 1) + costs.full[scored]
    return total


def _kind(cohort: Cohort) -> Kind:
    return (*cohort.members[0].cohort_key, len(cohort.members), any(m.neuron == "stochastic" for m in cohort.members))


def _scored(member: MemberConfig) -> tuple[str, bool]:
    return member.architecture, member.neuron == "real"


def _costs(cohorts: list[Cohort], data: Images, device: str) -> Costs:
    use_one_thread()
    keep_freed_memory()
    kinds = {_kind(c): c for c in cohorts}
    critic_step = {kind: seconds_a_critic_step(c.members, device) for kind, c in kinds.items()}
    members = {_scored(m): m for c in cohorts for m in c.members}
    light = {scored: _evaluation(m, data, device, full=False) for scored, m in members.items()}
    full: dict[tuple[str, bool], float] = {}
    for architecture, member in {m.architecture: m for m in members.values()}.items():
        binary = dataclasses.replace(member, neuron="deterministic")
        full[architecture, False] = _evaluation(binary, data, device, full=True)
        # real-valued members are scored twice, once for each binarization; drawing the samples is little beside that
        full[architecture, True] = 2 * full[architecture, False]
    return Costs(critic_step=critic_step, light=light, full=full)


def seconds_a_critic_step(members: Sequence[MemberConfig], device: str) -> float:
    """Of a cohort of these members, the generator's step included in its critic steps; after a first short epoch."""
    iterations = ITERATIONS[device]
    images = iterations * members[0].batch_size
    short = [dataclasses.replace(m, train_images=images, critic_schedule="constant") for m in members]
    trainer = Trainer(short, torch.zeros(images, 784, dtype=torch.uint8), device=torch.device(device))

    def epoch() -> None:
        float(trainer.train_epoch().generator_loss.sum())  # waits for the device

    epoch()
    return _mean(epoch) / (iterations * short[0].critic_steps)


def _evaluation(member: MemberConfig, data: Images, device: str, *, full: bool) -> float:
    place = torch.device(device)
    reference = reference_of(data, place)
    trainer = Trainer([member], torch.zeros(1, 784, dtype=torch.uint8), device=place)
    trainer.epochs_done = 1
    if not full:
        evaluate(trainer, 0, reference, full=False)  # the reference's own numbers are computed once
    return _mean(lambda: evaluate(trainer, 0, reference, full=full))


def _mean(run: Callable[[], object]) -> float:
    start, times = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        run()
        times += 1
    return (time.perf_counter() - start) / times
