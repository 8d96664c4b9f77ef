"""A trained cohort, its samplers and its files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from members import small, trained_in_name, trainer

from binarygan.generators import sampling
from binarygan.generators.sampling import Sampler
from binarygan.training import checkpoints
from binarygan.training.trainer import Trainer


@pytest.fixture(scope="module")
def small_population() -> Iterator[None]:
    """Population statistics over few z."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sampling, "POPULATION", 600)
        yield


@pytest.fixture(scope="module")
def cohort() -> Trainer:
    """Three members of three epochs, all neurons."""
    return trained_in_name(
        *(small(neuron=n, seed=i) for i, n in enumerate(("deterministic", "stochastic", "real"))), epochs=3
    )


@pytest.fixture(scope="module")
def samplers(cohort: Trainer, small_population: None) -> dict[str, Sampler]:
    """Of each of them, by neuron."""
    parts = [{n: p[i : i + 1] for n, p in cohort.generator.parameters.items()} for i in range(3)]
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
