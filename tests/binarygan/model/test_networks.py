"""Networks against the paper's counts and against torch.nn."""

import pytest
import torch
from members import small
from torch import nn

from binarygan.model.networks import discriminator, generator


@pytest.mark.parametrize(
    ("architecture", "of_generator", "of_discriminator"), [("mlp", 939_312, 533_505), ("cnn", 216_227, 313_985)]
)
def test_parameter_counts_are_the_papers(architecture: str, of_generator: int, of_discriminator: int) -> None:
    config = small(architecture=architecture)
    assert generator(config).parameter_count() == of_generator
    assert discriminator(config).parameter_count() == of_discriminator


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
@pytest.mark.parametrize("norm", ["none", "batch", "affine", "layer"])
def test_members_do_not_mix(architecture: str, norm: str) -> None:
    """Two members side by side give what each gives alone, in float64 to rounding."""
    config = small(architecture=architecture, generator_norm=norm, discriminator_norm=norm)
    options = {"device": torch.device("cpu"), "dtype": torch.float64}
    for network, width in ((generator(config), 128), (discriminator(config), 784)):
        parameters = network.initial_parameters([3, 4], "test", **options)
        x = torch.randn(2, 6, width, dtype=torch.float64)
        both = network(parameters, x, passes=2)
        for i in range(2):
            alone = network({k: v[i : i + 1] for k, v in parameters.items()}, x[i : i + 1], passes=2)
            torch.testing.assert_close(both[i], alone[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_each_pass_is_batch_normalized_by_itself(architecture: str) -> None:
    config = small(architecture=architecture, discriminator_norm="batch")
    network = discriminator(config)
    parameters = network.initial_parameters([3], "test", device=torch.device("cpu"), dtype=torch.float64)
    a, b = torch.rand(2, 1, 5, 784, dtype=torch.float64)
    together = network(parameters, torch.cat([a, 10 * b], 1), passes=2)
    apart = torch.cat([network(parameters, a), network(parameters, 10 * b)], 1)
    torch.testing.assert_close(together, apart, rtol=1e-10, atol=1e-12)


def test_batch_norm_is_torchs() -> None:
    config = small(generator_norm="batch")
    network = generator(config)
    ours = network.initial_parameters([3], "test", device=torch.device("cpu"), dtype=torch.float64)
    theirs = nn.Sequential(
        nn.Linear(128, 1024), nn.BatchNorm1d(1024, eps=1e-3), nn.ReLU(), nn.Linear(1024, 784), nn.BatchNorm1d(784, 1e-3)
    ).double()
    with torch.no_grad():
        for number, place in ((0, 0), (1, 3)):
            layer = theirs[place]
            assert isinstance(layer, nn.Linear)
            layer.weight.copy_(ours[f"{number}.weight"][0].T)
            layer.bias.zero_()
    z = torch.randn(1, 32, 128, dtype=torch.float64)
    torch.testing.assert_close(network(ours, z)[0], theirs(z[0]), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("members", [1, 2])
def test_a_batch_of_one_is_normalized_to_the_shift(members: int) -> None:
    network = generator(small(generator_norm="batch"))
    parameters = network.initial_parameters(range(members), "test", device=torch.device("cpu"))
    assert not network(parameters, torch.randn(members, 1, 128)).any()
