"""Gradients by hand against autograd; for the CNN where no two places tie in pooling."""

import dataclasses

import pytest
import torch
from members import small, trainer
from torch import Tensor

from binarygan.fast.analytic.gradients import PiecewiseGradients, serves
from binarygan.fast.analytic.pooled import PooledStage
from binarygan.model.networks import discriminator
from binarygan.model.objectives import make_objective
from binarygan.training.gradients import AutogradGradients, critic_images, make_gradients

CPU = torch.device("cpu")


def together(real: Tensor, fake: Tensor, mixing: Tensor | None) -> Tensor:
    """The images of a critic step; nothing in the room for mixed ones may matter."""
    members, batch, pixels = real.shape
    images = critic_images(members, batch, pixels, like=real, mixes=mixing is not None).fill_(torch.nan)
    images[:, :batch], images[:, batch : 2 * batch] = real, fake
    return images


@pytest.mark.parametrize("objective", ["gan", "wgan", "wgan-gp"])
@pytest.mark.parametrize("norm", ["none", "affine"])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_by_hand_is_autograds(architecture: str, objective: str, norm: str, members: int) -> None:
    config = small(objective=objective, discriminator_norm=norm, architecture=architecture)
    network = discriminator(config)
    parameters = network.initial_parameters(range(members), "test", device=CPU, dtype=torch.float64)
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():  # away from their first values, at which some gradients vanish
        for parameter in parameters.values():
            parameter += 0.1 * torch.randn(parameter.shape, generator=source, dtype=torch.float64)
    # grey images: where patches of binary ones are equal, pooling may choose either of them
    real, fake = torch.rand(2, members, 8, 784, generator=source, dtype=torch.float64)
    mixing = torch.rand(members, 8, 1, generator=source, dtype=torch.float64) if objective == "wgan-gp" else None
    by_hand = make_gradients(config, network, CPU, torch.float64)
    assert isinstance(by_hand, PiecewiseGradients)
    reference = AutogradGradients(network, make_objective(config))
    loss, gradients = by_hand.of_critic(parameters, together(real, fake, mixing), mixing)
    expected_loss, expected = reference.of_critic(parameters, together(real, fake, mixing), mixing)
    torch.testing.assert_close(loss, expected_loss, rtol=1e-10, atol=1e-12)
    assert len(gradients) == len(parameters)
    for name, found, wanted in zip(parameters, gradients, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}")
    for found, wanted in zip(
        by_hand.of_generator(parameters, fake), reference.of_generator(parameters, fake), strict=True
    ):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("norm", ["none", "affine"])
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_images_of_a_critic_step_serve_the_next(architecture: str, norm: str) -> None:
    """Real and fake ones stay as they are, whatever is written behind them, and gradients come again."""
    config = small(objective="wgan-gp", discriminator_norm=norm, architecture=architecture)
    network = discriminator(config)
    parameters = network.initial_parameters([0, 1], "test", device=CPU)
    real, fake, mixing = torch.rand(2, 8, 784), torch.rand(2, 8, 784), torch.rand(2, 8, 1)
    images = together(real, fake, mixing)
    by_hand = make_gradients(config, network, CPU)
    first, again = (by_hand.of_critic(parameters, images, mixing) for _ in range(2))
    assert torch.equal(images[:, :16], torch.cat([real, fake], 1))
    assert torch.equal(first[0], again[0])
    assert all(torch.equal(a, b) for a, b in zip(first[1], again[1], strict=True))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("members", [1, 3])
def test_gradients_lie_in_memory_as_their_parameters_do(members: int, dtype: str) -> None:
    """On a CPU an optimizer's kernel then takes them without a copy; so it is after a checkpoint, too."""
    config = small(objective="wgan-gp", discriminator_norm="none", dtype=dtype)
    one = trainer(*(dataclasses.replace(config, seed=seed) for seed in range(members)))
    one.train_epoch()
    one.load_state({name: t.contiguous() for name, t in one.state().items()}, 1)
    real, fake, mixing = torch.rand(members, 8, 784), torch.rand(members, 8, 784), torch.rand(members, 8, 1)
    parameters = one.discriminator_parameters
    _, gradients = one._gradients.of_critic(parameters, together(real, fake, mixing), mixing)
    dense = [(p, g) for p, g in zip(parameters.values(), gradients, strict=True) if p.dim() == 3 and p.shape[2] > 1]
    assert len(dense) == 2
    for parameter, gradient in dense:
        assert parameter.mT.is_contiguous()
        assert gradient.mT.is_contiguous()
        assert not gradient.is_contiguous()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("members", [1, 2])
def test_places_that_tie_are_chosen_as_the_librarys_pooling_does(
    members: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Binary images are full of equal patches; the penalty's derivative by the image tells which of them was taken."""
    config = small(objective="wgan-gp", discriminator_norm="none", architecture="cnn", dtype=dtype)
    network, exact = discriminator(config), dtype == "float32"
    number = torch.float64 if exact else torch.float32
    parameters = network.initial_parameters(range(members), "test", device=CPU, dtype=number)
    source = torch.Generator().manual_seed(0)
    real, fake = (torch.rand(2, members, 8, 784, generator=source) > 0.8).to(number)
    mixing = torch.ones(members, 8, 1, dtype=number)  # so that mixed images are binary, too
    by_hand = make_gradients(config, network, CPU, number)

    def found() -> list[torch.Tensor]:
        _, gradients = by_hand.of_critic(parameters, together(real, fake, mixing), mixing)
        return [*gradients, by_hand.of_generator(parameters, fake)[1]]

    at_once, calls = PooledStage.forward, []
    monkeypatch.setattr(PooledStage, "forward", lambda *args: (calls.append(args), at_once(*args))[1])
    in_one_stage = found()
    assert len(calls) == 2
    monkeypatch.setattr(PooledStage, "serves", lambda *_: False)
    for ours, librarys in zip(in_one_stage, found(), strict=True):
        assert (ours - librarys).norm() <= (1e-10 if exact else 2**-8) * librarys.norm()
    assert len(calls) == 2


@pytest.mark.parametrize(("architecture", "norm"), [("cnn", "batch"), ("mlp", "batch"), ("mlp", "layer")])
def test_others_are_left_to_autograd(architecture: str, norm: str) -> None:
    network = discriminator(small(architecture=architecture, discriminator_norm=norm))
    assert not serves(network)
