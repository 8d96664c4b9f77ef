"""Distances between the features of two sets of images.

Shapes: N samples with features (N, F) and R reference images with features (R, F).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from binarygan.lazy import torch
from binarygan.metrics.measured import ImageSet
from binarygan.metrics.names import metric

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 1_000
"""Rows of a distance matrix at a time: 1,000 x 10,000 floats are 40 MB."""
NEIGHBOURS = 5
"""k of precision, recall, density and coverage."""
FID_SIZES = 15


def frechet_distance(samples: Tensor, reference: Tensor) -> float:
    """Fréchet distance of the two sets' Gaussians, in float64 (Heusel et al. 2017, arXiv 1706.08500)."""
    from torchmetrics.image.fid import FrechetInceptionDistance  # seconds that training need not wait for

    given = torch.nn.Identity()  # instead of torchmetrics' own extractor: it is given features
    given.num_features = samples.shape[1]  # type: ignore[assignment]
    found = FrechetInceptionDistance(feature=given).to(samples.device).set_dtype(torch.float64)
    found.update(samples.double(), real=False)
    found.update(reference.double(), real=True)
    return max(float(found.compute()), 0.0)


@metric("fid", "FID", "Fréchet distance of features to the reference images'", "lower", light=True, ratio=True)
def fid(samples: ImageSet, reference: ImageSet) -> float:
    return frechet_distance(samples.features, reference.features)


