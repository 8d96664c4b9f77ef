"""Metrics of bits, classes, copies and histograms against hand computations."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Tensor

from binarygan.metrics import bits, classes, copies, preactivations
from binarygan.metrics.measured import ImageSet, Reference


@st.composite
def images(draw: st.DrawFn) -> Tensor:
    count, ink, seed = draw(st.integers(1, 6)), draw(st.floats(0, 1)), draw(st.integers(0, 2**31))
    return torch.rand(count, 28, 28, generator=torch.Generator().manual_seed(seed)) < ink


@settings(max_examples=25, deadline=None)
@given(images())
def test_components_and_patches_are_counted_one_by_one(x: Tensor) -> None:
    counts = [ndimage.label(image, structure=np.ones((3, 3)))[1] for image in x.numpy()]
    assert bits.components(ImageSet(x)) == pytest.approx(np.mean(counts))
    expected: dict[bytes, int] = {}
    for image in x.numpy().astype(np.uint8):
        for i in range(26):
            for j in range(26):
                key = image[i : i + 3, j : j + 3].tobytes()
                expected[key] = expected.get(key, 0) + 1
    found = bits.patch_counts(ImageSet(x))
    assert sorted(found[found > 0].tolist()) == sorted(expected.values())


@settings(max_examples=25, deadline=None)
@given(images(), images(), st.booleans())
def test_nearest_hamming_by_comparison(x: Tensor, y: Tensor, integers: bool) -> None:
    """Both of its ways, with int8 and with float32 products."""
    expected = (x.flatten(1).unsqueeze(1) != y.flatten(1).unsqueeze(0)).sum(2).min(1).values
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "_fast_integers", lambda device: integers)
        assert copies.nearest_hamming(x.flatten(1), y.flatten(1)).tolist() == expected.tolist()


def test_pair_covariances_are_numpys() -> None:
    x = ImageSet(torch.rand(50, 28, 28) < 0.3)
    expected = np.cov(x.images.flatten(1).numpy().T.astype(float), bias=True)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(bits.pair_covariances(x).numpy(), expected, atol=1e-7)
    twice = ImageSet(2 * x.images)  # four times the covariances
    assert bits.covariance_error(twice, x) == pytest.approx(3)


def memorization(images: Tensor, train: Tensor, test: Tensor) -> dict[str, float]:
    samples, reference = ImageSet(images), Reference(images=test, train=train)
    of_train = (copies.nearest_train_hamming, copies.closer_to_train, copies.train_duplicates)
    return {f.__name__: f(samples, reference) for f in of_train}


def test_copies_are_found() -> None:
    source = torch.Generator().manual_seed(0)
    pool = (torch.rand(350, 784, generator=source) < 0.2).to(torch.uint8)
    train, test, new = pool[:200], pool[200:250], pool[250:]
    fair = memorization(new, train, test)
    assert fair["train_duplicates"] == 0
    assert fair["closer_to_train"] == pytest.approx(0.5, abs=0.12)
    copied = memorization(torch.cat([train[150:], new[:50]]), train, test)
    assert copied["train_duplicates"] == 0.5
    assert copied["closer_to_train"] > fair["closer_to_train"] + 0.02
    assert copied["nearest_train_hamming"] < 0.6 * fair["nearest_train_hamming"]


def test_copies_are_found_in_the_last_incomplete_block() -> None:
    pool = (torch.rand(120, 784, generator=torch.Generator().manual_seed(1)) < 0.2).to(torch.uint8)
    assert memorization(pool[100:110], pool[:110], pool[110:])["train_duplicates"] == 1
    assert memorization(pool[95:105], pool[:105], pool[105:])["train_duplicates"] == 1


class Classified(ImageSet):
    """Given by its class probabilities."""

    @property
    def probabilities(self) -> Tensor:
        return self.images


def test_mnist_score() -> None:
    assert classes.mnist_score(Classified(torch.eye(10))) == pytest.approx(10)
    assert classes.mnist_score(Classified(torch.full((7, 10), 0.1))) == pytest.approx(1)


def test_classes() -> None:
    samples, even = Classified(torch.eye(3)[[0] * 98 + [1, 2]]), Classified(torch.eye(3)[[0, 0, 1, 1, 2]])
    assert classes.classes_covered(samples, even) == 1
    assert classes.classes_covered(even, samples) == 3
    assert classes.class_kl(Classified(torch.eye(2)[:1]), Classified(torch.eye(2))) == pytest.approx(np.log(2))
    assert classes.confidence(Classified(torch.tensor([[0.6, 0.4], [0.1, 0.9]]))) == pytest.approx(0.75)


def with_notch(depth: float, seed: int = 0) -> Tensor:
    """10 million values, uniform but for the 0.004 around 0.5."""
    weights = np.ones(1000)
    weights[498:502] *= 1 - depth
    return torch.from_numpy(np.random.default_rng(seed).multinomial(10_000_000, weights / weights.sum()))


def notch(counts: Tensor) -> tuple[float, float]:
    return preactivations.notch(preactivations.Histogram(counts))


def test_notch_is_measured_with_its_error() -> None:
    for depth in (0.0, 0.1, 0.6):
        found = [notch(with_notch(depth, seed)) for seed in range(40)]
        pulls = np.array([(value - depth) / error for value, error in found])
        assert abs(pulls.mean()) < 0.6
        assert 0.6 < pulls.std() < 1.6, "the error is of the size of the scatter"
    sloping = torch.linspace(1000, 3000, 1000).round().long()
    assert notch(sloping)[0] == pytest.approx(0, abs=2e-3)
    assert np.isnan(notch(torch.zeros(1000, dtype=torch.long))).all()


def test_histogram_metrics() -> None:
    values = torch.tensor([0.0, 0.003, 0.3005, 0.5, 0.6995, 0.7005, 0.998, 1.0, float("nan")])
    counts = preactivations.histogram(values)
    assert counts.sum() == 8
    assert (counts[0], counts[3], counts[999], counts[998]) == (1, 1, 1, 1)
    found = preactivations.of_histogram(counts)
    assert found["preactivated_first_bin"] == found["preactivated_last_bin"] == 0.25
    assert found["preactivated_middle_mass"] == 3 / 8
    flat = preactivations.of_histogram(torch.ones(1000, dtype=torch.long))
    assert flat["preactivated_entropy"] == pytest.approx(np.log(250))
