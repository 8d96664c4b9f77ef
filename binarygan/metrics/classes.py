"""What a classifier says of samples. Pure functions of class probabilities (N, 10)."""

import torch
from torch import Tensor

COVERED = 0.1


def class_shares(probabilities: Tensor) -> Tensor:
    """Share of images of each likeliest class: (10,), float64."""
    counts = torch.bincount(probabilities.argmax(1), minlength=probabilities.shape[1]).double()
    return counts / counts.sum()


def class_kl(shares: Tensor, reference: Tensor) -> float:
    """KL of the samples' class shares from the reference's, nats.

    >>> round(class_kl(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5])), 4)
    0.6931
    """
    return float(torch.special.xlogy(shares, shares / reference).sum().clamp(min=0))


def classes_covered(shares: Tensor, reference: Tensor) -> int:
    """Classes whose share is at least a tenth of the reference's.

    >>> classes_covered(torch.tensor([0.98, 0.01, 0.01]), torch.tensor([0.4, 0.4, 0.2]))
    1
    """
    return int((shares >= COVERED * reference).sum())


def mnist_score(probabilities: Tensor) -> float:
    """exp of the mean KL of each image's class probabilities from their mean, 1 to 10: the Inception score."""
    p = probabilities.double()
    mean = p.mean(0)
    return float((torch.special.xlogy(p, p).sum(1).mean() - torch.special.xlogy(mean, mean).sum()).exp())


def confidence(probabilities: Tensor) -> float:
    """Mean probability of the likeliest class."""
    return float(probabilities.max(1).values.mean())
