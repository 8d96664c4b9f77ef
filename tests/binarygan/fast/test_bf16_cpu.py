"""Dense networks whose values stay in bfloat16 on a CPU, against those that are float32 between products."""

from dataclasses import replace

import pytest
import torch
from members import mixed_cohort, of_counts, small, trainer
from test_gradients import CPU, together
from torch import Tensor

from binarygan.fast.analytic.gradients import PiecewiseGradients
from binarygan.fast.bf16_cpu.discriminator import RoundedGradients
from binarygan.fast.bf16_cpu.generator import RoundedGenerator
from binarygan.model.networks import Parameters, discriminator, generator
from binarygan.model.objectives import make_objective
from binarygan.training.gradients import Gradients, make_generate, make_gradients

ONE_ROUNDING = 2**-8


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("objective", ["gan", "wgan", "wgan-gp"])
@pytest.mark.parametrize("copied", [False, True])
def test_gradients_are_those_of_rounded_operands(objective: str, members: int, copied: bool) -> None:
    """Of a discriminator whose values are float32 between products, ten times as near as those are to float64's; of
    parameters in float32, which change between calls, and with their copies in bfloat16."""
    config = small(objective=objective, discriminator_norm="none", dtype="bfloat16")
    network = discriminator(config)
    parameters = network.initial_parameters(range(members), "test", device=CPU)
    given = {n: t.detach().bfloat16() if copied and n in network.rounded() else t for n, t in parameters.items()}
    in_float32 = PiecewiseGradients(network, make_objective(config), config.penalty_weight)
    exact = PiecewiseGradients(replace(network, operands=None), make_objective(config), config.penalty_weight)
    ours = make_gradients(config, network, CPU)
    assert isinstance(ours, RoundedGradients)
    for _ in range(2):
        with torch.no_grad():
            for parameter in given.values():
                parameter += 0.05 * torch.randn(parameter.shape)
        real, fake = (torch.rand(2, members, 32, 784) > 0.8).float()
        mixing = torch.rand(members, 32, 1) if objective == "wgan-gp" else None
        own = _found(ours, given, together(real, fake, mixing), fake, mixing)
        assert [g.dtype for g in own[1:-2]] == [p.dtype for p in given.values()]
        other = _found(in_float32, given, together(real, fake, mixing), fake, mixing)
        whole = {name: t.double() for name, t in given.items()}
        real, fake, mix = real.double(), fake.double(), None if mixing is None else mixing.double()
        wanted = _found(exact, whole, together(real, fake, mix), fake, mix)
        for a, b, c in zip(own, other, wanted, strict=True):
            assert (a - b).norm() <= 0.1 * (b - c).norm() + 1e-3 * c.norm() + 1e-7


def _found(
    gradients: Gradients, parameters: Parameters, images: Tensor, fake: Tensor, mixing: Tensor | None
) -> list[Tensor]:
    """The critic's loss, its gradients, the generator's loss and the derivative by its images."""
    loss, by_parameters = gradients.of_critic(parameters, images, mixing)
    return [loss, *(g.clone() for g in by_parameters), *gradients.of_generator(parameters, fake)]


def test_images_in_float32_serve_too() -> None:
    config = small(objective="wgan-gp", discriminator_norm="none", dtype="bfloat16")
    network = discriminator(config)
    parameters = network.initial_parameters([0, 1], "test", device=CPU)
    real, fake, mixing = torch.rand(2, 8, 784).round(), torch.rand(2, 8, 784).round(), torch.rand(2, 8, 1)
    images, gradients = together(real, fake, mixing), make_gradients(config, network, CPU)
    loss, found = gradients.of_critic(parameters, images, mixing)
    found = [g.clone() for g in found]
    again, expected = gradients.of_critic(parameters, images.bfloat16(), mixing)
    assert torch.equal(loss, again)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("norm", ["none", "affine", "batch"])
