"""Recorded iterations against plain ones, in steps that are recorded by keeping them (as CUDA graphs: test_gpu.py)."""

import dataclasses
from typing import Any

import pytest
import torch
from members import mixed_cohort, of_counts, small, trainer

BF16 = {"dtype": "bfloat16"}
CASES: list[dict[str, Any]] = [
    {"objective": "gan", "discriminator_norm": "batch"},
    {"objective": "wgan", "neuron": "stochastic"},
    {"objective": "wgan-gp", "neuron": "deterministic"},
    {"objective": "wgan-gp", "discriminator_norm": "batch"},
    {"objective": "wgan-gp", "architecture": "cnn"},
    {"objective": "wgan-gp", "architecture": "gated-mlp"},
    BF16 | {"objective": "gan", "discriminator_norm": "none"},
    BF16 | {"objective": "wgan"},
    BF16 | {"objective": "wgan", "optimizer": "adam", "generator_norm": "none"},
    BF16 | {"objective": "wgan-gp"},
    BF16 | {"objective": "wgan-gp", "generator_norm": "affine", "discriminator_norm": "affine"},
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: " ".join(c.values()))
def test_recorded_is_plain(case: dict[str, Any]) -> None:
    """Between two iterations that are replayed whole another number of critic steps, as warm-up has; slopes change."""
    neuron, choices = case.get("neuron"), {k: v for k, v in case.items() if k != "neuron"}
    configs = mixed_cohort(critic_steps=2, batch_size=8, train_images=24, **choices)
    if neuron:
        configs = [dataclasses.replace(c, neuron=neuron) for c in configs[:2]]
    plain, recorded = trainer(*configs), trainer(*configs)
    recorded.record(lambda step: step)
    for epoch in (1, 2):
        pairs = zip(of_counts(plain, (2, 3, 2), epoch), of_counts(recorded, (2, 3, 2), epoch), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
    assert all(torch.equal(t, recorded.state()[name]) for name, t in plain.state().items())


def test_a_restored_trainer_records_anew() -> None:
    """Replaying what was recorded before would go on updating the old optimizers' states."""
    first, other = trainer(small(critic_steps=2)), trainer(small(critic_steps=2))
    first.train_epoch()
    kept = {name: tensor.clone() for name, tensor in first.state().items()}
    other.record(lambda step: step)
    other.train_epoch()
    other.load_state(kept, 1)
    assert torch.equal(first.train_epoch().discriminator_loss, other.train_epoch().discriminator_loss)
