"""Dense networks whose values stay in bfloat16 on a CPU, against those that are float32 between products."""

from dataclasses import replace

import pytest
import torch
from members import CPU, Clipped, OtherAdam, critic_images, moved, registered, small, trainer
from torch import Tensor

from binarygan.fast.bf16_cpu.discriminator import RoundedDiscriminator
from binarygan.fast.bf16_cpu.engine import Bf16Cpu
from binarygan.fast.bf16_cpu.generator import RoundedGenerator
from binarygan.model.architectures import LayerStack
from binarygan.model.networks import Network, Parameters
from binarygan.model.objectives import OBJECTIVES
from binarygan.training.engines import Case, choose, find
from binarygan.training.optimizers import OPTIMIZERS
from binarygan.training.step import Reference
from binarygan.training.trainer import Trainer

ONE_ROUNDING = 2**-8


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


def case_of(**choices: object) -> Case:
    config = small(**({"dtype": "bfloat16", "discriminator_norm": "none"} | choices))
    return Case.of(config, CPU, torch.float32)


def operands_of(network: Network, members: int, *, copied: bool) -> Parameters:
    """Parameters, with bfloat16 copies of what products take, or without."""
    own = network.initial_parameters(range(members), "test", device=CPU)
    names = network.products_in_bfloat16() if copied else ()
    return {n: (t.detach().bfloat16() if n in names else t.detach()).requires_grad_() for n, t in own.items()}


def found_by(engine: Reference, parameters: Parameters, images: Tensor, epsilon: Tensor | None) -> list[Tensor]:
    """The critic's loss, its gradients, the generator's loss and its gradient with respect to the fake images."""
    loss, gradients = engine.critic_gradients(parameters, images, epsilon)
    fake = images.chunk(2 if epsilon is None else 3, 1)[1]
    return [loss, *(g.clone() for g in gradients), *engine.generator_gradients(parameters, fake)]


@pytest.mark.parametrize("objective", ["gan", "wgan", "wgan-gp"])
@pytest.mark.parametrize(("members", "copied"), [(1, False), (3, True)])
def test_gradients_are_those_of_rounded_operands(objective: str, members: int, copied: bool) -> None:
    """Of a discriminator whose values are float32 between products, ten times as near as those are to float64's; of
    parameters in float32, which change between calls, and with their copies in bfloat16."""
    case = case_of(objective=objective)
    ours, in_float32 = choose(case), find("analytic")(case)
    stack = LayerStack(case.discriminator.layers, case.discriminator.channels, case.discriminator.size)
    exact = find("reference")(replace(case, discriminator=Network.of(stack), dtype=torch.float64))
    assert isinstance(ours, Bf16Cpu)
    given = operands_of(case.discriminator, members, copied=copied)
    for seed in range(2):
        moved(given, by=0.05, seed=seed)
        real, fake = (torch.rand(2, members, 32, 784) > 0.8).float()
        epsilon = torch.rand(members, 32, 1) if case.objective.interpolates else None
        own, other = (
            found_by(engine, given, critic_images(real, fake, epsilon), epsilon) for engine in (ours, in_float32)
        )
        assert [g.dtype for g in own[1:-2]] == [p.dtype for p in given.values()]
        whole = {name: t.detach().double().requires_grad_() for name, t in given.items()}
        at = None if epsilon is None else epsilon.double()
        wanted = found_by(exact, whole, critic_images(real.double(), fake.double(), at), at)
        for a, b, c in zip(own, other, wanted, strict=True):
            assert (a - b).norm() <= 0.1 * (b - c).norm() + 1e-3 * c.norm() + 1e-7


@pytest.mark.parametrize("norm", ["none", "affine", "batch"])
@pytest.mark.parametrize(("members", "copied"), [(1, False), (3, True)])
def test_a_generator_is_the_references(norm: str, members: int, copied: bool) -> None:
    case = case_of(generator_norm=norm)
    ours, reference = choose(case), choose(case, "reference")
    given = operands_of(case.generator, members, copied=copied)
    for seed, shape in enumerate(((members, 32, 784), (members, 32, 1))):  # one number spread over a row, too
        moved(given, by=0.05, seed=seed)
        z, grad_a = torch.randn(members, 32, 128), torch.randn(shape).expand(-1, -1, 784)
        a, expected_a = ours.generate(given, z), reference.generate(given, z)
        assert (a - expected_a).norm() <= ONE_ROUNDING * expected_a.norm()
        found, expected = (torch.autograd.grad(y, [*given.values()], grad_a) for y in (a, expected_a))
        for name, gradient, wanted in zip(given, found, expected, strict=True):
            assert gradient.dtype is given[name].dtype
            if norm == "batch" and name.endswith("bias"):  # 0, but for roundings
                assert gradient.norm() <= ONE_ROUNDING
            else:
                assert (gradient.float() - wanted.float()).norm() <= 2 * ONE_ROUNDING * wanted.float().norm()


def test_a_call_is_of_its_own_parameters_and_images() -> None:
    """Whatever was made for those of the calls before, of other parameters, images, numbers and types of them."""
    case = case_of()
    critics, generators = (
        [network.initial_parameters([seed], "test", device=CPU) for seed in range(2)]
        for network in (case.discriminator, case.generator)
    )
    engine = choose(case)
    for index, batch, dtype in (
        *((0, 8, torch.bfloat16), (1, 8, torch.bfloat16), (1, 8, torch.float32)),
        *((1, 4, torch.bfloat16), (1, 4, torch.bfloat16), (0, 4, torch.bfloat16)),
    ):
        real, fake, epsilon = (
            torch.rand(1, batch, 784).round(),
            torch.rand(1, batch, 784).round(),
            torch.rand(1, batch, 1),
        )
        images, z = critic_images(real, fake, epsilon), torch.randn(1, batch, 128)
        own = found_by(engine, critics[index], images.to(dtype), epsilon)
        anew = found_by(choose(case), critics[index], images.bfloat16(), epsilon)
        assert all(torch.equal(a, b) for a, b in zip(own, anew, strict=True))
        a = engine.generate(generators[index], z)
        assert torch.equal(a, choose(case).generate(generators[index], z))