@pytest.mark.parametrize("copied", [False, True])
def test_a_generator_by_hand_is_autograds(norm: str, members: int, copied: bool) -> None:
    config = small(generator_norm=norm, dtype="bfloat16")
    network = generator(config)
    parameters = network.initial_parameters(range(members), "test", device=CPU)
    given = {n: t.detach().bfloat16() if copied and n in network.rounded() else t for n, t in parameters.items()}
    given = {n: t.requires_grad_() for n, t in given.items()}
    ours = make_generate(network, CPU)
    assert isinstance(ours, RoundedGenerator)
    for shape in ((members, 32, 784), (members, 32, 1)):  # one number that is spread over a row, too
        with torch.no_grad():
            for parameter in given.values():
                parameter += 0.05 * torch.randn(parameter.shape)
        latent, by_a = torch.randn(members, 32, config.latent_size), torch.randn(shape).expand(-1, -1, 784)
        a, expected_a = ours(given, latent), network(given, latent)
        assert (a - expected_a).norm() <= ONE_ROUNDING * expected_a.norm()
        found, expected = (torch.autograd.grad(y, [*given.values()], by_a) for y in (a, expected_a))
        for name, gradient, wanted in zip(given, found, expected, strict=True):
            assert gradient.dtype is given[name].dtype
            if norm == "batch" and name.endswith("bias"):  # 0, but for roundings
                assert gradient.norm() <= ONE_ROUNDING
            else:
                assert (gradient.float() - wanted.float()).norm() <= 2 * ONE_ROUNDING * wanted.float().norm()


def test_a_call_is_of_its_own_parameters_and_images() -> None:
    """Whatever was made for those of the calls before, of other parameters, images and numbers of them."""
    config = small(objective="wgan-gp", discriminator_norm="none", dtype="bfloat16")
    of_critic, of_images = discriminator(config), generator(config)
    critics, generators = (
        [network.initial_parameters([seed], "test", device=CPU) for seed in range(2)]
        for network in (of_critic, of_images)
    )
    gradients, generate = make_gradients(config, of_critic, CPU), make_generate(of_images, CPU)
    for place, batch in ((0, 8), (1, 8), (1, 4), (1, 4), (0, 4)):
        real, fake, mixing = (
            torch.rand(1, batch, 784).round(),
            torch.rand(1, batch, 784).round(),
            torch.rand(1, batch, 1),
        )
        images, latent = together(real, fake, mixing).bfloat16(), torch.randn(1, batch, config.latent_size)
        fake = torch.cat([real, fake, real], 1)  # as many as the critic's, none of them mixed
        own = _found(gradients, critics[place], images, fake, mixing)
        anew = _found(make_gradients(config, of_critic, CPU), critics[place], images.clone(), fake, mixing)
        assert all(torch.equal(a, b) for a, b in zip(own, anew, strict=True))
        a = generate(generators[place], latent)
        assert torch.equal(a, make_generate(of_images, CPU)(generators[place], latent))


@pytest.mark.parametrize("choices", [{"generator_norm": "layer"}, {"architecture": "cnn"}, {"dtype": "float32"}])
def test_other_generators_are_left_to_autograd(choices: dict[str, str]) -> None:
    network = generator(small(**({"dtype": "bfloat16"} | choices)))
    assert make_generate(network, CPU) is network


def test_other_devices_and_types_are_left_to_autograd() -> None:
    network = generator(small(dtype="bfloat16"))
    assert make_generate(network, CPU) is not network
    assert make_generate(network, torch.device("cuda")) is network
    assert make_generate(network, CPU, torch.float64) is network


