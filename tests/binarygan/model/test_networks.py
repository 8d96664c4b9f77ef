"""Networks against the paper's counts, against torch.nn and against layers by hand."""

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from members import CPU, built_in, networks, registered, small
from torch import Tensor, nn

from binarygan.errors import UserError
from binarygan.model.activations import ACTIVATIONS, Activation
from binarygan.model.architectures import ARCHITECTURES, Architecture, Layer, LayerStack
from binarygan.model.gates import Gate
from binarygan.model.networks import Network
from binarygan.model.norms import NORMS, Given, Norm


@pytest.mark.parametrize(
    ("architecture", "of_generator", "of_discriminator"), [("mlp", 939_312, 533_505), ("cnn", 216_227, 313_985)]
)
def test_parameter_counts_are_the_papers(architecture: str, of_generator: int, of_discriminator: int) -> None:
    config = small(architecture=architecture)
    assert config.generator_layers().parameter_count() == of_generator
    assert config.discriminator_layers().parameter_count() == of_discriminator


@dataclass(frozen=True, kw_only=True)
class RootMeanSquare(Norm):
    """A norm that gives nothing but `normalize`."""

    label = "RMS"

    def normalize(self, x: Tensor) -> Tensor:
        return x / x.square().flatten(2).mean(2).sqrt().view(*x.shape[:2], *[1] * (x.dim() - 2))


