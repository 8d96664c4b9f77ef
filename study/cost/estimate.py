"""How long cohorts will take, estimated from a few iterations and evaluations of each kind timed on this machine."""

import dataclasses
import math
import multiprocessing
import time
from collections.abc import Callable, Sequence

import torch

from binarygan.arithmetic.process import keep_freed_memory, use_one_thread
from binarygan.config import MemberConfig
from binarygan.data.images import Images
from binarygan.metrics.evaluation import evaluate
from binarygan.metrics.scores import reference_of
from binarygan.plugins import load_plugins
from binarygan.training.trainer import Trainer
from study.design.cohorts import Cohort

ITERATIONS = {"cpu": 2, "cuda": 50}
"""How many iterations a timed epoch has: on a GPU the beginning of an epoch costs as much as many iterations."""
SECONDS = 0.5
"""For how long each kind is timed, at least."""
ROW_BYTES, EPOCH_BYTES = 45_000, 75_000
"""Size of a run in the store, and of each of its epochs, of which the preactivated outputs are 35 to 70 kB."""
Kind = tuple[object, ...]
"""What decides how long something takes: a critic step of a cohort with its share of the generator steps, or the
evaluation of a member after an epoch (`light`) or after its last (`full`).
"""


def seconds_of(
    cohorts: Sequence[Cohort], data: Images, device: str, slots: int, plugins: Sequence[str] = ()
) -> list[float]:
    """Seconds that each cohort takes if `slots` trials at a time train on `data` on this machine."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(slots, load_plugins, (plugins,)) as pool:  # at once: a core is slower while the others are busy
        measured = pool.starmap(_costs, [(list(cohorts), data, device)] * slots, chunksize=1)
    return [sum(_seconds(cohort, costs) for costs in measured) / slots for cohort in cohorts]


def hours(seconds: Sequence[float], slots: int) -> float:
    """Hours for cohorts that take these seconds, `slots` at a time; not less than the longest one takes."""
    return max(sum(seconds) / slots, max(seconds)) / 3600


def megabytes(cohort: Cohort, *, keep_state: bool) -> float:
    """The size of a cohort in the store: rows, the samples and histograms of each epoch, generators, training state."""
    shared = cohort.members[0]
    weights, all_weights = (
        sum(math.prod(shape) for layers in networks for shape in layers.parameter_shapes().values())
        for networks in ([shared.generator_layers()], [shared.generator_layers(), shared.discriminator_layers()])
    )
    weights += 3 * all_weights * keep_state  # Adam's two moments beside each
    return len(cohort.members) * (ROW_BYTES + EPOCH_BYTES * shared.epochs + 4 * weights) / 1e6


def _seconds(cohort: Cohort, costs: dict[Kind, float]) -> float:
    total = costs[_step(cohort)] * cohort.critic_steps()
    for member in cohort.members:
        total += costs[_scored(member, "light")] * (member.epochs - 1) + costs[_scored(member, "full")]
    return total


def _step(cohort: Cohort) -> Kind:
    noisy = any(m.part("neuron").draws_noise for m in cohort.members)
    return (*cohort.members[0].cohort_key, len(cohort.members), noisy)


def _scored(member: MemberConfig, how: str) -> Kind:
    return member.architecture, not member.part("neuron").binary, how


def _costs(cohorts: list[Cohort], data: Images, device: str) -> dict[Kind, float]:
    """Seconds on this machine."""
    use_one_thread()
    keep_freed_memory()
    steps = {_step(c): c for c in cohorts}
    costs = {kind: seconds_a_critic_step(c.members, device) for kind, c in steps.items()}
    for member in {_scored(m, ""): m for c in cohorts for m in c.members}.values():
        costs[_scored(member, "light")] = _evaluation(member, data, device, full=False)
        architecture, real, full = _scored(member, "full")
        if (architecture, real, full) not in costs:
            seconds = _evaluation(member, data, device, full=True)
            # a real-valued member is scored twice, once for each binarization; drawing its samples takes little time
            costs |= {
                (architecture, real, full): seconds,
                (architecture, not real, full): seconds * (0.5 if real else 2),
            }
    return costs


def seconds_a_critic_step(members: Sequence[MemberConfig], device: str) -> float:
    """Seconds that a critic step of these members takes, with its share of the generator steps."""
    iterations = ITERATIONS[device]
    images = iterations * members[0].batch_size
    short = [dataclasses.replace(m, train_images=images, critic_schedule="constant") for m in members]
    # not blank: batch normalization of blank images has denormal gradients, which take three times as long
    bits = torch.randint(2, (images, 784), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    trainer = Trainer(short, bits, device=torch.device(device))

    def epoch() -> None:
        float(trainer.train_epoch().generator_loss.sum())  # waits for the device

    epoch()  # the first one prepares what the others use
    return _mean(epoch) / (iterations * short[0].critic_steps)


def _evaluation(member: MemberConfig, data: Images, device: str, *, full: bool) -> float:
    reference = reference_of(data, torch.device(device), member.reference)
    trainer = Trainer([member], torch.zeros(1, 784, dtype=torch.uint8), device=torch.device(device))
    trainer.epochs_done = 1
    if not full:
        evaluate(trainer, 0, reference, full=False)  # computes what the reference keeps
    return _mean(lambda: evaluate(trainer, 0, reference, full=full))


def _mean(run: Callable[[], object]) -> float:
    start, times = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        run()
        times += 1
    return (time.perf_counter() - start) / times
