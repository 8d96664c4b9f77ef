"""What metrics measure: sets of images and reference images. What several metrics need of them is computed once.

Shapes: N images (N, 28, 28), bool; F features, 10 classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Q = TypeVar("Q")


class Measured:
    """A thing that is measured."""

    @cached_property
    def _known(self) -> dict[tuple[Any, ...], Any]:
        return {}

    def of(self, quantity: Callable[..., Q], *others: Any) -> Q:
        """`quantity(self, *others)`, which is computed at the first call and kept as long as this object.

        >>> class Word(Measured): ...
        >>> word, calls = Word(), []
        >>> word.of(calls.append), word.of(calls.append), len(calls)
        (None, None, 1)
        """
        key = (quantity, *others)
        if key not in self._known:
            self._known[key] = quantity(self, *others)
        return self._known[key]


@dataclass(frozen=True, eq=False)
class ImageSet(Measured):
    """Binary images with what the extractors say of them.

    Args:
        images: (N, 28, 28) bool.
        extractors: which pair of extractors, by the reference images that it is for: `test` or `validation`.
    """

    images: Tensor
    extractors: str = "test"

    @property
    def features(self) -> Tensor:
        """Of the first extractor: (N, 64)."""
        return self.of(_extracted, "primary", self.extractors)[0]

    @property
    def probabilities(self) -> Tensor:
        """Of the classes, by the first extractor: (N, 10)."""
        return self.of(_extracted, "primary", self.extractors)[1]

    @property
    def check_features(self) -> Tensor:
        """Of the second extractor: (N, 48)."""
        return self.of(_extracted, "check", self.extractors)[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference(ImageSet):
    """What samples are compared with.

    Args:
        images: those that `binarygan.data.images.Images.references` says.
        train: the train split, which copies are looked for in, without what is held out of it.
    """

    train: Tensor


def _extracted(images: ImageSet, name: str, pair: str) -> tuple[Tensor, Tensor]:
    from binarygan.metrics.extractor import extract, load_extractor  # and with it torch

    return extract(load_extractor(name, images.images.device, pair), images.images)
