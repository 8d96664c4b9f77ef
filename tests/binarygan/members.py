"""Small members on real images."""

from typing import Any

import torch

from binarygan.config import MemberConfig, paper_config
from binarygan.data import load_images
from binarygan.scores import Reference
from binarygan.training import Trainer


def small(**choices: Any) -> MemberConfig:
    """A member of two iterations an epoch."""
    values = {"objective": "wgan-gp", "train_images": 32, "batch_size": 16, "critic_schedule": "constant"}
    return paper_config(fidelity="as-described", data_digest=load_images("mnist").digest, **(values | choices))


def trainer(*configs: MemberConfig, dtype: torch.dtype = torch.float32) -> Trainer:
    """A trainer of these members on the CPU."""
    images = torch.from_numpy(load_images("mnist").bits(configs[0].train_images))
    return Trainer(configs, images, device=torch.device("cpu"), dtype=dtype)


def trained_in_name(*configs: MemberConfig, epochs: int) -> Trainer:
    """A trainer whose generators are random, their outputs far from 0.5, said to be of so many epochs."""
    made = trainer(*configs)
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.generator_parameters.values():
            parameter += torch.randn(parameter.shape, generator=source) * 0.2
    made.epochs_done = epochs
    return made


def tiny_reference() -> Reference:
    """64 test images and 128 train images."""
    data = load_images("mnist")
    bits = torch.from_numpy(data.bits(len(data.packed))).bool().view(-1, 28, 28)
    return Reference(images=bits[data.train : data.train + 64], train=bits[:128])
