"""The trainer: cohorts, checkpoints, streams."""

import dataclasses
from pathlib import Path

import pytest
import torch
from members import small, tiny_reference, trainer

from binarygan.metrics.evaluation import evaluate
from binarygan.training import checkpoints
from binarygan.training.optimizers import DeviceAdam, Optimizer, TensorFlowAdam, TensorFlowRMSprop
from binarygan.training.schedules import critic_steps


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


@pytest.mark.parametrize("rule", ["adam", "device adam", "rmsprop"])
@pytest.mark.parametrize("transposed", [False, True])
def test_optimizers_are_tensorflows(rule: str, transposed: bool) -> None:
    """Three steps of each against its formula, with gradients as small as epsilon and stored transposed or not."""
    gradients = [torch.randn(4, 3).T.double() * 1e-7 for _ in range(3)]
    gradients[1] = gradients[1].contiguous()
    w = torch.zeros(3, 4, dtype=torch.float64)
    ours = (w.T.contiguous().T if transposed else w.clone()).requires_grad_()
    adam = {"lr": 0.1, "betas": (0.5, 0.9)}
    optimizer: Optimizer = {
        "adam": lambda: TensorFlowAdam([ours], **adam),
        "device adam": lambda: DeviceAdam([ours], **adam),
        "rmsprop": lambda: TensorFlowRMSprop([ours], lr=0.1, decay=0.9),
    }[rule]()
    expected, m, v, ms = w.clone(), torch.zeros_like(w), torch.zeros_like(w), torch.ones_like(w)
    for t, g in enumerate(gradients, 1):
        optimizer.update([g])
        m, v, ms = 0.5 * m + 0.5 * g, 0.9 * v + 0.1 * g * g, 0.9 * ms + 0.1 * g * g
        by_adam = 0.1 * (1 - 0.9**t) ** 0.5 / (1 - 0.5**t) * m / (v.sqrt() + 1e-8)
        expected -= 0.1 * g / (ms + 1e-8).sqrt() if rule == "rmsprop" else by_adam
    rtol, atol = (1e-6, 1e-8) if rule == "device adam" else (1e-9, 0)  # the device's learning rate is float32
    torch.testing.assert_close(ours.detach(), expected, rtol=rtol, atol=atol)


def test_an_optimizer_updates_what_it_was_given_or_nothing() -> None:
    with pytest.raises(ValueError, match="neither contiguous nor transposed"):
        TensorFlowAdam([torch.zeros(4, 6)[:, ::2]], lr=0.1, betas=(0.5, 0.9))


def test_states_that_count_different_steps_are_refused() -> None:
    adam = TensorFlowAdam([torch.zeros(2), torch.zeros(3)], lr=0.1, betas=(0.5, 0.9))
    adam.update([torch.ones(2), torch.ones(3)])
    states = adam.state()
    states[1]["step"] = torch.tensor(7.0)
    with pytest.raises(ValueError, match="count different steps"):
        adam.load_state(states)


def test_either_adam_goes_on_from_the_others_state() -> None:
    parameters = [torch.randn(3, 4, dtype=torch.float64).requires_grad_() for _ in range(2)]
    finals = []
    for first, second in ((TensorFlowAdam, DeviceAdam), (DeviceAdam, TensorFlowAdam), (TensorFlowAdam, TensorFlowAdam)):
        own = [p.detach().clone().requires_grad_() for p in parameters]
        before = first(own, lr=0.1, betas=(0.5, 0.9))
        after = second(own, lr=0.1, betas=(0.5, 0.9))
        for step in range(4):
            if step == 2:
                after.load_state(before.state())
            (before if step < 2 else after).update([torch.cos(p.detach() + step) for p in own])
        finals.append(torch.stack([p.detach() for p in own]))
    torch.testing.assert_close(finals[0], finals[2], rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(finals[1], finals[2], rtol=1e-6, atol=1e-7)