@pytest.mark.parametrize("architecture", built_in(ARCHITECTURES))
@pytest.mark.parametrize("norm", [*built_in(NORMS), "root mean square"])
def test_members_do_not_mix(architecture: str, norm: str) -> None:
    """Two members side by side give what each gives alone, in float64 to rounding."""
    with registered(NORMS, **{"root mean square": RootMeanSquare}):
        config = small(architecture=architecture, generator_norm=norm, discriminator_norm=norm)
        for network, width in zip(networks(config), (128, 784), strict=True):
            parameters = network.initial_parameters([3, 4], "test", device=CPU, dtype=torch.float64)
            x = torch.randn(2, 6, width, dtype=torch.float64)
            gate = Gate.of(network, lambda a, v: (a > 0).to(a.dtype), None)
            both = network(parameters, x, passes=2, gate=gate)
            for i in range(2):
                alone = network({k: v[i : i + 1] for k, v in parameters.items()}, x[i : i + 1], passes=2, gate=gate)
                torch.testing.assert_close(both[i], alone[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("norm", ["affine", "layer", "root mean square"])
def test_norms_of_single_examples_by_formula(norm: str, maps: bool) -> None:
    """Of two members, with a scale and a shift of each unit."""
    x = 3 + torch.randn(2, 5, 4, 3, 3, dtype=torch.float64)
    x = x if maps else x[..., 0, 0]
    scale, shift = torch.randn(2, 2, 1, 4, dtype=torch.float64).unbind()
    features = tuple(range(2, x.dim()))
    mean, variance = x.mean(features, keepdim=True), x.var(features, correction=0, keepdim=True)
    normal = {
        "affine": x / 1.001**0.5,
        "layer": (x - mean) / (variance + 1e-3).sqrt(),
        "root mean square": x / x.square().mean(features, keepdim=True).sqrt(),
    }[norm]
    expected = normal * scale.view(2, 1, 4, *[1] * (x.dim() - 3)) + shift.view(2, 1, 4, *[1] * (x.dim() - 3))
    own = RootMeanSquare() if norm == "root mean square" else NORMS[norm]()
    given = x.transpose(0, 1).flatten(1, 2) if maps else x
    found = own.apply(given, Given(scale=scale.squeeze(1), shift=shift.squeeze(1), members=2))
    found = found.unflatten(1, (2, 4)).transpose(0, 1) if maps else found
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("architecture", built_in(ARCHITECTURES))
def test_each_pass_is_batch_normalized_by_itself(architecture: str) -> None:
    _, network = networks(small(architecture=architecture, discriminator_norm="batch"))
    parameters = network.initial_parameters([3], "test", device=CPU, dtype=torch.float64)
    a, b = torch.rand(2, 1, 5, 784, dtype=torch.float64)
    together = network(parameters, torch.cat([a, 10 * b], 1), passes=2)
    apart = torch.cat([network(parameters, a), network(parameters, 10 * b)], 1)
    torch.testing.assert_close(together, apart, rtol=1e-10, atol=1e-12)


def test_batch_norm_is_torchs() -> None:
    network, _ = networks(small(generator_norm="batch"))
    ours = network.initial_parameters([3], "test", device=CPU, dtype=torch.float64)
    theirs = nn.Sequential(
        nn.Linear(128, 1024), nn.BatchNorm1d(1024, eps=1e-3), nn.ReLU(), nn.Linear(1024, 784), nn.BatchNorm1d(784, 1e-3)
    ).double()
    with torch.no_grad():
        for number, index in ((0, 0), (1, 3)):
            layer = theirs[index]
            assert isinstance(layer, nn.Linear)
            layer.weight.copy_(ours[f"{number}.weight"][0].T)
            layer.bias.zero_()
    z = torch.randn(1, 32, 128, dtype=torch.float64)
    torch.testing.assert_close(network(ours, z)[0], theirs(z[0]), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("members", [1, 2])
def test_a_batch_of_one_is_normalized_to_the_shift(members: int) -> None:
    network, _ = networks(small(generator_norm="batch"))
    parameters = network.initial_parameters(range(members), "test", device=CPU)
    assert not network(parameters, torch.randn(members, 1, 128)).any()


def test_what_z_gives_does_not_depend_on_the_other_z() -> None:
    network, _ = networks(small())
    parameters = network.initial_parameters([0], "test", device=CPU)
    statistics: dict[str, tuple[Tensor, Tensor]] = {}
    network(parameters, torch.randn(1, 100, 128), record=statistics)
    z = torch.randn(1, 6, 128)
    both, alone = (network(parameters, own, fixed=statistics) for own in (z, z[:, :1]))
    torch.testing.assert_close(both[:, :1], alone)


class Hump(Activation):
    """-x²: of what it makes the largest is not what it makes of the largest."""

    def apply(self, x: Tensor) -> Tensor:
        return -x.square()


@pytest.mark.parametrize("activation", [*built_in(ACTIVATIONS), "hump"])
def test_pooling_is_of_activated_maps(activation: str) -> None:
    with registered(ACTIVATIONS, hump=Hump):
        layers = Layer(kind="conv", units=3, kernel=3, activation=activation), Layer(kind="maxpool", kernel=2, stride=2)
        network = Network.of(LayerStack(layers, channels=1, size=8))
        parameters = network.initial_parameters([0], "test", device=CPU, dtype=torch.float64)
        x = torch.randn(1, 4, 64, dtype=torch.float64)
        y = F.conv2d(x.view(4, 1, 8, 8), parameters["0.weight"][0])
        expected = F.max_pool2d(ACTIVATIONS[activation]().apply(y), 2)
        torch.testing.assert_close(network(parameters, x)[0], expected.flatten(1), rtol=1e-10, atol=1e-12)


class TooLarge(Architecture):
    """A generator of 783 numbers, a discriminator of two."""

    def generator_layers(self, norm: Norm, output_norm: Norm) -> tuple[Layer, ...]:
        return (Layer(kind="dense", units=783),)

    def discriminator_layers(self, norm: Norm) -> tuple[Layer, ...]:
        return (Layer(kind="dense", units=2),)


def test_layers_that_do_not_fit_are_refused() -> None:
    with registered(ARCHITECTURES, large=TooLarge):
        config = small(architecture="large", generator_norm="none")
        for layers, words in (
            (config.generator_layers, "'large': its generator ends in 783 numbers, 784"),
            (config.discriminator_layers, "'large': its discriminator ends in 2 numbers, 1"),
        ):
            with pytest.raises(UserError, match=words):
                layers()
    with pytest.raises(UserError, match="layer kind 'denes' is unknown: did you mean 'dense'"):
        Layer(kind="denes", units=3)
    with pytest.raises(UserError, match="activation 'rleu' is unknown: did you mean 'relu'"):
        Layer(kind="dense", units=3, activation="rleu")