def test_a_generators_gradient_is_asked_for_once_and_before_the_next_call() -> None:
    network = generator(small(dtype="bfloat16"))
    parameters = network.initial_parameters([0], "test", device=CPU)
    generate, latent = make_generate(network, CPU), torch.randn(1, 8, 128)
    first, second = generate(parameters, latent), generate(parameters, latent)
    with pytest.raises(RuntimeError, match="another call of the generator"):
        torch.autograd.grad(first.sum(), parameters["0.weight"])
    torch.autograd.grad(second.sum(), parameters["0.weight"], retain_graph=True)
    with pytest.raises(RuntimeError, match="asked for before"):
        torch.autograd.grad(second.sum(), parameters["0.weight"])


@pytest.mark.parametrize("norm", ["batch", "affine", "layer"])
def test_other_discriminators_are_not_for_it(norm: str) -> None:
    for choices in ({"discriminator_norm": norm}, {"architecture": "cnn"}, {"dtype": "float32"}):
        config = small(**({"discriminator_norm": "none", "dtype": "bfloat16"} | choices))
        assert not isinstance(make_gradients(config, discriminator(config), CPU), RoundedGradients)
    config = small(discriminator_norm="none", dtype="bfloat16")
    network = discriminator(config)
    *hidden, last = network.layers
    assert isinstance(make_gradients(config, network, CPU), RoundedGradients)
    assert not isinstance(make_gradients(config, network, torch.device("cuda")), RoundedGradients)
    assert not isinstance(make_gradients(config, network, CPU, torch.float64), RoundedGradients)
    for other in (replace(last, units=2), replace(last, activation="leaky-relu")):
        network = replace(network, layers=(*hidden, other))
        assert not isinstance(make_gradients(config, network, CPU), RoundedGradients)


def test_a_discriminator_without_weights_has_a_penalty() -> None:
    """Its gradient by an image is 0, where a norm has no derivative."""
    config = small(objective="wgan-gp", discriminator_norm="none", dtype="bfloat16")
    network = discriminator(config)
    dead = {name: torch.zeros_like(t) for name, t in network.initial_parameters([0], "test", device=CPU).items()}
    images, mixing = torch.ones(1, 24, 784), torch.rand(1, 8, 1)
    loss, gradients = make_gradients(config, network, CPU).of_critic(dead, images, mixing)
    assert loss.item() == pytest.approx(config.penalty_weight, rel=1e-3)
    assert all(g.isfinite().all() for g in gradients)


ROUTES = [
    {"objective": "gan", "discriminator_norm": "none"},
    {"objective": "wgan"},
    {"objective": "wgan", "optimizer": "adam", "generator_norm": "none"},
    {"objective": "wgan-gp"},
    {"objective": "wgan-gp", "generator_norm": "affine", "discriminator_norm": "affine"},
]


@pytest.mark.parametrize("choices", ROUTES)
def test_a_recorded_iteration_is_the_plain_one(choices: dict[str, str]) -> None:
    plain, recorded = (trainer(*mixed_cohort(dtype="bfloat16", **choices)) for _ in range(2))
    recorded.record(lambda step: step, recorded.neurons_at(1))
    for counts in ((5, 7, 3), (5, 5, 5)):
        pairs = zip(of_counts(plain, counts), of_counts(recorded, counts), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
    assert all(torch.equal(t, recorded.state()[name]) for name, t in plain.state().items())


@pytest.mark.parametrize("choices", ROUTES[1:])
def test_members_come_out_of_a_cohort_as_they_do_alone(choices: dict[str, str]) -> None:
    configs = mixed_cohort(dtype="bfloat16", **choices)
    cohort = trainer(*configs)
    together = [cohort.train_epoch() for _ in range(2)]
    for place, config in enumerate(configs):
        one = trainer(config)
        alone = [one.train_epoch() for _ in range(2)]
        for all_of_them, own in zip(together, alone, strict=True):
            torch.testing.assert_close(all_of_them.discriminator_loss[place], own.discriminator_loss[0])
            torch.testing.assert_close(all_of_them.generator_loss[place], own.generator_loss[0])


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
    members = [replace(config, seed=seed) for seed in range(2)]
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
