"""What a classifier of digits says of samples.

Shapes: class probabilities (N, 10); shares of the classes (10,).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from binarygan.lazy import torch
from binarygan.metrics.measured import ImageSet
from binarygan.metrics.names import metric

if TYPE_CHECKING:
    from torch import Tensor

COVERED = 0.1


def class_shares(images: ImageSet) -> Tensor:
    """Share of images of each likeliest class: (10,), float64."""
    counts = torch.bincount(images.probabilities.argmax(1), minlength=images.probabilities.shape[1]).double()
    return counts / counts.sum()


@metric("class_kl", "class KL", "KL of the samples' class shares from the reference's, nats", "lower", light=True)
def class_kl(samples: ImageSet, reference: ImageSet) -> float:
    shares = samples.of(class_shares)
    return float(torch.special.xlogy(shares, shares / reference.of(class_shares)).sum().clamp(min=0))


@metric(
    "classes_covered", "classes", "classes with at least a tenth of their share", "higher", light=True, counted=True
)
def classes_covered(samples: ImageSet, reference: ImageSet) -> float:
    """Classes whose share is at least a tenth of the reference's."""
    return float((samples.of(class_shares) >= COVERED * reference.of(class_shares)).sum())


@metric(
    "mnist_score",
    "MNIST score",
    "exp of the mean KL of class probabilities from their mean",
    "higher",
    light=True,
    least=1,
)
def mnist_score(samples: ImageSet, *_: object) -> float:
    """exp of the mean KL of each image's class probabilities from their mean, 1 to 10: the Inception score."""
    p = samples.probabilities.double()
    mean = p.mean(0)
    return float((torch.special.xlogy(p, p).sum(1).mean() - torch.special.xlogy(mean, mean).sum()).exp())


@metric("confidence", "confidence", "mean probability of the likeliest class", "target", light=True, most=1)
def confidence(samples: ImageSet, *_: object) -> float:
    return float(samples.probabilities.max(1).values.mean())
