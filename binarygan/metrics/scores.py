"""All metrics of a set of binary images against the reference images of a data set.

Shapes: N images (N, 28, 28), bool.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from binarygan.arithmetic.products import exact_arithmetic
from binarygan.data.images import Images
from binarygan.metrics import bits, classes, copies, features
from binarygan.metrics.extractor import extract, load_extractor

REFERENCE_IMAGES = 10_000


@dataclass(frozen=True, eq=False)
class Reference:
    """What samples are compared with; each part is computed when first needed, then kept.

    Args:
        images: the test split (N, 28, 28); where a data set has none, its last 10,000 images at most.
        train: the train split, which copies are looked for in.
    """

    images: Tensor
    train: Tensor

    @cached_property
    def primary(self) -> tuple[Tensor, Tensor]:
        """Features and class probabilities."""
        return extract(load_extractor("primary", self.images.device), self.images)

    @cached_property
    def check(self) -> Tensor:
        """Features of the second extractor."""
        return extract(load_extractor("check", self.images.device), self.images)[0]

    @cached_property
    def manifold(self) -> features.Manifold:
        return features.manifold(self.primary[0])

    @cached_property
    def class_shares(self) -> Tensor:
        return classes.class_shares(self.primary[1])

    @cached_property
    def ink_counts(self) -> Tensor:
        return bits.ink_counts(self.images)

    @cached_property
    def pixel_means(self) -> Tensor:
        return bits.pixel_means(self.images)

    @cached_property
    def covariances(self) -> Tensor:
        return bits.pair_covariances(self.images)

    @cached_property
    def patch_counts(self) -> Tensor:
        return bits.patch_counts(self.images)


def reference_of(data: Images, device: torch.device) -> Reference:
    """The reference of a data set, kept for the next call."""
    return _reference(_Keyed(data), device)


class _Keyed:
    """A data set that equals another of the same digest and split."""

    def __init__(self, data: Images) -> None:
        self.data = data
        self._key = (data.digest, data.train)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self._key == other._key


@lru_cache(maxsize=2)
def _reference(keyed: _Keyed, device: torch.device) -> Reference:
    data = keyed.data
    train = _unpacked(data.packed[: data.train], device)
    test = _unpacked(data.packed[data.train :], device)
    return Reference(images=test if len(test) else train[-REFERENCE_IMAGES:], train=train)


def _unpacked(packed: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.unpackbits(packed, axis=1)).to(device).bool().view(-1, 28, 28)


@torch.no_grad()
@exact_arithmetic()
def light_scores(images: Tensor, reference: Reference) -> dict[str, float]:
    """The metrics that are cheap enough for every epoch (`names.columns(light=True)`, those of images)."""
    found, probabilities = extract(load_extractor("primary", images.device), images)
    return _light(images, found, probabilities, reference)


@torch.no_grad()
@exact_arithmetic()
def full_scores(images: Tensor, reference: Reference) -> dict[str, float]:
    """All metrics of images.

    Raises:
        ValueError: too few images.
    """
    found, probabilities = extract(load_extractor("primary", images.device), images)
    check, _ = extract(load_extractor("check", images.device), images)
    rows = images.flatten(1)
    return {
        **_light(images, found, probabilities, reference),
        "fid_inf": features.fid_inf(found, reference.primary[0]),
        "fid_check": features.fid(check, reference.check),
        "kid": features.kid(found, reference.primary[0]),
        **features.manifold_metrics(features.manifold(found), reference.manifold),
        **copies.memorization(rows, reference.train.flatten(1), reference.images.flatten(1)),
        "covariance_error": bits.covariance_error(bits.pair_covariances(images), reference.covariances),
        "components": bits.components(images),
    }


def _light(images: Tensor, found: Tensor, probabilities: Tensor, reference: Reference) -> dict[str, float]:
    shares = classes.class_shares(probabilities)
    return {
        "fid": features.fid(found, reference.primary[0]),
        "class_kl": classes.class_kl(shares, reference.class_shares),
        "classes_covered": float(classes.classes_covered(shares, reference.class_shares)),
        "mnist_score": classes.mnist_score(probabilities),
        "confidence": classes.confidence(probabilities),
        "unique_rate": copies.unique_rate(images.flatten(1)),
        "ink": bits.ink(images),
        "ink_distance": bits.ink_distance(bits.ink_counts(images), reference.ink_counts),
        "pixel_error": bits.pixel_error(bits.pixel_means(images), reference.pixel_means),
        "isolated_pixel_rate": bits.isolated_pixel_rate(images),
        "patch_kl": bits.patch_kl(bits.patch_counts(images), reference.patch_counts),
    }
