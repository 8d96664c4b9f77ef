"""A member's samples: by formula, as evaluation has them, and by `python -m binarygan.sample`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from members import small, tiny_reference, trained_in_name, trainer
from PIL import Image

from binarygan.cli import sample
from binarygan.cli.evaluate import load_samples
from binarygan.generators import sampling
from binarygan.generators.finding import find_generator
from binarygan.generators.sampling import BLOCK, CHUNK, POPULATION, Sampler, by_bernoulli, draw, latent
from binarygan.metrics.evaluation import evaluate
from binarygan.random_streams import derived_generator
from binarygan.training import checkpoints
from binarygan.training.trainer import Trainer

CPU = torch.device("cpu")
NEURONS = ("deterministic", "stochastic", "real")


@pytest.fixture(scope="module", autouse=True)
def small_population() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sampling, "POPULATION", 600)
        yield


@pytest.fixture(scope="module")
def cohort() -> Trainer:
    """Three members of three epochs, all neurons."""
    return trained_in_name(*(small(neuron=n, seed=i) for i, n in enumerate(NEURONS)), epochs=3)


@pytest.fixture(scope="module")
def samplers(cohort: Trainer) -> dict[str, Sampler]:
    """Of each of them, by neuron."""
    parts = [{n: p[i : i + 1] for n, p in cohort.generator_parameters.items()} for i in range(3)]
    return {c.neuron: Sampler.of(c, 3, p) for c, p in zip(cohort.configs, parts, strict=True)}


@pytest.fixture(scope="module")
def results(cohort: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cohort at its end in one study; one member of it after an epoch in another, with a damaged file beside."""
    root = tmp_path_factory.mktemp("results")
    checkpoints.save_generators(cohort, root / "long" / "checkpoints" / "cohort")
    early = trainer(cohort.configs[1])
    early.train_epoch()
    checkpoints.save(early, root / "early" / "checkpoints" / "alone")
    (root / "early" / "checkpoints" / "broken").mkdir()
    (root / "early" / "checkpoints" / "broken" / "final.safetensors").write_bytes(b"\x05")
    return root


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
    assert torch.equal(by_bernoulli(p, derived_generator(config.seed, "fixed thresholds", 3, CPU)), evaluation.bits)


def test_a_seeds_first_samples_are_always_the_same(samplers: dict[str, Sampler]) -> None:
    for neuron, binarization in (("stochastic", "bernoulli"), ("deterministic", "threshold"), ("real", None)):

        def drawn(count: int, seed: int = 5, of: str = neuron, how: str | None = binarization) -> torch.Tensor:
            return torch.cat(list(draw(samplers[of], count, seed=seed, binarization=how)))

        most = drawn(2 * BLOCK + 1)
        assert most.shape == (2 * BLOCK + 1, 28, 28)
        for count in (1, BLOCK - 1, BLOCK, BLOCK + 1):
            assert torch.equal(drawn(count), most[:count])
        assert not torch.equal(most[:BLOCK], most[BLOCK : 2 * BLOCK])
        assert not torch.equal(drawn(BLOCK, seed=6), most[:BLOCK])


def test_bits_are_those_of_the_preactivated_outputs(samplers: dict[str, Sampler]) -> None:
    def drawn(binarization: str | None) -> torch.Tensor:
        return torch.cat(list(draw(samplers["real"], 2000, seed=0, binarization=binarization)))

    p, hard, noisy = drawn(None), drawn("threshold"), drawn("bernoulli")
    assert torch.equal(hard, p > 0.5)
    expected, variance = p.double().mean(), (p * (1 - p)).double().mean() / p.numel()
    assert abs(noisy.double().mean() - expected) < 5 * variance**0.5
    for low in (0.1, 0.4, 0.8):
        inside = (p > low) & (p < low + 0.1)
        assert noisy[inside].double().mean() == pytest.approx(float(p[inside].mean()), abs=0.01)


def run(*words: object, results: Path) -> int:
    return sample.main([*map(str, words), "--results", str(results)])


