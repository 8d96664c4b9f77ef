"""Recorded iterations against plain ones: on a CPU steps are recorded by keeping them, on a GPU as CUDA graphs."""

import dataclasses

import pytest
import torch
from members import small, trainer

from binarygan.config import MemberConfig
from binarygan.data import load_images
from binarygan.training import Trainer


def mixed_cohort(**choices: object) -> list[MemberConfig]:
    base = small(train_images=48, **choices)
    kinds = (("stochastic", 5, 1.1), ("deterministic", 5, 1.2), ("real", 6, 1.0), ("stochastic", 7, 1.3))
    return [dataclasses.replace(base, neuron=n, seed=s, slope_rate=r) for n, s, r in kinds]


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
    recorded.record(lambda step: step, recorded.neurons_at(1))
    for _ in range(2):
        expected, found = plain.train_epoch(), recorded.train_epoch()
        torch.testing.assert_close(found.discriminator_loss, expected.discriminator_loss, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(found.generator_loss, expected.generator_loss, rtol=1e-10, atol=1e-12)
    for name, tensor in plain.state().items():
        torch.testing.assert_close(recorded.state()[name], tensor, rtol=1e-9, atol=1e-11)


def test_a_restored_trainer_records_anew() -> None:
    """Replaying what was recorded before would go on updating the old optimizers' states."""
    first = trainer(small(), dtype=torch.float64)
    first.train_epoch()
    kept = {name: tensor.clone() for name, tensor in first.state().items()}
    other = trainer(small(), dtype=torch.float64)
    other.record(lambda step: step, other.neurons_at(1))
    other.train_epoch()
    other.load_state(kept, 1)
    expected, found = first.train_epoch(), other.train_epoch()
    torch.testing.assert_close(found.discriminator_loss, expected.discriminator_loss, rtol=1e-10, atol=1e-12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")
class TestOnAGpu:
    """What only a GPU can show."""

    @staticmethod
    def of(configs: list[MemberConfig], dtype: torch.dtype = torch.float64) -> Trainer:
        images = torch.from_numpy(load_images("mnist").bits(configs[0].train_images))
        return Trainer(configs, images, device=torch.device("cuda"), dtype=dtype)

    @pytest.mark.parametrize("architecture", ["mlp", "cnn"])
    @pytest.mark.parametrize("objective", ["gan", "wgan", "wgan-gp"])
    def test_graphs_are_eager_steps(self, architecture: str, objective: str, monkeypatch: pytest.MonkeyPatch) -> None:
        configs = mixed_cohort(architecture=architecture, objective=objective)
        captured, eager = self.of(configs), self.of(configs)
        monkeypatch.setattr(eager, "record", lambda *_: None)
        for _ in range(2):
            found, expected = captured.train_epoch(), eager.train_epoch()
            torch.testing.assert_close(found.discriminator_loss, expected.discriminator_loss, rtol=1e-8, atol=1e-10)
        for name, tensor in eager.state().items():
            torch.testing.assert_close(captured.state()[name], tensor, rtol=1e-6, atol=1e-9)

    def test_a_member_does_not_depend_on_its_cohort_mates(self) -> None:
        configs = mixed_cohort()
        together = self.of(configs)
        losses = together.train_epoch()
        for i, config in enumerate(configs):
            alone = self.of([config]).train_epoch()
            torch.testing.assert_close(losses.discriminator_loss[i], alone.discriminator_loss[0], rtol=1e-8, atol=1e-10)

    def test_an_iteration_does_not_wait_for_the_device(self) -> None:
        member = self.of(mixed_cohort(), torch.float32)
        member.train_epoch()
        neurons, draws = member.neurons_at(2), member.draws(2)
        batches = list(draws.batches())
        torch.cuda.set_sync_debug_mode("error")
        try:
            for batch in batches:
                member.iteration(batch, draws, neurons, 5)
        finally:
            torch.cuda.set_sync_debug_mode("default")