def test_its_parts_are_for_what_they_were_tested_with() -> None:
    """Of a case some part may not support, the others stand in for theirs."""
    case = case_of()
    network, objective = case.discriminator, case.objective
    assert RoundedGenerator.supports(case.generator)
    assert RoundedDiscriminator.supports(network, objective)
    for choices in ({"generator_norm": "layer"}, {"architecture": "cnn"}, {"dtype": "float32"}):
        assert not RoundedGenerator.supports(case_of(**choices).generator), choices
    for norm in ("batch", "affine", "layer"):
        assert not RoundedDiscriminator.supports(case_of(discriminator_norm=norm).discriminator, objective), norm
    for choices in ({"architecture": "cnn"}, {"dtype": "float32"}):
        assert not RoundedDiscriminator.supports(case_of(**choices).discriminator, objective), choices
    first, *others, last = network.layers
    for layers in (
        (first, *others, replace(last, units=2)),
        (first, *others, replace(last, activation="leaky-relu")),
        (replace(first, activation="relu"), *others, last),
        (replace(first, units=15), *others, last),
        (first, last),
    ):
        assert not RoundedDiscriminator.supports(replace(network, layers=layers), objective), layers
    first, last = case.generator.layers
    for layers in ((replace(first, activation="leaky-relu"), last), (first, replace(last, activation="relu"))):
        assert not RoundedGenerator.supports(replace(case.generator, layers=layers)), layers


def test_a_generators_gradient_is_asked_for_once_and_before_the_next_call() -> None:
    case = case_of()
    parameters = case.generator.initial_parameters([0], "test", device=CPU)
    engine, z = choose(case), torch.randn(1, 8, 128)
    first, second = engine.generate(parameters, z), engine.generate(parameters, z)
    with pytest.raises(RuntimeError, match="another call of the generator"):
        torch.autograd.grad(first.sum(), parameters["0.weight"])
    torch.autograd.grad(second.sum(), parameters["0.weight"], retain_graph=True)
    with pytest.raises(RuntimeError, match="asked for before"):
        torch.autograd.grad(second.sum(), parameters["0.weight"])


def test_a_discriminator_without_weights_has_a_penalty() -> None:
    """Its gradient with respect to an image is 0, where a norm has no derivative."""
    case = case_of()
    own = case.discriminator.initial_parameters([0], "test", device=CPU)
    dead = {name: torch.zeros_like(t) for name, t in own.items()}
    loss, gradients = choose(case).critic_gradients(dead, torch.ones(1, 24, 784), torch.rand(1, 8, 1))
    assert loss.item() == pytest.approx(10, rel=1e-3)
    assert all(g.isfinite().all() for g in gradients)


@pytest.mark.parametrize(
    ("architecture", "objective", "optimizer", "of_generator", "of_discriminator"),
    [
        ("mlp", "gan", "adam", 2, 2),
        ("mlp", "wgan-gp", "adam", 2, 2),
        ("mlp", "wgan", "rmsprop", 0, 0),
        ("mlp", "wgan", "adam", 2, 0),  # its discriminator's weights are clipped in place
        ("mlp", "clipped", "adam", 2, 0),  # and so are those of an objective from outside
        ("mlp", "gan", "other", 0, 0),
        ("cnn", "wgan-gp", "adam", 0, 1),
        ("cnn", "wgan", "adam", 0, 0),
    ],
)
def test_copies_are_the_parameters_at_any_time(
    architecture: str, objective: str, optimizer: str, of_generator: int, of_discriminator: int
) -> None:
    """Before the first step, after an epoch, and after a state was loaded, of a first epoch or none."""
    choices = {"objective": objective, "optimizer": optimizer, "architecture": architecture}
    with registered(OBJECTIVES, clipped=Clipped), registered(OPTIMIZERS, other=OtherAdam):
        config = small(dtype="bfloat16", discriminator_norm="none", learning_rate=1e-3, critic_steps=1, **choices)
        members = [replace(config, seed=seed) for seed in range(2)]
        one, other = trainer(*members), trainer(*members)
    expected = [[True] * of_generator, [True] * of_discriminator]
    before = {name: t.clone() for name, t in one.state().items()}
    assert copies_of(one) == expected
    one.train_epoch()
    assert copies_of(one) == expected
    other.load_state(one.state(), 1)
    assert copies_of(other) == expected
    found, again = one.train_epoch(), other.train_epoch()
    assert torch.equal(found.discriminator_loss, again.discriminator_loss)
    one.load_state(before, 0)
    assert copies_of(one) == expected


def copies_of(made: Trainer) -> list[list[bool]]:
    """Of each of the two networks' parameters that has a copy, whether that is the parameter, rounded."""
    sides = made.generator, made.discriminator
    pairs = [[(p, side.operands[name]) for name, p in side.parameters.items()] for side in sides]
    return [[torch.equal(p.detach().to(c.dtype), c.detach()) for p, c in own if p is not c] for own in pairs]
