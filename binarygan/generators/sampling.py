"""Samples of one run: its generator as a function of z, and the binarization of what comes out.

What a z gives depends on the generator alone: a norm over the batch uses population statistics, those over 10,000 z of
a stream of their own, so a sample never depends on which other z are in its batch.

Shapes: n samples, Z latent size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.model.architectures import IMAGE_SIZE
from binarygan.model.networks import Network, Parameters, Statistics, laid_out
from binarygan.model.neurons import NEURONS, Neuron, slope_at
from binarygan.random_streams import derived_generator

POPULATION = 10_000
"""How many z population statistics are over."""
CHUNK = 2_500
"""Samples at a time: bounds the memory, changes no result."""
BLOCK = 500
"""Samples that `draw` computes at a time; part of what a seed gives."""


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """The generator of one run as it stands after an epoch.

    Args:
        slope: s of its output neurons.
        parameters: the generator's, with a member axis of one.
        statistics: mean and variance of the input of each layer whose norm is over the batch.
    """

    config: MemberConfig
    epochs_done: int
    slope: float
    parameters: Parameters
    statistics: Statistics

    @classmethod
    def of(cls, config: MemberConfig, epochs_done: int, parameters: Parameters) -> Self:
        """Of the generator with these parameters; its statistics are measured on their device."""
        own = laid_out({name: p.detach() for name, p in parameters.items()})
        weight = next(iter(own.values()))
        source = derived_generator(config.seed, "population latent", 0, weight.device)
        statistics: Statistics = {}
        z = latent(config, POPULATION, source, weight.dtype)
        generator_of(config)(own, z.unsqueeze(0), record=statistics)
        slope = slope_at(config.slope_rate, epochs_done)
        return cls(config=config, epochs_done=epochs_done, slope=slope, parameters=own, statistics=statistics)

    def __call__(self, z: Tensor) -> Tensor:
        """Preactivated outputs p of s a(z), (n, 28, 28), for any number of z (n, Z)."""
        return torch.cat([self.at_once(part) for part in z.split(CHUNK)])

    def at_once(self, z: Tensor) -> Tensor:
        """The same in one pass."""
        a = generator_of(self.config)(self.parameters, z.unsqueeze(0), fixed=self.statistics)
        return self.neuron.preactivated(self.slope * a).view(-1, IMAGE_SIZE, IMAGE_SIZE)

    @property
    def neuron(self) -> Neuron:
        """Its kind of output neuron."""
        neuron: Neuron = self.config.part("neuron")
        return neuron


def generator_of(config: MemberConfig) -> Network:
    """The generator of a configuration: z (M, N, Z) to the input of the output neurons (M, N, 784)."""
    return Network.of(config.generator_layers(), config.part("dtype").operands)


def latent(config: MemberConfig, count: int, source: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
    """z (count, Z), standard normal."""
    return torch.randn(count, config.latent_size, generator=source, device=source.device, dtype=dtype)


BINARIZATIONS = {"threshold": NEURONS["deterministic"](), "bernoulli": NEURONS["stochastic"]()}
"""How outputs that are not binary become bits after training."""


def binarized(preactivated: Tensor, neuron: Neuron, source: torch.Generator) -> Tensor:
    """Bits of such neurons for preactivated outputs of any shape, bool; noise is taken from `source`."""
    noise = None
    if neuron.draws_noise:
        noise = torch.rand(preactivated.shape, generator=source, device=source.device, dtype=preactivated.dtype)
    return neuron.output(preactivated, noise).bool()


def draw(sampler: Sampler, count: int, *, seed: int, neuron: Neuron | None) -> Iterator[Tensor]:
    """`count` samples from z of the seed, on the CPU, in blocks: (at most 500, 28, 28).

    Whole blocks are drawn and computed, whatever the count, so that a seed's first samples are always the same.

    Args:
        neuron: what binarizes the outputs; None for preactivated outputs.
    """
    cpu = torch.device("cpu")
    for_latent = derived_generator(seed, "drawn latent", 0, cpu)
    for_noise = derived_generator(seed, "drawn thresholds", 0, cpu)
    for first in range(0, count, BLOCK):
        block = sampler.at_once(latent(sampler.config, BLOCK, for_latent))
        if neuron is not None:
            block = binarized(block, neuron, for_noise)
        yield block[: count - first]
