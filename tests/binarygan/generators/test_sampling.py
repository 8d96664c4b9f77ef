"""A member's samples: by formula, as evaluation has them, and however its generator is named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from members import CPU, drawn, tiny_reference

from binarygan.generators import sampling
from binarygan.generators.finding import find_generator
from binarygan.generators.sampling import BLOCK, CHUNK, POPULATION, Sampler, binarized, latent
from binarygan.metrics.evaluation import evaluate
from binarygan.model.neurons import NEURONS
from binarygan.random_streams import derived_generator
from binarygan.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("small_population")


def test_preactivated_outputs_by_formula(samplers: dict[str, Sampler]) -> None:
    """The MLP with batch normalization in double precision, its statistics over z of a stream of their own."""
    assert POPULATION == 10_000
    sampler = samplers["stochastic"]
    w = {name: p[0].double().numpy() for name, p in sampler.parameters.items()}
    z = latent(sampler.config, sampling.POPULATION, derived_generator(1, "population latent", 0, CPU)).double().numpy()
    mine = latent(sampler.config, CHUNK + 7, derived_generator(9, "anything", 0, CPU))
    x = mine.double().numpy()
    for layer in ("0", "1"):
        z, x = (y @ w[f"{layer}.weight"] + w[f"{layer}.bias"] for y in (z, x))
        mean, variance = z.mean(0), z.var(0)
        z, x = ((y - mean) / np.sqrt(variance + 1e-3) * w[f"{layer}.scale"] + w[f"{layer}.shift"] for y in (z, x))
        if layer == "0":
            z, x = np.maximum(z, 0), np.maximum(x, 0)
    expected = 1 / (1 + np.exp(-(1.1**2) * x))
    assert expected.std() > 0.1
    np.testing.assert_allclose(sampler(mine).flatten(1).numpy(), expected, atol=1e-4)


def test_a_finished_member_gives_what_its_evaluation_gave(cohort: Trainer, results: Path) -> None:
    config = cohort.configs[1]
    evaluation = evaluate(cohort, 1, tiny_reference(), full=False)
    sampler = find_generator(config.member_id[:8], results=str(results))
    p = sampler(latent(config, 64, derived_generator(config.seed, "fixed latent", 0, CPU)))
    assert torch.equal(p, evaluation.preactivated)
    assert torch.equal(
        binarized(p, NEURONS["stochastic"](), derived_generator(config.seed, "fixed thresholds", 3, CPU)),
        evaluation.bits,
    )


def test_a_seeds_first_samples_are_always_the_same(samplers: dict[str, Sampler]) -> None:
    for neuron, binarization in (("stochastic", "bernoulli"), ("deterministic", "threshold"), ("real", None)):

        def of_seed(count: int, seed: int = 5, of: str = neuron, how: str | None = binarization) -> torch.Tensor:
            return drawn(samplers[of], count, how, seed=seed)

        most = of_seed(2 * BLOCK + 1)
        assert most.shape == (2 * BLOCK + 1, 28, 28)
        for count in (1, BLOCK - 1, BLOCK, BLOCK + 1):
            assert torch.equal(of_seed(count), most[:count])
        assert not torch.equal(most[:BLOCK], most[BLOCK : 2 * BLOCK])
        assert not torch.equal(of_seed(BLOCK, seed=6), most[:BLOCK])


def test_bits_are_those_of_the_preactivated_outputs(samplers: dict[str, Sampler]) -> None:
    p, hard, noisy = (drawn(samplers["real"], 2000, how) for how in (None, "threshold", "bernoulli"))
    assert torch.equal(hard, p > 0.5)
    expected, variance = p.double().mean(), (p * (1 - p)).double().mean() / p.numel()
    assert abs(noisy.double().mean() - expected) < 5 * variance**0.5
    for low in (0.1, 0.4, 0.8):
        inside = (p > low) & (p < low + 0.1)
        assert noisy[inside].double().mean() == pytest.approx(float(p[inside].mean()), abs=0.01)


def test_what_names_a_generator(cohort: Trainer, results: Path) -> None:
    config = cohort.configs[1]
    folder = results / "long" / "checkpoints" / "cohort"
    ways = [
        find_generator(config.member_id.upper()[:9], results=str(results)),
        find_generator(str(folder), results="none", member=config.member_id[:9]),
        find_generator(str(folder / "final.safetensors"), results="none", member=config.member_id),
    ]
    for sampler in ways:
        assert (sampler.config, sampler.epochs_done) == (config, 3)
        assert torch.equal(sampler.parameters["0.weight"], cohort.generator.parameters["0.weight"][1:2])
    early = find_generator(str(results / "early" / "checkpoints" / "alone"), results="none")
    assert (early.config, early.epochs_done) == (config, 1)
