"""Small members on real images."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.data.images import load_images
from binarygan.metrics.scores import Reference
from binarygan.paper import paper_config
from binarygan.training.trainer import Trainer


def small(**choices: Any) -> MemberConfig:
    """A member of two iterations an epoch."""
    values = {"objective": "wgan-gp", "train_images": 32, "batch_size": 16, "critic_schedule": "constant"}
    return paper_config(fidelity="as-described", data_digest=load_images("mnist").digest, **(values | choices))


def mixed_cohort(**choices: Any) -> list[MemberConfig]:
    """Four members of every kind of neuron, with slopes and seeds of their own, three iterations an epoch."""
    base = small(train_images=48, **choices)
    kinds = (("stochastic", 5, 1.1), ("deterministic", 5, 1.2), ("real", 6, 1.0), ("stochastic", 7, 1.3))
    return [dataclasses.replace(base, neuron=n, seed=s, slope_rate=r) for n, s, r in kinds]


def trainer(*configs: MemberConfig, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Trainer:
    """A trainer of these members."""
    images = torch.from_numpy(load_images("mnist").bits(configs[0].train_images))
    return Trainer(configs, images, device=torch.device(device), dtype=dtype)


def of_counts(made: Trainer, counts: Sequence[int]) -> list[Tensor]:
    """All losses of iterations with so many critic steps each."""
    neurons, draws = made.neurons_at(1), made.draws(1)
    return [
        loss
        for batch, count in zip(draws.batches(), counts, strict=True)
        for loss in made.iteration(batch, draws, neurons, count)
    ]


def trained_in_name(*configs: MemberConfig, epochs: int) -> Trainer:
    """A trainer whose generators are random, their outputs far from 0.5, said to be of so many epochs."""
    made = trainer(*configs)
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.generator_parameters.values():
            parameter += torch.randn(parameter.shape, generator=source) * 0.2
    made.epochs_done = epochs
    return made


def tiny_reference(device: str = "cpu") -> Reference:
    """64 test images and 128 train images."""
    data = load_images("mnist")
    bits = torch.from_numpy(data.bits(len(data.packed))).bool().view(-1, 28, 28).to(device)
    return Reference(images=bits[data.train : data.train + 64], train=bits[:128])
