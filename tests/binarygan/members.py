"""Small members on real images, and parts that are registered for a test."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.data.images import load_images
from binarygan.generators.sampling import BINARIZATIONS, Sampler, draw
from binarygan.metrics.scores import Reference
from binarygan.model.activations import Relu
from binarygan.model.networks import Network, Parameters
from binarygan.model.objectives import Gan
from binarygan.paper import paper_config
from binarygan.registry import Registry, is_built_in
from binarygan.training.optimizers import Adam
from binarygan.training.trainer import Trainer

CPU = torch.device("cpu")


def small(**choices: Any) -> MemberConfig:
    """A member of two iterations an epoch, with G's norm on its output layer, too, unless another is chosen there."""
    values = {"objective": "wgan-gp", "train_images": 32, "batch_size": 16, "critic_schedule": "constant"}
    values["generator_output_norm"] = choices.get("generator_norm", "batch")
    return paper_config(fidelity="as-described", data_digest=load_images("mnist").digest, **(values | choices))


def mixed_cohort(**choices: Any) -> list[MemberConfig]:
    """Four members of every kind of neuron, with slopes and seeds of their own, three iterations an epoch; gates are
    of binary ones alone."""
    base = small(**({"train_images": 48} | choices))
    kinds = [("stochastic", 5, 1.1), ("deterministic", 5, 1.2), ("real", 6, 1.0), ("stochastic", 7, 1.3)]
    kinds = [kind for kind in kinds if kind[0] != "real" or base.generator_layers().gates is None]
    return [dataclasses.replace(base, neuron=n, seed=s, slope_rate=r) for n, s, r in kinds]


def trainer(
    *configs: MemberConfig, dtype: torch.dtype = torch.float32, device: str = "cpu", engine: str = "auto"
) -> Trainer:
    """A trainer of these members."""
    images = torch.from_numpy(load_images("mnist").bits(configs[0].train_images))
    return Trainer(configs, images, device=torch.device(device), dtype=dtype, engine=engine)


def of_counts(made: Trainer, counts: Sequence[int], epoch: int = 1) -> list[Tensor]:
    """All losses of an epoch's iterations with so many critic steps each."""
    made.set_epoch(epoch)
    draws = made.draws(epoch)
    pairs = zip(draws.batches(), counts, strict=True)
    return [loss for batch, count in pairs for loss in made.iteration(batch, draws, count)]


def trained_in_name(*configs: MemberConfig, epochs: int) -> Trainer:
    """A trainer whose generators are random, their outputs far from 0.5, said to be of so many epochs."""
    made = trainer(*configs)
    moved(made.generator.parameters, by=0.2, seed=1)
    made.epochs_done = epochs
    return made


@torch.no_grad()
def moved(parameters: Parameters, *, by: float, seed: int = 0) -> Parameters:
    """The parameters, away from their first values, at which some gradients vanish."""
    source = torch.Generator().manual_seed(seed)
    for parameter in parameters.values():
        parameter += by * torch.randn(parameter.shape, generator=source, dtype=parameter.dtype)
    return parameters


def networks(config: MemberConfig) -> tuple[Network, Network]:
    """The configuration's generator and discriminator."""
    operands = config.part("dtype").operands
    return Network.of(config.generator_layers(), operands), Network.of(config.discriminator_layers(), operands)


def critic_images(real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
    """The images of a critic step; nothing in the room for interpolated ones may matter."""
    batches = [real, fake] if epsilon is None else [real, fake, torch.full_like(real, torch.nan)]
    return torch.cat(batches, 1)


def drawn(sampler: Sampler, count: int, binarization: str | None, seed: int = 0) -> Tensor:
    """So many samples of a seed; None for preactivated outputs."""
    neuron = BINARIZATIONS[binarization] if binarization else None
    return torch.cat(list(draw(sampler, count, seed=seed, neuron=neuron)))


def tiny_reference(device: str = "cpu") -> Reference:
    """64 test images and 128 train images."""
    data = load_images("mnist")
    bits = torch.from_numpy(data.bits(len(data.packed))).bool().view(-1, 28, 28).to(device)
    return Reference(images=bits[data.train : data.train + 64], train=bits[:128])


def built_in(registry: Registry[Any]) -> list[str]:
    """The names of the project's own parts."""
    return [name for name, part in registry.items() if is_built_in(part)]


class Clipped(Gan):
    """An objective from outside: GAN whose discriminator's parameters are kept small."""

    def constrain(self, parameters: Mapping[str, Tensor]) -> None:
        for p in parameters.values():
            p.detach().clamp_(-0.02, 0.02)


class OtherAdam(Adam):
    """An optimizer from outside that Adam is the parent of."""


class OtherRelu(Relu):
    """An activation from outside."""


@contextmanager
def registered(registry: Registry[Any], **parts: Any) -> Iterator[None]:
    """The parts have these names within the block."""
    for name, part in parts.items():
        registry.register(name, part)
    try:
        yield
    finally:
        for name in parts:
            del registry._parts[name]
