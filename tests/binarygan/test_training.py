"""The trainer: cohorts, checkpoints, streams."""

import dataclasses
from pathlib import Path

import pytest
import torch
from members import small, tiny_reference, trainer

from binarygan import checkpoints
from binarygan.evaluation import evaluate
from binarygan.optimizers import TensorFlowAdam, TensorFlowRMSprop
from binarygan.schedules import critic_steps


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
@pytest.mark.parametrize("objective", ["gan", "wgan", "wgan-gp"])
def test_a_member_does_not_depend_on_its_cohort_mates(objective: str, architecture: str) -> None:
    base = small(objective=objective, architecture=architecture)
    configs = [
        dataclasses.replace(base, neuron=n, seed=s, slope_rate=r)
        for n, s, r in (("stochastic", 5, 1.1), ("deterministic", 5, 1.2), ("real", 6, 1.0), ("stochastic", 7, 1.0))
    ]
    together = trainer(*configs, dtype=torch.float64)
    losses = together.train_epoch()
    for i, config in enumerate(configs):
        alone = trainer(config, dtype=torch.float64)
        loss = alone.train_epoch().discriminator_loss[0]
        torch.testing.assert_close(losses.discriminator_loss[i], loss, rtol=1e-8, atol=1e-10)
        for name, parameter in alone.generator_parameters.items():
            torch.testing.assert_close(together.generator_parameters[name][i], parameter[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("objective", ["wgan", "wgan-gp"])
def test_a_restored_cohort_continues_bitwise(objective: str, tmp_path: Path) -> None:
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
    before, after = (evaluate(t, 0, tiny_reference(), full=False) for t in (straight, resumed))
    assert torch.equal(before.histogram, after.histogram)
    assert before.metrics == after.metrics


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    member = trainer(small())
    member.train_epoch()
    checkpoints.save(member, tmp_path)
    file = next(tmp_path.glob("epoch-*")) / checkpoints.TENSORS
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(checkpoints.DamagedCheckpointError):
        checkpoints.restore(trainer(small()), tmp_path)
    with pytest.raises(checkpoints.DamagedCheckpointError, match="other members"):
        checkpoints.restore(trainer(small(seed=1)), tmp_path)


def test_what_z_gives_does_not_depend_on_the_other_z() -> None:
    member = trainer(small())
    member.train_epoch()
    statistics: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    member.generator(member.generator_parameters, torch.randn(1, 100, 128), record=statistics)
    z = torch.randn(1, 6, 128)
    both = member.generator(member.generator_parameters, z, fixed=statistics)
    alone = member.generator(member.generator_parameters, z[:, :1], fixed=statistics)
    torch.testing.assert_close(both[:, :1], alone)


def test_released_schedule() -> None:
    config = small(critic_schedule="released")
    assert [critic_steps(config, t) for t in (0, 24, 25, 499, 500, 501, 1000)] == [100, 100, 5, 5, 100, 5, 100]


def test_optimizers_are_tensorflows() -> None:
    """Two steps of each against its formula, with gradients as small as epsilon and stored transposed."""
    gradients = [torch.randn(4, 3).T.contiguous().double() * 1e-7 for _ in range(2)]
    w = torch.zeros(3, 4, dtype=torch.float64)
    for rule in ("adam", "rmsprop"):
        ours = w.clone().requires_grad_()
        optimizer = (
            TensorFlowAdam([ours], lr=0.1, betas=(0.5, 0.9))
            if rule == "adam"
            else TensorFlowRMSprop([ours], lr=0.1, decay=0.9)
        )
        expected, m, v, ms = w.clone(), torch.zeros_like(w), torch.zeros_like(w), torch.ones_like(w)
        for t, g in enumerate(gradients, 1):
            ours.grad = g.clone()
            optimizer.step()
            m, v, ms = 0.5 * m + 0.5 * g, 0.9 * v + 0.1 * g * g, 0.9 * ms + 0.1 * g * g
            adam = 0.1 * (1 - 0.9**t) ** 0.5 / (1 - 0.5**t) * m / (v.sqrt() + 1e-8)
            expected -= adam if rule == "adam" else 0.1 * g / (ms + 1e-8).sqrt()
        torch.testing.assert_close(ours.detach(), expected, rtol=1e-9, atol=0)
