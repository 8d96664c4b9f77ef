"""All metrics of a set of binary images against the reference images of a data set.

Shapes: N images (N, 28, 28), bool.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from binarygan.arithmetic.products import exact_arithmetic
from binarygan.data.images import Images
from binarygan.metrics.measured import ImageSet, Reference
from binarygan.metrics.names import OF_IMAGES


@lru_cache(maxsize=2)
def reference_of(data: Images, device: torch.device, reference: str = "test") -> Reference:
    """The reference images of a data set, `test` or `validation`, kept for the next call."""
    images = _unpacked(data.packed[data.references(reference)], device)
    train = _unpacked(data.packed[: data.count("train", reference)], device)
    return Reference(images=images, train=train, extractors=reference)


def _unpacked(packed: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.unpackbits(packed, axis=1)).to(device).bool().view(-1, 28, 28)


def light_scores(images: Tensor, reference: Reference) -> dict[str, float]:
    """The metrics of images that are cheap enough for every epoch, by their names."""
    return full_scores(images, reference, light=True)


@torch.no_grad()
def full_scores(images: Tensor, reference: Reference, *, light: bool = False) -> dict[str, float]:
    """All metrics of images, by their names.

    Args:
        light: those alone that are cheap enough for every epoch.

    Raises:
        ValueError: too few images.
        UserError: a metric gives no number, or one out of its range.
    """
    samples = ImageSet(images, reference.extractors)
    with exact_arithmetic():
        return {m.name: m.measure(samples, reference) for m in OF_IMAGES if m.light or not light}
