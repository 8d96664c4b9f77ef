"""What a member's generator gives at the end of an epoch: the samples of the fixed z, a histogram, metrics."""

from dataclasses import dataclass

import torch
from torch import Tensor

from binarygan.generators.sampling import BINARIZATIONS, Sampler, binarized, gate_noise, latent
from binarygan.metrics.gates import GateOutputs, of_gates
from binarygan.metrics.names import BERNOULLI, columns
from binarygan.metrics.preactivations import histogram, of_histogram
from binarygan.metrics.scores import Reference, full_scores, light_scores
from binarygan.model.neurons import Neuron
from binarygan.random_streams import derived_generator
from binarygan.training.trainer import Trainer

FIXED_SAMPLES = 64
EVALUATION_SAMPLES = 10_000
"""Drawn at the end of an epoch; no more are scored than there are reference images: sets of one size compare."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Of one member after one epoch. All tensors are on the CPU.

    Args:
        bits: the samples of the fixed z (64, 28, 28) bool; a real-valued member's by threshold 0.5.
        bernoulli_bits: a real-valued member's by Bernoulli sampling; None for the others.
        preactivated: their preactivated outputs (64, 28, 28).
        histogram: counts of 7,840,000 preactivated outputs in 1000 bins over [0, 1].
        metrics: of 10,000 samples (or as many as reference images, if fewer), by the names of `names.columns`; None
            where the member has no such number.
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
    parameters = {name: p[member : member + 1] for name, p in trainer.generator.parameters.items()}
    sampler = Sampler.of(config, epoch, parameters)
    weight = parameters["0.weight"]

    def stream(purpose: str, of_epoch: int = epoch) -> torch.Generator:
        return derived_generator(config.seed, purpose, of_epoch, weight.device)

    def bits(preactivated: Tensor, purpose: str, neuron: Neuron) -> Tensor:
        return binarized(preactivated, neuron, stream(purpose))

    own = sampler.neuron if sampler.neuron.binary else BINARIZATIONS["threshold"]
    on: list[Tensor] = []
    z = latent(config, EVALUATION_SAMPLES, stream("evaluation latent"), weight.dtype)
    p = sampler(z, gate_noise(config, EVALUATION_SAMPLES, stream("evaluation gates"), weight.dtype), record=on)
    z = latent(config, FIXED_SAMPLES, stream("fixed latent", 0), weight.dtype)
    fixed = sampler(z, gate_noise(config, FIXED_SAMPLES, stream("fixed gates", 0), weight.dtype))
    scores = full_scores if full else light_scores
    found: dict[str, float | None] = dict.fromkeys(columns(light=not full))
    count = len(reference.images)
    found |= scores(bits(p, "evaluation thresholds", own)[:count], reference)
    bernoulli = None
    if not sampler.neuron.binary:
        of_bernoulli = scores(bits(p, "evaluation thresholds", BINARIZATIONS["bernoulli"])[:count], reference)
        found |= {f"{name}{BERNOULLI}": value for name, value in of_bernoulli.items()}
        bernoulli = bits(fixed, "fixed thresholds", BINARIZATIONS["bernoulli"]).cpu()
    counts = histogram(p)
    found |= of_histogram(counts)
    if on:
        found |= of_gates(GateOutputs(torch.cat(on), config.generator_layers()))
    return Evaluation(
        bits=bits(fixed, "fixed thresholds", own).cpu(),
        bernoulli_bits=bernoulli,
        preactivated=fixed.cpu(),
        histogram=counts.cpu(),
        metrics=found,
    )