def test_the_command_writes_arrays_and_pictures(
    cohort: Trainer, results: Path, samplers: dict[str, Sampler], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stochastic, real = (cohort.configs[i].member_id for i in (1, 2))
    bits, picture, outputs = (tmp_path / n for n in ("bits.npy", "bits.png", "outputs.npy"))
    assert run(stochastic, "-n", 600, "-o", bits, "-o", picture, "--seed", 4, results=results) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.count("\n") == 2
    assert f"member {stochastic} (stochastic, wgan-gp, mlp) after 3 of 20 epochs" in said.out
    array = np.load(bits)
    assert array.dtype == np.uint8
    expected = torch.cat(list(draw(samplers["stochastic"], 600, seed=4, binarization="bernoulli")))
    np.testing.assert_array_equal(array, expected.numpy())
    assert torch.equal(load_samples(bits), expected)
    with Image.open(picture) as image:
        assert image.size == (25 * 30 + 2, 24 * 30 + 2)
        first = np.asarray(image.convert("L"))[2:30, 2:30]
    np.testing.assert_array_equal(first, array[0] * 255)
    assert run(real, "-n", 7, "-o", outputs, "--preactivated", results=results) == 0
    expected = torch.cat(list(draw(samplers["real"], 7, seed=0, binarization=None)))
    assert np.load(outputs).dtype == np.float32
    np.testing.assert_array_equal(np.load(outputs), expected.numpy())
    for binarization in ("threshold", "bernoulli"):
        assert run(real, "-n", 7, "-o", bits, "--binarization", binarization, results=results) == 0
        expected = torch.cat(list(draw(samplers["real"], 7, seed=0, binarization=binarization)))
        np.testing.assert_array_equal(np.load(bits), expected.numpy())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bits.npy", "bits.png", "outputs.npy"]


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
        assert torch.equal(sampler.parameters["0.weight"], cohort.generator_parameters["0.weight"][1:2])
    early = find_generator(str(results / "early" / "checkpoints" / "alone"), results="none")
    assert (early.config, early.epochs_done) == (config, 1)


def test_mistakes_are_one_line_and_status_2(
    cohort: Trainer, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = sorted(c.member_id for c in cohort.configs)
    out = tmp_path / "out.npy"
    folder = results / "long" / "checkpoints" / "cohort"
    diverged = trained_in_name(small(seed=8), epochs=1)
    with torch.no_grad():
        diverged.generator_parameters["1.bias"][0, 3] = float("nan")
    checkpoints.save_generators(diverged, tmp_path / "diverged")
    steep = trained_in_name(small(seed=9, slope_rate=1e300), epochs=20)
    checkpoints.save_generators(steep, tmp_path / "steep")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((folder / "final.safetensors").read_bytes()[:-9])
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.npy").mkdir()
    cases = {
        ("ffffffffffffffff", "-o", out): f"in {results}/*/checkpoints/*/*.safetensors, which has {', '.join(ids)}",
        ("ffff", "-o", out, "--results", tmp_path): "where there are none",
        ("nowhere://x", "-o", out): "is on no file system that is known here",
        ("f" * 300, "-o", out): "cannot be read: File name too long",
        (tmp_path / "empty", "-o", out): "holds neither final.safetensors nor epoch-",
        (cut, "-o", out): "is damaged: it has",
        (folder, "-o", out): f"choose one with --member: {', '.join(ids)}",
        (folder, "-o", out, "--member", "ffff"): f"which has {', '.join(ids)}",
        (ids[0], "-o", out, "--member", ids[0]): "--member is for checkpoints",
        (tmp_path / "diverged", "-o", out): "not finite",
        (tmp_path / "steep", "-o", out): "slope_rate=1e+300",
        (ids[0], "-o", out, "-n", 0): "at least 1",
        (ids[0], "-o", out, "-n", "many"): "invalid int value",
        (ids[0], "-o", tmp_path / "out.jpg"): "none of the endings .npy, .png",
        (ids[0], "-o", tmp_path / "none" / "out.npy"): "cannot be written: No such file",
        (ids[0], "-o", tmp_path / "folder.npy"): "cannot be written: it is a folder",
        (ids[0],): "required: -o",
        (cohort.configs[0].member_id, "-o", out, "--binarization", "bernoulli"): "is deterministic",
        (ids[0], "-o", out, "--binarization", "bernoulli", "--preactivated"): "no effect",
    }
    for words, reason in cases.items():
        assert run(*words, results=results) == 2 if "--results" not in words else sample.main([*map(str, words)]) == 2
        error = capsys.readouterr().err
        assert reason in error
        assert error.count("\n") == 1, error
    assert not out.exists()
    assert not list(tmp_path.glob(".partial-*"))


def test_an_ambiguous_id_lists_what_it_may_mean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configs = [small(seed=seed) for seed in range(17)]  # 16 first digits: two begin with the same
    first = [c.member_id[0] for c in configs]
    twice = next(d for d in first if first.count(d) > 1)
    few = [c for c in configs if c.member_id[0] == twice]
    checkpoints.save_generators(trained_in_name(*few, epochs=1), tmp_path / "s" / "checkpoints" / "c")
    assert run(twice, "-o", tmp_path / "out.npy", results=tmp_path) == 2
    assert ", ".join(sorted(c.member_id for c in few)) in capsys.readouterr().err


def test_a_reader_that_leaves_gets_no_traceback() -> None:
    """The pipe's other end is closed before anything is said."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        words = [sys.executable, "-m", "binarygan.evaluate", "--help"]
        process = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)
    assert process.stderr == ""
