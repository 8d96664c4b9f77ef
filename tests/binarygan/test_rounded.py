"""What stays in bfloat16 between a CPU's products, against PyTorch's operations in float32 that are rounded."""

import dataclasses
import struct

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from members import small, trainer
from test_gradients import together
from torch import Tensor

from binarygan import bfloat16_kernels as kernels
from binarygan import piecewise_gradients
from binarygan.bfloat16_kernels import bits
from binarygan.gradients import make_gradients
from binarygan.layers import LEAK
from binarygan.networks import discriminator
from binarygan.objectives import FLOOR, penalty_of
from binarygan.optimizers import TensorFlowAdam
from binarygan.rounded_stage import RoundedStage
from binarygan.rounding_adam import RoundingAdam

BETAS = (0.5, 0.9)
ONE_ROUNDING = 2**-8
TIES = st.integers(0, 0x7F7F).map(lambda high: struct.unpack("f", struct.pack("I", high << 16 | 0x8000))[0])
"""Numbers in the middle between two of bfloat16."""


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


def rows(*shape: int) -> Tensor:
    """Some of them zero, of either sign."""
    values = torch.randn(shape)
    values[..., ::5] = 0.0
    values[..., 1::5] = -0.0
    return values.bfloat16()


@settings(deadline=None)
@example([struct.unpack("f", struct.pack("I", whole))[0] for whole in (0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001)])
@given(st.lists(st.floats(width=32) | TIES, min_size=1, max_size=40))
def test_numbers_are_rounded_as_pytorch_rounds_them(numbers: list[float]) -> None:
    """Ties, infinities and numbers too large for bfloat16 among them; what is not a number stays so."""
    bias = torch.tensor([numbers])
    y = torch.zeros(1, 1, len(numbers), dtype=torch.bfloat16)
    kernels.activate_(bits(y), bias.numpy())
    expected = F.leaky_relu(bias, LEAK).bfloat16()
    torch.testing.assert_close(y[0], expected, rtol=0, atol=0, equal_nan=True)


def test_an_activation_is_pytorchs() -> None:
    y, bias = rows(2, 7, 33), torch.randn(2, 33)
    expected = F.leaky_relu(y.float() + bias.unsqueeze(1), LEAK).bfloat16()
    kernels.activate_(bits(y), bias.numpy())
    assert torch.equal(y, expected)


def test_mixed_images_activation_is_that_of_the_mix() -> None:
    y, bias, mixing = rows(2, 8, 33), torch.randn(2, 33), torch.rand(2, 4, 1)
    activated = torch.full((2, 12, 33), torch.nan, dtype=torch.bfloat16)
    kernels.activate_mixed(bits(activated), bits(y), bias.numpy(), mixing.squeeze(2).numpy())
    linear = y.float() + bias.unsqueeze(1)
    three = torch.cat([linear, torch.lerp(linear[:, 4:], linear[:, :4], mixing)], 1)
    assert torch.equal(activated[:, :8], F.leaky_relu(three, LEAK).bfloat16()[:, :8])
    torch.testing.assert_close(activated.float(), F.leaky_relu(three, LEAK), rtol=ONE_ROUNDING, atol=1e-6)


@pytest.mark.parametrize("first", [0, 4])
def test_a_slope_is_that_of_the_activation(first: int) -> None:
    """Of 0, and of -0, it is the leak."""
    activated, d = rows(2, 12, 33), torch.randn(2, 12 - first, 33).bfloat16()
    kept = activated[:, first:].float() > 0
    expected = torch.where(kept, d.float(), d.float() * LEAK).bfloat16()
    kernels.times_slope_(bits(d), bits(activated), first)
    assert torch.equal(d, expected)


def test_sums_are_of_the_first_examples() -> None:
    d, sums = rows(2, 12, 33), torch.zeros(2, 33)
    kernels.add_up(bits(d), sums.numpy(), 8)
    torch.testing.assert_close(sums, d[:, :8].float().sum(1))


def test_the_penalty_is_that_of_the_objective() -> None:
    """Also at a gradient of 0."""
    gradient = (torch.randn(2, 5, 784) / 28).bfloat16()
    gradient[0, 0] = 0
    expected, derivative = penalty_of(gradient.float(), 10.0)
    penalty = torch.empty(2)
    kernels.penalize_(bits(gradient), penalty.numpy(), 10.0, FLOOR)
    torch.testing.assert_close(penalty, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient.float(), derivative, rtol=ONE_ROUNDING, atol=1e-6)


