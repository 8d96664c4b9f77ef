"""Distances of features against direct computations and against other packages."""

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy.linalg import sqrtm
from torch import Tensor

from binarygan.metrics import feature_distances as features
from binarygan.metrics.measured import ImageSet


def normal(count: int, *, shift: float = 0.0, seed: int = 0, width: int = 12) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) + shift


class Featured(ImageSet):
    """Given by its features."""

    @property
    def features(self) -> Tensor:
        return self.images


def metrics(samples: Tensor, reference: Tensor) -> dict[str, float]:
    of_manifolds = (features.precision, features.recall, features.density, features.coverage, features.two_sample)
    return {f.__name__: f(Featured(samples), Featured(reference)) for f in of_manifolds}


def test_fid_is_scipys() -> None:
    a, b = normal(400, seed=1).double() @ torch.randn(12, 12).double(), normal(300, shift=0.3, seed=2).double()
    x, y = a.numpy(), b.numpy()
    covariances = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert features.frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert features.frechet_distance(b, a) == pytest.approx(expected, rel=1e-9)


def test_fid_inf_has_no_bias() -> None:
    """Two draws of one distribution: FID is above 0 by its bias, FID∞ is around it."""
    plain, extrapolated = [], []
    for seed in range(6):
        a, b = normal(1500, seed=2 * seed, width=32), normal(1500, seed=2 * seed + 1, width=32)
        plain.append(features.frechet_distance(a, b))
        extrapolated.append(features.fid_inf(Featured(a), Featured(b)))
    assert min(plain) > 0.2
    assert abs(np.mean(extrapolated)) < 0.15 * np.mean(plain)


def test_kid_is_the_double_sum() -> None:
    a, b = normal(130, seed=1), normal(90, shift=0.4, seed=2)

    def kernel(x: Tensor, y: Tensor) -> float:
        return float((x.double() @ y.double() / len(x) + 1) ** 3)

    within_a = sum(kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j) / (130 * 129)
    within_b = sum(kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j) / (90 * 89)
    between = sum(kernel(x, y) for x in a for y in b) / (130 * 90)
    assert features.kid(Featured(a), Featured(b)) == pytest.approx(within_a + within_b - 2 * between, rel=1e-4)
    assert features.kid(Featured(b), Featured(a)) == pytest.approx(features.kid(Featured(a), Featured(b)), rel=1e-6)


@pytest.mark.parametrize(("shift", "counts"), [(0.0, (300, 300)), (0.8, (1100, 700)), (0.2, (200, 1300))])
def test_manifold_metrics_are_prdcs(shift: float, counts: tuple[int, int]) -> None:
    samples, reference = normal(counts[0], shift=shift, seed=3), normal(counts[1], seed=4)
    expected = compute_prdc(reference.numpy(), samples.numpy(), nearest_k=features.NEIGHBOURS)
    found = metrics(samples, reference)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=2e-3), name


def test_two_sample_is_leave_one_out() -> None:
    samples, reference = normal(60, shift=0.3, seed=5), normal(80, seed=6)
    every = torch.cat([samples, reference])
    distances = torch.cdist(every, every).fill_diagonal_(float("inf"))
    right = (distances.argmin(1) < 60) == (torch.arange(140) < 60)
    expected = (right[:60].float().mean() + right[60:].float().mean()) / 2
    assert metrics(samples, reference)["two_sample"] == pytest.approx(float(expected))


def test_known_answers() -> None:
    a = normal(200)
    same = metrics(a, a)
    assert (same["precision"], same["recall"], same["coverage"], same["two_sample"]) == (1, 1, 1, 0)
    assert features.frechet_distance(a, a) == pytest.approx(0, abs=1e-8)
    apart = metrics(a, a + 1000)
    assert (apart["precision"], apart["recall"], apart["density"], apart["coverage"]) == (0, 0, 0, 0)
    assert apart["two_sample"] == 1
    one = metrics(a[:1].expand(200, -1), a)
    assert (one["precision"], one["recall"]) == (1, 0)
    assert one["coverage"] < 0.1
    there, back = metrics(a, normal(200, seed=9, shift=0.2)), metrics(normal(200, seed=9, shift=0.2), a)
    assert (there["precision"], there["recall"]) == (back["recall"], back["precision"])


def test_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="5 images are too few"):
        features.manifold(Featured(normal(5)))
