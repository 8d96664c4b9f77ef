"""What a member's generator gives at the end of an epoch: the samples of the fixed z, a histogram, metrics.

G(z) at evaluation is defined by the generator alone: a batch-normalized layer uses its population statistics, those
over 10,000 z of a stream of their own, so what z gives never depends on which other z are in its batch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from binarygan.architectures import IMAGE_SIZE
from binarygan.layers import Statistics
from binarygan.metrics.names import BERNOULLI, columns
from binarygan.metrics.preactivations import histogram, of_histogram
from binarygan.scores import Reference, full_scores, light_scores
from binarygan.streams import derived_generator
from binarygan.training import Trainer

FIXED_SAMPLES = 64
EVALUATION_SAMPLES = 10_000
CHUNK = 2_500
"""Samples at a time: bounds the memory, changes no result."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Of one member after one epoch. All tensors are on the CPU.

    Args:
        bits: the samples of the fixed z (64, 28, 28) bool; a real-valued member's by threshold 0.5.
        bernoulli_bits: a real-valued member's by Bernoulli sampling; None for the others.
        preactivated: their preactivated outputs (64, 28, 28).
        histogram: counts of 7,840,000 preactivated outputs in 1000 bins over [0, 1].
        metrics: of 10,000 samples, by the names of `names.columns`; None where the member has no such number.
    """

    bits: Tensor
    bernoulli_bits: Tensor | None
    preactivated: Tensor
    histogram: Tensor
    metrics: dict[str, float | None]


@torch.no_grad()
def evaluate(trainer: Trainer, member: int, reference: Reference, *, full: bool) -> Evaluation:
    """Evaluate one member of the trainer's cohort as it stands, with draws of its seed and epoch.

    Args:
        full: all metrics, rather than those for every epoch.
    """
    config, epoch = trainer.configs[member], trainer.epochs_done
    parameters = {name: p[member : member + 1] for name, p in trainer.generator_parameters.items()}
    device, dtype = parameters["0.weight"].device, parameters["0.weight"].dtype
    slope = trainer.neurons_at(epoch).slope[member : member + 1]

    def normal(purpose: str, count: int, of_epoch: int) -> Tensor:
        source = derived_generator(config.seed, purpose, of_epoch, device)
        return torch.randn(1, count, config.latent_size, generator=source, device=device, dtype=dtype)

    statistics: Statistics = {}
    trainer.generator(parameters, normal("population latent", EVALUATION_SAMPLES, 0), record=statistics)

    def preactivated(z: Tensor) -> Tensor:
        chunks = [trainer.generator(parameters, part, fixed=statistics) for part in z.split(CHUNK, 1)]
        return torch.sigmoid(slope * torch.cat(chunks, 1))[0]

    def binarized(p: Tensor, kind: str, purpose: str) -> Tensor:
        if kind == "deterministic":
            return p > 0.5
        source = derived_generator(config.seed, purpose, epoch, device)
        return p > torch.rand(p.shape, generator=source, device=device, dtype=dtype)

    kind = "stochastic" if config.neuron == "stochastic" else "deterministic"
    shape = (-1, IMAGE_SIZE, IMAGE_SIZE)
    p = preactivated(normal("evaluation latent", EVALUATION_SAMPLES, epoch))
    fixed = preactivated(normal("fixed latent", FIXED_SAMPLES, 0))
    scores = full_scores if full else light_scores
    found: dict[str, float | None] = dict.fromkeys(columns(light=not full))
    found |= scores(binarized(p, kind, "evaluation thresholds").view(shape), reference)
    bernoulli = None
    if config.neuron == "real":
        of_bernoulli = scores(binarized(p, "stochastic", "evaluation thresholds").view(shape), reference)
        found |= {f"{name}{BERNOULLI}": value for name, value in of_bernoulli.items()}
        bernoulli = binarized(fixed, "stochastic", "fixed thresholds").view(shape).cpu()
    counts = histogram(p)
    found |= of_histogram(counts)
    return Evaluation(
        bits=binarized(fixed, kind, "fixed thresholds").view(shape).cpu(),
        bernoulli_bits=bernoulli,
        preactivated=fixed.view(shape).cpu(),
        histogram=counts.cpu(),
        metrics=found,
    )
