"""The set of metrics: names, faults that each has to see, the extractors behind it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from members import small, tiny_reference, trained_in_name
from torch import Tensor

from binarygan.config import REFERENCES
from binarygan.data.images import Images, load_images
from binarygan.generators import sampling
from binarygan.metrics import evaluation
from binarygan.metrics.extractor import EXTRACTORS, extract, extractors_digest, load_extractor, weights_path
from binarygan.metrics.names import METRICS, OF_IMAGES, OF_PREACTIVATED, columns
from binarygan.metrics.scores import Reference, full_scores, light_scores, reference_of
from tools import train_extractor

COUNT = 2000
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, np.ndarray]:
    data = load_images("mnist")
    assert data.labels is not None
    return torch.from_numpy(data.bits(len(data.packed))).bool().view(-1, 28, 28), data.labels


@pytest.fixture(scope="module")
def reference(digits: tuple[Tensor, np.ndarray]) -> Reference:
    """Of one distribution with `real`, which MNIST's first test images are not."""
    return Reference(images=digits[0][40_000 : 40_000 + COUNT], train=digits[0][:6000])


@pytest.fixture(scope="module")
def real(digits: tuple[Tensor, np.ndarray]) -> Tensor:
    """Images that are not among the reference's."""
    return digits[0][20_000 : 20_000 + COUNT]


@pytest.mark.parametrize("pair", REFERENCES)
def test_extractors_are_accurate_and_small(pair: str, digits: tuple[Tensor, np.ndarray]) -> None:
    for name in EXTRACTORS:
        _, probabilities = extract(load_extractor(name, CPU, pair), digits[0][60_000:])
        assert (probabilities.argmax(1).numpy() == digits[1][60_000:]).mean() >= 0.99
    assert sum(weights_path(name, pair).stat().st_size for name in EXTRACTORS) < 1_000_000


def test_what_is_held_out_is_compared_with_by_extractors_that_did_not_see_it(digits: tuple[Tensor, np.ndarray]) -> None:
    """Samples that are the held-out images are no copies of train images, and have no distance from the reference."""
    reference = reference_of(load_images("mnist"), CPU, "validation")
    assert torch.equal(reference.images, digits[0][50_000:60_000])
    assert torch.equal(reference.train, digits[0][:50_000])
    some = Reference(images=reference.images[:COUNT], train=reference.train, extractors=reference.extractors)
    found = full_scores(reference.images[:COUNT], some)
    assert found["fid"] == pytest.approx(0, abs=1e-4)
    assert found["nearest_test_hamming"] == 0 < found["nearest_train_hamming"]
    own, others = (extract(load_extractor("primary", CPU, pair), some.images)[0] for pair in ("validation", "test"))
    assert torch.equal(some.features, own)
    assert not torch.equal(own, others)
    assert extractors_digest("validation") != extractors_digest() == extractors_digest("test")


