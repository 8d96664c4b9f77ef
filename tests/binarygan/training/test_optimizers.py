"""Optimizers against TensorFlow's rules."""

import pytest
import torch

from binarygan.training.optimizers import OPTIMIZERS, DeviceAdam, Optimizer, TensorFlowAdam


@pytest.mark.parametrize("rule", ["adam", "device adam", "rmsprop"])
@pytest.mark.parametrize("transposed", [False, True])
def test_optimizers_are_tensorflows(rule: str, transposed: bool) -> None:
    """Three steps of each against its formula, with gradients as small as epsilon and stored transposed or not."""
    gradients = [torch.randn(4, 3).T.double() * 1e-7 for _ in range(3)]
    gradients[1] = gradients[1].contiguous()
    w = torch.zeros(3, 4, dtype=torch.float64)
    ours = (w.T.contiguous().T if transposed else w.clone()).requires_grad_()
    optimizer: Optimizer = {
        "adam": lambda: OPTIMIZERS["adam"]().make([ours], 0.1),
        "device adam": lambda: DeviceAdam([ours], lr=0.1, betas=(0.5, 0.9)),
        "rmsprop": lambda: OPTIMIZERS["rmsprop"]().make([ours], 0.1),
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
