"""The library: what `import binarygan` gives. A few lines train a run, sample it and score it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from binarygan.config import REFERENCES, MemberConfig
from binarygan.data.images import Images, load_images
from binarygan.errors import UserError, nearest
from binarygan.generators.finding import find_generator
from binarygan.generators.sampling import BINARIZATIONS, Sampler, draw
from binarygan.metrics.feature_distances import NEIGHBOURS
from binarygan.metrics.scores import full_scores, reference_of
from binarygan.paper import paper_config, split_of
from binarygan.training.trainer import EpochLosses, Trainer

DEVICES = ("cpu", "cuda")
Data = str | Path | Images


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A run that was trained: its generator, and the losses of each epoch."""

    config: MemberConfig
    sampler: Sampler = field(repr=False)
    discriminator_losses: tuple[float, ...]
    generator_losses: tuple[float, ...]


def configuration(*, fidelity: str = "as-described", data: Data = "mnist", **choices: Any) -> MemberConfig:
    """The configuration of one run: the paper's, but for the fields that are named.

    Args:
        fidelity: the variant, `as-described` or `as-released`.
        data: a data set's name, the path of an `.npy` of N x 28 x 28, or what `load_images` gave.
        choices: any field of `MemberConfig`; a part's own parameter as `**{"estimator.temperature": 0.5}`. Of images
            as many are trained on as there are, unless `train_images` says so.

    Raises:
        UserError: an unknown field or value, or a combination that cannot be.
    """
    images = _images(data)
    if own := {"data_digest", "part_sources"} & set(choices):
        raise UserError(f"{min(own)} is not chosen: it is that of the data and of the parts")
    reference = str(choices.get("reference", "test"))
    split = str(choices.get("split", split_of(fidelity, reference)))
    usual = {"objective": "wgan-gp", "train_images": images.count(split, reference)}
    config = paper_config(fidelity=fidelity, **(usual | choices), data=images.name, data_digest=images.digest)
    images.check_training(config.train_images, split=config.split, reference=config.reference)
    return config


def train(
    config: MemberConfig,
    *,
    data: Data = "mnist",
    device: str = "cpu",
    engine: str = "auto",
    each_epoch: Callable[[int, EpochLosses], None] | None = None,
) -> Trained:
    """Train a run to its end, as a study trains it alone: on a CPU with one thread, and with the same numbers.

    Args:
        data: what `configuration` was given.
        device: `cpu` or `cuda`.
        engine: `auto` for the fastest that supports the configuration, or `reference`.
        each_epoch: called after each epoch with its number, from 1, and its losses.

    Raises:
        UserError: the data is not that of the configuration.
    """
    images = _images(data)
    if device not in DEVICES or (device == "cuda" and not torch.cuda.is_available()):
        said = "there is no GPU here" if device in DEVICES else f"it is unknown: {nearest(device, DEVICES)}"
        raise UserError(f"device {device!r}: {said}")
    if images.digest != config.data_digest:
        raise UserError(
            f"the configuration is of data with digest {config.data_digest}, {images.name} has {images.digest}"
        )
    losses: list[tuple[float, float]] = []
    with _one_thread():
        bits = torch.from_numpy(images.bits(config.train_images))
        trainer = Trainer([config], bits, device=torch.device(device), engine=engine)
        for epoch in range(1, config.epochs + 1):
            found = trainer.train_epoch()
            losses.append((float(found.discriminator_loss[0]), float(found.generator_loss[0])))
            if each_epoch is not None:
                each_epoch(epoch, found)
        with torch.no_grad():
            sampler = Sampler.of(config, config.epochs, trainer.generator.parameters)
    of_discriminator, of_generator = zip(*losses, strict=True)
    return Trained(config=config, sampler=sampler, discriminator_losses=of_discriminator, generator_losses=of_generator)


@torch.no_grad()
def sample(
    generator: Trained | str | Path,
    count: int,
    *,
    seed: int = 0,
    binarization: str = "threshold",
    results: str = "results",
) -> np.ndarray:
    """Binary samples (count, 28, 28), uint8 of 0 and 1; one seed's first samples are always the same.

    Args:
        generator: what `train` gave, a run's id in a study of `results`, or the path of an exported generator.
        binarization: of a real-valued run's outputs, `threshold` or `bernoulli`.

    Raises:
        UserError: no such run, or no such binarization.
    """
    if binarization not in BINARIZATIONS:
        raise UserError(f"binarization {binarization!r} is unknown: {nearest(binarization, BINARIZATIONS)}")
    if not isinstance(count, int | np.integer) or count < 0:
        raise UserError(f"{count!r} samples: a whole number of them, 0 or more, is needed")
    sampler = generator.sampler if isinstance(generator, Trained) else find_generator(str(generator), results=results)
    neuron = sampler.neuron if sampler.neuron.binary else BINARIZATIONS[binarization]
    blocks = [block.numpy() for block in draw(sampler, count, seed=seed, neuron=neuron)]
    return np.concatenate(blocks).astype(np.uint8) if blocks else np.zeros((0, 28, 28), np.uint8)


def evaluate(samples: np.ndarray, *, data: Data = "mnist", reference: str = "test") -> dict[str, float]:
    """All metrics of images (n, 28, 28) of 0 and 1, by their names (docs/metrics.md).

    Args:
        data: what they are compared with.
        reference: which of its images, `test` or `validation`.

    Raises:
        UserError: the images are of another shape, not binary, or too few.
    """
    array = np.asarray(samples)
    if array.ndim != 3 or array.shape[1:] != (28, 28) or not np.isin(array, (0, 1)).all():
        raise UserError(f"samples of shape {array.shape} and type {array.dtype}: n x 28 x 28 of 0 and 1 are needed")
    if len(array) <= NEIGHBOURS:
        raise UserError(f"{len(array)} samples: at least {NEIGHBOURS + 1} are needed")
    if reference not in REFERENCES:
        raise UserError(f"reference {reference!r} is unknown: {nearest(reference, REFERENCES)}")
    images = _images(data)
    count = len(images.packed[images.references(reference)])
    if count <= NEIGHBOURS:
        raise UserError(f"{count} {reference} images of {images.name}: at least {NEIGHBOURS + 1} are needed")
    of_images = reference_of(images, torch.device("cpu"), reference)
    return full_scores(torch.from_numpy(array.astype(bool)), of_images)


def _images(data: Data) -> Images:
    return data if isinstance(data, Images) else load_images(str(data))


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread in the block, whose results do not depend on how many the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
