"""Samples of one run: its generator as a function of z, and the binarization of what comes out.

What a z gives depends on the generator alone, and on the noise of its gates where they draw any: a norm over the batch
uses population statistics, those over 10,000 z of a stream of their own, so a sample never depends on which other z are
in its batch.

Shapes: n samples, Z latent size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.model.architectures import IMAGE_SIZE
from binarygan.model.gates import Gate
from binarygan.model.networks import Network, Parameters, Statistics, laid_out
from binarygan.model.neurons import NEURONS, Neuron
from binarygan.random_streams import derived_generator
from binarygan.training.schedules import slope_at

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
        slope = slope_at(config.slope_rate, epochs_done)
        made = cls(config=config, epochs_done=epochs_done, slope=slope, parameters=own, statistics=statistics)
        for_gates = derived_generator(config.seed, "population gates", 0, weight.device)
        v = gate_noise(config, POPULATION, for_gates, weight.dtype)
        generator_of(config)(own, z.unsqueeze(0), record=statistics, gate=made.gate(v))
        return made

    def __call__(self, z: Tensor, v: Tensor | None = None, *, record: list[Tensor] | None = None) -> Tensor:
        """Preactivated outputs p of s a(z), (n, 28, 28), for any number of z (n, Z).

        Args:
            v: `gate_noise` of as many; None where the run's gates draw none.
            record: the outputs of its gates are entered here, (n, gates) in parts; nothing where it has none.
        """
        parts = z.split(CHUNK)
        noise = [None] * len(parts) if v is None else v.split(CHUNK)
        return torch.cat([self.at_once(*part, record=record) for part in zip(parts, noise, strict=True)])

    def at_once(self, z: Tensor, v: Tensor | None = None, *, record: list[Tensor] | None = None) -> Tensor:
        """The same in one pass."""
        gate = self.gate(v)
        a = generator_of(self.config)(self.parameters, z.unsqueeze(0), fixed=self.statistics, gate=gate)
        if gate is not None and record is not None:
            record.append(gate.outputs[0])
        return self.neuron.preactivated(self.slope * a).view(-1, IMAGE_SIZE, IMAGE_SIZE)

    def gate(self, v: Tensor | None) -> Gate | None:
        """Its gates, with this noise (n, gates); None where it has none."""

        def output(a: Tensor, noise: Tensor | None) -> Tensor:
            return self.neuron.output(self.neuron.preactivated(self.slope * a), noise)

        return Gate.of(self.config.generator_layers(), output, None if v is None else v.unsqueeze(0))

    @property
    def neuron(self) -> Neuron:
        """Its kind of output neuron."""
        neuron: Neuron = self.config.part("neuron")
        return neuron


def generator_of(config: MemberConfig) -> Network:
    """The generator of a configuration: z (M, N, Z) to the input of the output neurons (M, N, 784)."""
    return Network.of(config.generator_layers(), config.part("dtype").operands)


def gate_noise(
    config: MemberConfig, count: int, source: torch.Generator, dtype: torch.dtype = torch.float32
) -> Tensor | None:
    """v of its gates (count, gates), uniform on [0, 1); None where they draw none, or it has none."""
    gates = config.generator_layers().gates
    if gates is None or not config.part("neuron").draws_noise:
        return None
    return torch.rand(count, gates.blocks, generator=source, device=source.device, dtype=dtype)


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
    for_gates = derived_generator(seed, "drawn gates", 0, cpu)
    for_noise = derived_generator(seed, "drawn thresholds", 0, cpu)
    for first in range(0, count, BLOCK):
        z, v = latent(sampler.config, BLOCK, for_latent), gate_noise(sampler.config, BLOCK, for_gates)
        block = sampler.at_once(z, v)
        if neuron is not None:
            block = binarized(block, neuron, for_noise)
        yield block[: count - first]
