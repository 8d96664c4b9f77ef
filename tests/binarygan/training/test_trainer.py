"""The trainer: cohorts, checkpoints, schedules."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from members import built_in, mixed_cohort, registered, small, tiny_reference, trainer

from binarygan.errors import UserError
from binarygan.metrics import evaluation
from binarygan.model.architectures import ARCHITECTURES
from binarygan.model.objectives import OBJECTIVES
from binarygan.training import checkpoints
from binarygan.training.schedules import CRITIC_SCHEDULES

BF16 = {"dtype": "bfloat16"}
COHORTS = [
    *({"objective": o, "architecture": a} for o in built_in(OBJECTIVES) for a in built_in(ARCHITECTURES)),
    BF16 | {"objective": "wgan"},
    BF16 | {"objective": "wgan", "optimizer": "adam", "generator_norm": "none"},
    BF16 | {"objective": "wgan-gp"},
    BF16 | {"objective": "wgan-gp", "generator_norm": "affine", "discriminator_norm": "affine"},
]


@pytest.mark.parametrize("choices", COHORTS, ids=lambda c: " ".join(c.values()))
def test_a_member_does_not_depend_on_its_cohort_mates(choices: dict[str, Any]) -> None:
    """In float64 to rounding; in bfloat16 on a CPU, where values are rounded by themselves, too."""
    dtype, rtol, atol = (torch.float32, 2e-6, 1e-5) if "dtype" in choices else (torch.float64, 1e-8, 1e-10)
    configs = mixed_cohort(critic_steps=2, batch_size=8, train_images=16, **choices)
    together = trainer(*configs, dtype=dtype)
    losses = together.train_epoch()
    for i, config in enumerate(configs):
        alone = trainer(config, dtype=dtype)
        own = alone.train_epoch()
        torch.testing.assert_close(losses.discriminator_loss[i], own.discriminator_loss[0], rtol=rtol, atol=atol)
        torch.testing.assert_close(losses.generator_loss[i], own.generator_loss[0], rtol=rtol, atol=atol)
        for name, parameter in alone.generator.parameters.items() if dtype is torch.float64 else ():
            torch.testing.assert_close(together.generator.parameters[name][i], parameter[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("objective", ["wgan", "wgan-gp"])
@pytest.mark.usefixtures("small_population")
def test_a_restored_cohort_continues_bitwise(objective: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "EVALUATION_SAMPLES", 500)
    configs = [small(objective=objective, neuron=n) for n in ("stochastic", "deterministic")]
    configs = [dataclasses.replace(c, seed=i) for i, c in enumerate(configs)]
    straight = trainer(*configs)
    straight.train_epoch()
    checkpoints.save(straight, tmp_path)
    expected = straight.train_epoch()
    resumed = trainer(*configs)
    assert checkpoints.restore(resumed, tmp_path)
    found = resumed.train_epoch()
    assert torch.equal(expected.discriminator_loss, found.discriminator_loss)
    for name, tensor in straight.state().items():
        assert torch.equal(tensor, resumed.state()[name]), name
    before, after = (evaluation.evaluate(t, 0, tiny_reference(), full=False) for t in (straight, resumed))
    assert torch.equal(before.histogram, after.histogram)
    assert before.metrics == after.metrics


def growing(step: int, critic_steps: int) -> int:
    """One critic step more before each generator step."""
    return critic_steps + step


def test_losses_are_means_over_steps() -> None:
    """Of epochs with slopes of their own, whose iterations have different numbers of critic steps."""
    with registered(CRITIC_SCHEDULES, growing=growing):
        config = small(objective="wgan", critic_schedule="growing", critic_steps=1, neuron="real", slope_rate=1.5)
        one, again = trainer(config, dtype=torch.float64), trainer(config, dtype=torch.float64)
        for epoch, counts in ((1, [1, 2]), (2, [3, 4])):
            losses, draws = one.train_epoch(), again.draws(epoch)
            again.set_epoch(epoch)
            each = [again.iteration(batch, draws, n) for batch, n in zip(draws.batches(), counts, strict=True)]
            critic, generator = torch.cat([c for c, _ in each]), torch.stack([g for _, g in each])
            assert len(critic) == sum(counts) == config.critic_steps_in_epoch(epoch)
            torch.testing.assert_close(losses.discriminator_loss, critic.mean(0), rtol=1e-10, atol=1e-12)
            torch.testing.assert_close(losses.generator_loss, generator.mean(0), rtol=1e-10, atol=1e-12)


def test_schedules() -> None:
    config = small(critic_schedule="released", train_images=600 * 16)
    steps = [config.critic_steps_before(t) for t in (0, 24, 25, 499, 500, 501, 1000)]
    assert steps == [100, 100, 5, 5, 100, 5, 100]
    assert [config.critic_steps_in_epoch(e) for e in (1, 2)] == [26 * 100 + 574 * 5, 100 + 599 * 5]
    assert small(critic_schedule="constant").critic_steps_before(0) == 5


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ValueError, match="neuron, slope_rate, seed only"):
        trainer(small(), small(epochs=7))
    with pytest.raises(UserError, match="engine 'refrence' is unknown: did you mean 'reference'"):
        trainer(small(), engine="refrence")


def test_members_that_diverged_are_named() -> None:
    made = trainer(*mixed_cohort())
    made.generator.parameters["0.bias"].detach()[1, 3] = torch.inf
    assert {k: v.tolist() for k, v in made.finite().items()} == {
        "generator": [True, False, True, True],
        "discriminator": [True] * 4,
    }