@pytest.mark.parametrize("name", EXTRACTORS)
def test_no_image_that_is_compared_with_reaches_an_extractors_weights(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Train it on little data, then with other images in place of some."""
    mnist, rng = load_images("mnist"), np.random.default_rng(0)
    assert mnist.labels is not None
    monkeypatch.setattr(train_extractor, "EPOCHS", 1)
    monkeypatch.setattr(train_extractor, "weights_path", lambda name, pair: tmp_path / f"{name}-{pair}")

    def weights(pair: str, others: slice) -> bytes:
        packed, labels = mnist.packed[:400].copy(), np.asarray(mnist.labels)[:400].copy()
        packed[others], labels[others] = rng.integers(0, 256, packed[others].shape, np.uint8), 0
        monkeypatch.setattr(train_extractor, "load_images", lambda _: Images("little", packed, labels, train=320))
        train_extractor.train(name, pair)
        return train_extractor.weights_path(name, pair).read_bytes()

    nothing = slice(0, 0)
    held_out, of_test = slice(267, 320), slice(320, None)
    assert weights("validation", nothing) == weights("validation", held_out) == weights("validation", of_test)
    assert weights("test", nothing) == weights("test", of_test)
    assert weights("test", nothing) != weights("test", held_out), "that pair has seen them"


def test_names_are_what_is_computed(real: Tensor, reference: Reference) -> None:
    full, light = full_scores(real, reference), light_scores(real, reference)
    assert set(full) == {m.name for m in OF_IMAGES}
    assert light == {m.name: full[m.name] for m in OF_IMAGES if m.light}


def noise(real: Tensor, digits: tuple[Tensor, np.ndarray], amount: float) -> Tensor:
    """A share of the pixels flipped."""
    return real ^ (torch.rand(real.shape, generator=torch.Generator().manual_seed(0)) < amount / 5)


def specks(real: Tensor, digits: tuple[Tensor, np.ndarray], amount: float) -> Tensor:
    """Less of the same: too few flipped pixels to touch each other."""
    return noise(real, digits, amount / 10)


def imbalance(real: Tensor, digits: tuple[Tensor, np.ndarray], amount: float) -> Tensor:
    """A share of the images replaced by other images of two classes."""
    two = digits[0][:60_000][torch.from_numpy(np.isin(digits[1][:60_000], (1, 7)))]
    return torch.cat([two[6000 : 6000 + int(amount * COUNT)], real[int(amount * COUNT) :]])


def omission(real: Tensor, digits: tuple[Tensor, np.ndarray], amount: float) -> Tensor:
    """A share of the classes left out, as many images of the others instead."""
    kept = digits[0][10_000:40_000][torch.from_numpy(digits[1][10_000:40_000] >= int(10 * amount))]
    return kept[:COUNT]


def duplication(real: Tensor, digits: tuple[Tensor, np.ndarray], amount: float) -> Tensor:
    """A share of the images replaced by ten of the others, again and again."""
    count = int(amount * COUNT)
    return torch.cat([real[-10:].repeat(count // 10 + 1, 1, 1)[:count], real[count:]])


def copying(real: Tensor, digits: tuple[Tensor, np.ndarray], amount: float) -> Tensor:
    """A share of the images replaced by images of the train split."""
    count = int(amount * COUNT)
    return torch.cat([digits[0][:count], real[count:]])


WORSE = {
    noise: (
        "fid fid_inf fid_check kid two_sample nearest_test_hamming ink_distance pixel_error covariance_error patch_kl",
        "precision density coverage confidence mnist_score",
    ),
    specks: ("isolated_pixel_rate components", "density"),
    imbalance: (
        "fid fid_inf fid_check kid class_kl pixel_error covariance_error ink_distance",
        "coverage classes_covered mnist_score",
    ),
    omission: ("fid fid_inf fid_check kid class_kl", "recall coverage classes_covered mnist_score"),
    duplication: ("fid kid covariance_error", "coverage unique_rate"),
    copying: ("train_duplicates closer_to_train", "nearest_train_hamming"),
}
"""What rises and what falls as a fault grows."""
Fault = Callable[[Tensor, tuple[Tensor, np.ndarray], float], Tensor]
Scores = Callable[[Fault, float], dict[str, float]]


@pytest.fixture(scope="module")
def scores(real: Tensor, digits: tuple[Tensor, np.ndarray], reference: Reference) -> Scores:
    """Of so much of a fault."""
    known = cache(lambda fault, amount: full_scores(fault(real, digits, amount), reference))
    return lambda fault, amount: known(fault if amount or fault is omission else noise, amount)  # none is none


@pytest.mark.parametrize("fault", WORSE, ids=lambda f: f.__name__)
def test_each_metric_sees_its_fault_grow(fault: Fault, scores: Scores) -> None:
    found = [scores(fault, amount) for amount in (0.0, 0.5, 0.95)]
    for names, sign in zip(WORSE[fault], (1, -1), strict=True):
        for name in names.split():
            values = [sign * f[name] for f in found]
            assert values == sorted(values), (name, values)
            assert values[0] < values[-1], (name, values)


def test_every_metric_sees_a_fault(scores: Scores, real: Tensor, reference: Reference) -> None:
    """One that is added, too, before anybody says in `WORSE` which one it is."""
    extremes = [full_scores(same, reference) for same in (torch.zeros_like(real), torch.ones_like(real))]
    faulty = [*(scores(fault, 0.95) for fault in WORSE), *extremes]
    for one in OF_IMAGES:
        sign = {"lower": 1, "higher": -1, "target": 0}[one.better]
        changes = [found[one.name] - scores(noise, 0.0)[one.name] for found in faulty]
        assert any(sign * change > 0 if sign else change != 0 for change in changes), one.name


def test_a_set_against_itself(real: Tensor) -> None:
    found = full_scores(real, Reference(images=real, train=real))
    for name in ("fid", "fid_check", "class_kl", "pixel_error", "covariance_error", "patch_kl", "ink_distance"):
        assert found[name] == pytest.approx(0, abs=1e-4), name
    assert found["train_duplicates"] == found["precision"] == found["recall"] == found["coverage"] == 1


@pytest.mark.usefixtures("small_population")
def test_evaluation_fills_the_columns_and_does_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "EVALUATION_SAMPLES", 1000)
    real, binary = (trained_in_name(small(neuron=neuron), epochs=1) for neuron in ("real", "stochastic"))
    full, light, of_binary = (
        evaluation.evaluate(of, 0, tiny_reference(), full=whole).metrics
        for of, whole in ((real, True), (real, False), (binary, False))
    )
    assert (list(full), list(light)) == (list(columns(light=False)), list(columns(light=True)))
    absent = {name for name, value in full.items() if value is None}
    assert absent == {name for name, metric in METRICS.items() if metric.of == "gates"}
    assert {m.name for m in OF_PREACTIVATED} <= set(light)
    assert of_binary["fid"] is not None
    assert of_binary["fid_bernoulli"] is None
    monkeypatch.setattr(sampling, "CHUNK", 90)
    again = evaluation.evaluate(real, 0, tiny_reference(), full=False).metrics
    for name, value in light.items():
        assert again[name] == (value if value is None else pytest.approx(value, rel=1e-3, abs=1e-5)), name
