"""Distances between two sets of features. Pure functions of tensors.

Shapes: N samples (N, F) and R reference features (R, F).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

CHUNK = 1_000
"""Rows of a distance matrix at a time: 1,000 x 10,000 floats are 40 MB."""
NEIGHBOURS = 5
"""k of precision, recall, density and coverage."""
FID_SIZES = 15


class _Given(nn.Module):
    """The features themselves, in the place of torchmetrics' extractor."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features

    def forward(self, features: Tensor) -> Tensor:
        return features


def fid(samples: Tensor, reference: Tensor) -> float:
    """Fréchet distance of the two sets' Gaussians, in float64 (Heusel et al. 2017, arXiv 1706.08500)."""
    from torchmetrics.image.fid import FrechetInceptionDistance  # seconds that training need not wait for

    metric = FrechetInceptionDistance(feature=_Given(samples.shape[1])).to(samples.device).set_dtype(torch.float64)
    metric.update(samples.double(), real=False)
    metric.update(reference.double(), real=True)
    return max(float(metric.compute()), 0.0)


def fid_inf(samples: Tensor, reference: Tensor) -> float:
    """FID without the bias of finite sets: the intercept of a line through FID against 1/n.

    After Chong & Forsyth 2020 (arXiv 1911.07023), with n of *both* sets, so that neither's bias is left and real
    images against real ones come to 0. 15 values of n, from a fifth of the smaller set to all of it; the subsets
    are the beginnings of one fixed shuffle.
    """
    most = min(len(samples), len(reference))
    sizes = np.unique(np.linspace(max(most // 5, 2), most, FID_SIZES).astype(int))
    source = torch.Generator().manual_seed(0)
    a, b = (x[torch.randperm(len(x), generator=source).to(x.device)] for x in (samples, reference))
    values = [fid(a[:n], b[:n]) for n in sizes.tolist()]
    if len(sizes) < 2:
        return values[0]
    _, intercept = np.polyfit(1 / sizes, values, 1)
    return float(intercept)


def kid(samples: Tensor, reference: Tensor) -> float:
    """Unbiased squared MMD with the kernel (x·y / F + 1)³ (Binkowski et al. 2018, arXiv 1801.01401) of all features.

    All pairs, rather than means over random subsets, so it has no noise of its own.
    """
    n, r = len(samples), len(reference)
    within_samples = _kernel_sum(samples, samples, diagonal=False) / (n * (n - 1))
    within_reference = _kernel_sum(reference, reference, diagonal=False) / (r * (r - 1))
    return within_samples + within_reference - 2 * _kernel_sum(samples, reference, diagonal=True) / (n * r)


def _kernel_sum(a: Tensor, b: Tensor, *, diagonal: bool) -> float:
    total = torch.zeros((), dtype=torch.float64, device=a.device)
    for rows in a.split(CHUNK):
        base = (rows @ b.T).div_(a.shape[1]).add_(1)
        total += base.square().mul_(base).sum(1).sum(dtype=torch.float64)
    if not diagonal:
        total -= (a.square().sum(1) / a.shape[1] + 1).pow(3).sum(dtype=torch.float64)
    return float(total)


@dataclass(frozen=True)
class Manifold:
    """Features with the distance of each to its nearest and its k-th nearest other: (N,) each."""

    features: Tensor
    nearest: Tensor
    radius: Tensor


def manifold(features: Tensor) -> Manifold:
    """The manifold of at least k + 1 features.

    Raises:
        ValueError: fewer of them.
    """
    if len(features) <= NEIGHBOURS:
        raise ValueError(
            f"{len(features)} images are too few: neighbourhoods of k = {NEIGHBOURS} need {NEIGHBOURS + 1}"
        )
    found = []
    for place, distances in _distances(features, features):
        own = torch.arange(len(distances), device=features.device)
        distances[own, place + own] = float("inf")
        found.append(distances.topk(NEIGHBOURS, dim=1, largest=False).values)
    nearest = torch.cat(found)
    return Manifold(features, nearest[:, 0], nearest[:, -1])


def manifold_metrics(samples: Manifold, reference: Manifold) -> dict[str, float]:
    """Precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991), density and coverage (Naeem et al. 2020,
    arXiv 2002.09797), and the leave-one-out accuracy of a 1-nearest-neighbour classifier of samples against reference
    images (Lopez-Paz & Oquab 2017, arXiv 1610.06545), the mean of both sets' accuracies; a tie counts half.
    """
    inside_reference, counts, to_samples = [], [], []
    to_reference = torch.full_like(samples.nearest, float("inf"))
    for place, distances in _distances(reference.features, samples.features):
        radius = reference.radius[place : place + len(distances)]
        within = distances < radius.unsqueeze(1)
        counts.append(within.sum(0))
        inside_reference.append((distances < samples.radius).any(1))
        to_samples.append(distances.amin(1))
        to_reference = torch.minimum(to_reference, distances.amin(0))
    hits = torch.stack(counts).sum(0)
    nearest_sample = torch.cat(to_samples)
    return {
        "precision": float((hits > 0).float().mean()),
        "recall": float(torch.cat(inside_reference).float().mean()),
        "density": float(hits.double().mean() / NEIGHBOURS),
        "coverage": float((nearest_sample < reference.radius).float().mean()),
        "two_sample": (_nearer(reference.nearest, nearest_sample) + _nearer(samples.nearest, to_reference)) / 2,
    }


def _nearer(own: Tensor, other: Tensor) -> float:
    """How often the nearest of the own set is nearer than the nearest of the other."""
    return float((own < other).float().mean() + (own == other).float().mean() / 2)


def _distances(a: Tensor, b: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Euclidean distances of chunks of `a` to all of `b`, each with the place of its first row."""
    for place in range(0, len(a), CHUNK):
        yield place, torch.cdist(a[place : place + CHUNK], b)
