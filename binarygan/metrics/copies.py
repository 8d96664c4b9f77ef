"""Do samples repeat the train images, or each other?

Shapes: N images as rows of 784 bits, (N, 784) of 0 and 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from binarygan.lazy import torch
from binarygan.metrics.measured import ImageSet, Reference
from binarygan.metrics.names import metric

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 1_000
PIXELS = 784


def nearest_hamming(images: Tensor, others: Tensor) -> Tensor:
    """Number of differing pixels between each image (N, P) and the nearest of `others` (M, P): (N,), float32.

    |a - b| = |a| + |b| - 2 a·b, exact in integers and in float32.

    >>> nearest_hamming(torch.eye(3), torch.ones(1, 3))
    tensor([2., 2., 2.])
    """
    kind = torch.int8 if _fast_integers(images.device) else torch.float32
    columns = images.to(kind).T.contiguous()
    best = torch.full((len(images),), PIXELS, dtype=torch.float32, device=images.device)
    for part in others.split(CHUNK):
        rows = part.to(kind)
        common = torch._int_mm(rows, columns) if kind == torch.int8 else rows @ columns
        distances = torch.sub(part.sum(1, keepdim=True, dtype=common.dtype), common, alpha=2)
        best = torch.minimum(best, distances.amin(0).float())
    return best + images.sum(1)


def _fast_integers(device: torch.device) -> bool:
    """Whether products of int8 matrices are faster than float32's: four times with AVX-512."""
    return device.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX512"


def to_test(samples: ImageSet, reference: Reference) -> Tensor:
    """Distance of each sample to the nearest test image: (N,)."""
    return nearest_hamming(samples.images.flatten(1), reference.images.flatten(1))


def to_blocks(samples: ImageSet, reference: Reference) -> Tensor:
    """Distance of each sample to the nearest image of each block of train images: (blocks, N).

    The train images are taken in blocks of as many as there are test images; the last block may have fewer.
    """
    rows, blocks = samples.images.flatten(1), reference.train.flatten(1).split(len(reference.images))
    return torch.stack([nearest_hamming(rows, block) for block in blocks])


def to_train(samples: ImageSet, reference: Reference) -> Tensor:
    """Distance of each sample to the nearest train image: (N,)."""
    return samples.of(to_blocks, reference).amin(0)


@metric("nearest_train_hamming", "to train", "pixels that differ from the nearest train image", "target")
def nearest_train_hamming(samples: ImageSet, reference: Reference) -> float:
    return float(samples.of(to_train, reference).mean())


@metric("nearest_test_hamming", "to test", "pixels that differ from the nearest test image", "target")
def nearest_test_hamming(samples: ImageSet, reference: Reference) -> float:
    return float(samples.of(to_test, reference).mean())


@metric(
    "closer_to_train",
    "closer to train",
    "how often train images are nearer than as many test images",
    "target",
    most=1,
)
def closer_to_train(samples: ImageSet, reference: Reference) -> float:
    """How often the nearest image of a whole block of train images is nearer than the nearest test image.

    A tie counts half; 0.5 where nothing is memorized (after the data-copying test of Meehan et al. 2020,
    arXiv 2004.05675).
    """
    count = max(1, len(reference.train) // len(reference.images))
    blocks, test = samples.of(to_blocks, reference)[:count], samples.of(to_test, reference)
    return float((blocks < test).float().mean() + (blocks == test).float().mean() / 2)


@metric("train_duplicates", "copies", "share of samples that equal a train image", "lower", most=1)
def train_duplicates(samples: ImageSet, reference: Reference) -> float:
    return float((samples.of(to_train, reference) == 0).float().mean())


@metric("unique_rate", "unique", "different samples over samples", "higher", light=True, most=1)
def unique_rate(samples: ImageSet, *_: object) -> float:
    """Different samples over samples.

    >>> unique_rate(ImageSet(torch.tensor([[[1, 2]], [[1, 2]], [[3, 4]], [[3, 5]]])))
    0.75
    """
    rows = samples.images.flatten(1)
    return len(torch.unique(rows, dim=0)) / len(rows)
