"""Samples of one member: its generator as a function of z, and the binarization of what comes out.

What z gives is defined by the generator alone: a batch-normalized layer uses its population statistics, those over
10,000 z of a stream of their own, so it never depends on which other z are in the batch.

Shapes: n samples, Z latent size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.model.architectures import IMAGE_SIZE
from binarygan.model.layers import Statistics
from binarygan.model.networks import Parameters, generator
from binarygan.model.neurons import slope_at
from binarygan.random_streams import derived_generator

POPULATION = 10_000
"""How many z population statistics are over."""
CHUNK = 2_500
"""Samples at a time: bounds the memory, changes no result."""
BLOCK = 500
"""Samples that `draw` computes at a time; part of what a seed gives."""


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """The generator of one member as it stands after an epoch.

    Args:
        slope: s of the sigmoid of its output neurons.
        parameters: the generator's, with a member axis of one.
        statistics: mean and variance of each batch-normalized layer's input.
    """

    config: MemberConfig
    epochs_done: int
    slope: float
    parameters: Parameters
    statistics: Statistics

    @classmethod
    def of(cls, config: MemberConfig, epochs_done: int, parameters: Parameters) -> Self:
        """Of the generator with these parameters; its statistics are measured on their device."""
        own = {name: p.detach() for name, p in parameters.items()}
        weight = next(iter(own.values()))
        source = derived_generator(config.seed, "population latent", 0, weight.device)
        statistics: Statistics = {}
        z = latent(config, POPULATION, source, weight.dtype)
        generator(config)(own, z.unsqueeze(0), record=statistics)
        slope = slope_at(config.slope_rate, epochs_done)
        return cls(config=config, epochs_done=epochs_done, slope=slope, parameters=own, statistics=statistics)

    def __call__(self, z: Tensor) -> Tensor:
        """Preactivated outputs sigmoid(s a(z)), (n, 28, 28), of any number of z (n, Z)."""
        return torch.cat([self.at_once(part) for part in z.split(CHUNK)])

    def at_once(self, z: Tensor) -> Tensor:
        """The same in one pass."""
        a = generator(self.config)(self.parameters, z.unsqueeze(0), fixed=self.statistics)
        return torch.sigmoid(self.slope * a).view(-1, IMAGE_SIZE, IMAGE_SIZE)


def latent(config: MemberConfig, count: int, source: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    """z (count, Z), standard normal."""
    return torch.randn(count, config.latent_size, generator=source, device=source.device, dtype=dtype)


def by_threshold(preactivated: Tensor) -> Tensor:
    """Bits of deterministic neurons: 1 above 0.5."""
    return preactivated > 0.5


def by_bernoulli(preactivated: Tensor, source: torch.Generator) -> Tensor:
    """Bits of stochastic neurons: 1 above uniform noise."""
    noise = torch.rand(preactivated.shape, generator=source, device=source.device, dtype=preactivated.dtype)
    return preactivated > noise


def draw(sampler: Sampler, count: int, *, seed: int, binarization: str | None) -> Iterator[Tensor]:
    """`count` samples from z of the seed, on the CPU, in blocks: (at most 500, 28, 28).

    Whole blocks are drawn and computed, whatever the count, so that a seed's first samples are always the same.

    Args:
        binarization: `threshold` or `bernoulli`, for bits; None for preactivated outputs.
    """
    cpu = torch.device("cpu")
    for_latent = derived_generator(seed, "drawn latent", 0, cpu)
    for_noise = derived_generator(seed, "drawn thresholds", 0, cpu)
    for first in range(0, count, BLOCK):
        block = sampler.at_once(latent(sampler.config, BLOCK, for_latent))
        if binarization == "bernoulli":
            block = by_bernoulli(block, for_noise)
        elif binarization == "threshold":
            block = by_threshold(block)
        yield block[: count - first]