@metric("fid_inf", "FID∞", "FID extrapolated to infinitely many images", "lower", least=-inf)
def fid_inf(samples: ImageSet, reference: ImageSet) -> float:
    """FID without the bias of finite sets: the intercept of a line through FID against 1/n.

    After Chong & Forsyth 2020 (arXiv 1911.07023), with n of *both* sets, so that neither's bias is left and real
    images against real ones come to 0. 15 values of n, from a fifth of the smaller set to all of it; the subsets
    are the beginnings of one fixed shuffle.
    """
    both = samples.features, reference.features
    most = min(map(len, both))
    sizes = np.unique(np.linspace(max(most // 5, 2), most, FID_SIZES).astype(int))
    source = torch.Generator().manual_seed(0)
    a, b = (x[torch.randperm(len(x), generator=source).to(x.device)] for x in both)
    values = [frechet_distance(a[:n], b[:n]) for n in sizes.tolist()]
    if len(sizes) < 2:
        return values[0]
    _, intercept = np.polyfit(1 / sizes, values, 1)
    return float(intercept)


@metric("fid_check", "FID (check)", "FID by the second extractor", "lower", ratio=True)
def fid_check(samples: ImageSet, reference: ImageSet) -> float:
    return frechet_distance(samples.check_features, reference.check_features)


@metric("kid", "KID", "squared MMD of features, cubic kernel, unbiased", "lower", least=-inf)
def kid(samples: ImageSet, reference: ImageSet) -> float:
    """Unbiased squared MMD with the kernel (x·y / F + 1)³ (Binkowski et al. 2018, arXiv 1801.01401) of all features.

    All pairs, rather than means over random subsets, so it has no noise of its own.
    """
    a, b = samples.features, reference.features
    n, r = len(a), len(b)
    within_samples = _kernel_sum(a, a, diagonal=False) / (n * (n - 1))
    within_reference = _kernel_sum(b, b, diagonal=False) / (r * (r - 1))
    return within_samples + within_reference - 2 * _kernel_sum(a, b, diagonal=True) / (n * r)


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
    """The distance of each image's features to its nearest and its k-th nearest other's: (N,) each."""

    nearest: Tensor
    radius: Tensor


def manifold(images: ImageSet) -> Manifold:
    """The manifold of at least k + 1 images.

    Raises:
        ValueError: fewer of them.
    """
    features = images.features
    if len(features) <= NEIGHBOURS:
        raise ValueError(
            f"{len(features)} images are too few: neighbourhoods of k = {NEIGHBOURS} need {NEIGHBOURS + 1}"
        )
    found = []
    for first, distances in _distances(features, features):
        own = torch.arange(len(distances), device=features.device)
        distances[own, first + own] = inf
        found.append(distances.topk(NEIGHBOURS, dim=1, largest=False).values)
    nearest = torch.cat(found)
    return Manifold(nearest[:, 0], nearest[:, -1])


@dataclass(frozen=True)
class Between:
    """What the distances between N samples and R reference images come to."""

    hits: Tensor
    """Reference neighbourhoods that each sample lies in: (N,)."""
    inside: Tensor
    """Whether each reference image lies in a sample's neighbourhood: (R,)."""
    to_samples: Tensor
    """Distance of each reference image to the nearest sample: (R,)."""
    to_reference: Tensor
    """Distance of each sample to the nearest reference image: (N,)."""


def between(samples: ImageSet, reference: ImageSet) -> Between:
    """All of it in one pass over the distances."""
    own, others = samples.of(manifold), reference.of(manifold)
    inside, counts, to_samples = [], [], []
    to_reference = torch.full_like(own.nearest, inf)
    for first, distances in _distances(reference.features, samples.features):
        radius = others.radius[first : first + len(distances)]
        within = distances < radius.unsqueeze(1)
        counts.append(within.sum(0))
        inside.append((distances < own.radius).any(1))
        to_samples.append(distances.amin(1))
        to_reference = torch.minimum(to_reference, distances.amin(0))
    return Between(torch.stack(counts).sum(0), torch.cat(inside), torch.cat(to_samples), to_reference)


@metric("precision", "precision", "share of samples within the reference's manifold", "higher", most=1)
def precision(samples: ImageSet, reference: ImageSet) -> float:
    """Kynkäänniemi et al. 2019, arXiv 1904.06991."""
    return float((samples.of(between, reference).hits > 0).float().mean())


@metric("recall", "recall", "share of reference images within the samples' manifold", "higher", most=1)
def recall(samples: ImageSet, reference: ImageSet) -> float:
    """Of the same paper."""
    return float(samples.of(between, reference).inside.float().mean())


@metric("density", "density", "reference neighbourhoods a sample lies in, over k", "higher")
def density(samples: ImageSet, reference: ImageSet) -> float:
    """Naeem et al. 2020, arXiv 2002.09797."""
    return float(samples.of(between, reference).hits.double().mean() / NEIGHBOURS)


@metric("coverage", "coverage", "share of reference images with a sample among their k nearest", "higher", most=1)
def coverage(samples: ImageSet, reference: ImageSet) -> float:
    """Of the same paper."""
    return float((samples.of(between, reference).to_samples < reference.of(manifold).radius).float().mean())


@metric("two_sample", "1-NN accuracy", "1-nearest-neighbour two-sample test; 0.5: indistinguishable", "target", most=1)
def two_sample(samples: ImageSet, reference: ImageSet) -> float:
    """The leave-one-out accuracy of a 1-nearest-neighbour classifier of samples against reference images, the mean of
    both sets' accuracies; a tie counts half (Lopez-Paz & Oquab 2017, arXiv 1610.06545).
    """
    both = samples.of(between, reference)
    of_reference = share_nearer(reference.of(manifold).nearest, both.to_samples)
    return (of_reference + share_nearer(samples.of(manifold).nearest, both.to_reference)) / 2


def share_nearer(own: Tensor, other: Tensor) -> float:
    """How often the nearest of the own set is nearer than the nearest of the other; a tie counts half."""
    return float((own < other).float().mean() + (own == other).float().mean() / 2)


def _distances(a: Tensor, b: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Euclidean distances of chunks of `a` to all of `b`, each with the index of its first row."""
    for first in range(0, len(a), CHUNK):
        yield first, torch.cdist(a[first : first + CHUNK], b)