@pytest.mark.parametrize("transposed", [False, True])
def test_adam_is_the_others_and_its_copy_is_the_parameter(transposed: bool) -> None:
    """Gradients as small as epsilon among them; a state is taken over from TensorFlowAdam in between."""
    weight, bias = torch.randn(2, 30, 20), torch.randn(2, 20)
    lying = weight.mT.contiguous().mT if transposed else weight.clone()
    ours, theirs = ([t.requires_grad_() for t in (lying.clone(), bias.clone())] for _ in range(2))
    rounding = RoundingAdam(ours, [True, False], lr=0.1, betas=BETAS)
    exact = TensorFlowAdam(theirs, lr=0.1, betas=BETAS)
    copy = rounding.operands[0]
    for step in range(6):
        if step == 3:
            rounding.load_state(exact.state())
        by_weight, by_bias = (torch.randn(2, 30, 20) * 1e-7 ** (step % 2)).bfloat16(), torch.randn(2, 20)
        rounding.update([by_weight, by_bias])
        exact.update([by_weight.float(), by_bias])
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    for found, wanted in zip(rounding.state(), exact.state(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-20)
    assert torch.equal(copy.detach(), ours[0].detach().bfloat16())
    assert copy.mT.is_contiguous() is transposed
    assert rounding.operands[1] is ours[1]


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("objective", ["gan", "wgan", "wgan-gp"])
def test_gradients_are_those_of_rounded_operands(objective: str, members: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a discriminator whose values are float32 between products, but for what roundings add up to."""
    config = small(objective=objective, discriminator_norm="none", dtype="bfloat16")
    network = discriminator(config)
    parameters = network.initial_parameters(range(members), "test", device=torch.device("cpu"))
    with torch.no_grad():
        for parameter in parameters.values():
            parameter += 0.05 * torch.randn(parameter.shape)
    real, fake = (torch.rand(2, members, 32, 784) > 0.8).float()
    mixing = torch.rand(members, 32, 1) if objective == "wgan-gp" else None

    def found() -> tuple[Tensor, list[Tensor]]:
        by_hand = make_gradients(config, network)
        loss, gradients = by_hand.of_critic(parameters, together(real, fake, mixing), mixing)
        return loss, [*gradients, by_hand.of_generator(parameters, fake)[1]]

    calls, forward = [], RoundedStage.forward
    monkeypatch.setattr(RoundedStage, "forward", lambda *args: (calls.append(args), forward(*args))[1])
    loss, gradients = found()
    assert len(calls) == 4  # two layers, critic and generator
    monkeypatch.setattr(piecewise_gradients, "_stays_rounded", lambda *_: False)
    expected_loss, expected = found()
    assert len(calls) == 4
    torch.testing.assert_close(loss, expected_loss, rtol=ONE_ROUNDING, atol=ONE_ROUNDING)
    for ours, wanted in zip(gradients, expected, strict=True):
        assert (ours.float() - wanted).norm() <= 2 * ONE_ROUNDING * wanted.norm()


@pytest.mark.parametrize(
    ("objective", "optimizer", "of_generator", "of_discriminator"),
    [
        ("gan", "adam", (2, 0), (2, 1)),
        ("wgan", "rmsprop", (0, 0), (0, 0)),
        ("wgan", "adam", (2, 0), (0, 0)),  # its discriminator's weights are clipped in place
        ("wgan-gp", "adam", (2, 0), (2, 1)),
    ],
)
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_copies_are_the_parameters_at_any_time(
    architecture: str, objective: str, optimizer: str, of_generator: tuple[int, int], of_discriminator: tuple[int, int]
) -> None:
    """Before the first step, after an epoch, and after a state was loaded, of a first epoch or none."""
    config = small(
        objective=objective,
        optimizer=optimizer,
        architecture=architecture,
        dtype="bfloat16",
        discriminator_norm="none",
        learning_rate=1e-3,
    )
    members = [dataclasses.replace(config, seed=seed) for seed in range(2)]
    one, other = trainer(*members), trainer(*members)

    def copies_of(made: object) -> list[bool]:
        pairs = zip(
            [*made.generator_parameters.values(), *made.discriminator_parameters.values()],  # type: ignore[attr-defined]
            [*made._generator_operands.values(), *made._discriminator_operands.values()],  # type: ignore[attr-defined]
            strict=True,
        )
        return [torch.equal(p.detach().to(copy.dtype), copy.detach()) for p, copy in pairs if p is not copy]

    place = ("mlp", "cnn").index(architecture)
    expected = of_generator[place] + of_discriminator[place]
    before = {name: t.clone() for name, t in one.state().items()}
    assert copies_of(one) == [True] * expected
    one.train_epoch()
    assert copies_of(one) == [True] * expected
    other.load_state(one.state(), 1)
    assert copies_of(other) == [True] * expected
    found, again = one.train_epoch(), other.train_epoch()
    assert torch.equal(found.discriminator_loss, again.discriminator_loss)
    one.load_state(before, 0)
    assert copies_of(one) == [True] * expected
