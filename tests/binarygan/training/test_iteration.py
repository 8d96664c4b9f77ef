"""Recorded iterations against plain ones, in steps that are recorded by keeping them (as CUDA graphs: test_gpu.py)."""

import dataclasses

import pytest
import torch
from members import mixed_cohort, of_counts, small, trainer


@pytest.mark.parametrize(
    ("architecture", "objective", "norm", "neuron"),
    [
        ("mlp", "gan", "batch", "mixed"),
        ("mlp", "wgan", "none", "stochastic"),
        ("mlp", "wgan-gp", "none", "deterministic"),
        ("mlp", "wgan-gp", "batch", "mixed"),
        ("cnn", "wgan-gp", "none", "mixed"),
    ],
)
def test_recorded_is_plain(architecture: str, objective: str, norm: str, neuron: str) -> None:
    """Two epochs, so that slopes change, in float64 to 1e-10."""
    configs = mixed_cohort(architecture=architecture, objective=objective, discriminator_norm=norm)
    if neuron != "mixed":
        configs = [dataclasses.replace(c, neuron=neuron) for c in configs[:2]]
    plain, recorded = (trainer(*configs, dtype=torch.float64) for _ in range(2))
    recorded.record(lambda step: step)
    for _ in range(2):
        expected, found = plain.train_epoch(), recorded.train_epoch()
        torch.testing.assert_close(found.discriminator_loss, expected.discriminator_loss, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(found.generator_loss, expected.generator_loss, rtol=1e-10, atol=1e-12)
    for name, tensor in plain.state().items():
        torch.testing.assert_close(recorded.state()[name], tensor, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("objective", ["gan", "wgan-gp"])
def test_other_numbers_of_critic_steps_than_the_recorded_one(objective: str) -> None:
    """As warm-up has them: an iteration of pieces between two that are replayed whole."""
    plain, recorded = (trainer(*mixed_cohort(objective=objective), dtype=torch.float64) for _ in range(2))
    recorded.record(lambda step: step)
    losses = [of_counts(t, (5, 7, 5)) for t in (plain, recorded)]
    for expected, found in zip(*losses, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_a_restored_trainer_records_anew() -> None:
    """Replaying what was recorded before would go on updating the old optimizers' states."""
    first = trainer(small(), dtype=torch.float64)
    first.train_epoch()
    kept = {name: tensor.clone() for name, tensor in first.state().items()}
    other = trainer(small(), dtype=torch.float64)
    other.record(lambda step: step)
    other.train_epoch()
    other.load_state(kept, 1)
    expected, found = first.train_epoch(), other.train_epoch()
    torch.testing.assert_close(found.discriminator_loss, expected.discriminator_loss, rtol=1e-10, atol=1e-12)
