"""What a seed gives: numbers that no version of PyTorch may change without this being noticed."""

import numpy as np
import pytest
import torch
from members import CPU, networks, small
from scipy.stats import kstest, truncnorm

from binarygan.random_streams import SeededDraws, derived_generator, truncated_normal


def assert_begins(found: torch.Tensor, expected: list[float]) -> None:
    np.testing.assert_allclose(found.flatten()[: len(expected)].tolist(), expected, rtol=1e-5, atol=1e-7)


def test_a_member_begins_as_with_torch_2_11_and_2_15() -> None:
    """They agree on normal numbers; of torch.nn.init.trunc_normal_ they have different ones.

    The first number that lay beyond and was drawn again is 130.
    """
    weight = networks(small())[0].initial_parameters([3], "generator", device=CPU)["0.weight"].detach().flatten()
    assert_begins(weight, [0.0205364563, 0.0047651622, -0.0031067042, -0.0111502679])
    assert_begins(weight[130:], [-0.0012943529, 0.0215234198])
    assert float(weight.double().square().sum()) == pytest.approx(40.6271348735, rel=1e-6)
    kernel = networks(small(architecture="cnn"))[1].initial_parameters([3], "discriminator", device=CPU)["0.weight"]
    assert_begins(kernel.detach(), [0.0013058218, -0.0236254893, -0.0069375676])


def test_an_epochs_draws_are_those_of_torch_2_11_and_2_15() -> None:
    draws = SeededDraws([3], noisy=[0], epoch=2, images=200, batch=64, latent=128, outputs=784, device=CPU)
    assert draws.batches()[0, 0, :4].tolist() == [59, 138, 93, 61]
    assert_begins(draws.latent(), [-1.2552233934, -1.0224909783, 0.2531557083])
    assert_begins(draws.noise(), [0.5518440008, 0.7009602785, 0.3769933581])
    assert_begins(draws.epsilon(), [0.4698134661, 0.7934108377, 0.9032183886])


def test_a_truncated_normal_is_scipys() -> None:
    found = truncated_normal((200, 500), 0.02, 0.04, derived_generator(1, "test", 0, CPU))
    assert found.shape == (200, 500)
    assert float(found.abs().max()) <= 0.04
    assert kstest(found.flatten().numpy(), truncnorm(-2, 2, scale=0.02).cdf).pvalue > 0.01
