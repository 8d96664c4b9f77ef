"""Every engine against the reference path, and the reference path against plain autograd."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from members import CPU, Clipped, OtherAdam, built_in, critic_images, moved, registered, small, trainer
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.model.activations import ACTIVATIONS, Activation, LeakyRelu
from binarygan.model.architectures import ARCHITECTURES, PIXELS, Architecture, Layer, LayerStack
from binarygan.model.gates import Gate
from binarygan.model.networks import Network, Parameters
from binarygan.model.norms import NORMS, Affine, Given, Norm
from binarygan.model.objectives import OBJECTIVES, Critic, WganGp
from binarygan.training.engines import ENGINES, Case, choose, find
from binarygan.training.step import Reference

FAST = [name for name in ENGINES if name != "reference"]
FLOAT64 = torch.float64
MLPS = ("mlp", "narrow-mlp", "gated-mlp")


def case_of(config: MemberConfig, dtype: torch.dtype = FLOAT64, device: str = "cpu") -> Case:
    return Case.of(config, torch.device(device), dtype)


def engines_for(case: Case) -> list[str]:
    return [name for name in ENGINES if find(name).supports(case)]


def supported() -> Iterator[tuple[str, str, str, str]]:
    """(engine, objective, architecture, norm of the discriminator) of what engines support in float64, whatever norm
    the generator has."""
    for name, *parts in product(FAST, built_in(OBJECTIVES), built_in(ARCHITECTURES), built_in(NORMS)):
        objective, architecture, norm = parts
        of_generators = [
            find(name).supports(case_of(configured(objective, architecture, norm, generator_norm=own)))
            for own in built_in(NORMS)
        ]
        assert len(set(of_generators)) == 1
        if of_generators[0]:
            yield name, objective, architecture, norm


def configured(objective: str, architecture: str, norm: str, **choices: str) -> MemberConfig:
    return small(objective=objective, architecture=architecture, **({"discriminator_norm": norm} | choices))


def test_the_analytic_engine_has_what_the_paper_trains_with_a_penalty() -> None:
    found = {(name, architecture, norm) for name, _, architecture, norm in supported()}
    assert found == {("analytic", *rest) for rest in (("cnn", "none"), *product(MLPS, ("none", "affine")))}
    assert len(list(supported())) == len(found) * len(built_in(OBJECTIVES))
    assert find("analytic").generate is find("reference").generate, "generators with one norm stand for all"


@lru_cache
def parameters_of(stack: LayerStack, members: int) -> Parameters:
    """Random ones, away from the first values, in float64."""
    network = Network.of(stack)
    return moved(network.initial_parameters(range(members), "test", device=CPU, dtype=FLOAT64), by=0.1)


def found_by(engine: Reference, config: MemberConfig, members: int) -> dict[str, Tensor]:
    """Losses and gradients of a critic step and a generator step, all images grey.

    In binary ones patches are equal, of which pooling may choose any.
    """
    own, others = (parameters_of(x, members) for x in (config.generator_layers(), config.discriminator_layers()))
    source = torch.Generator().manual_seed(0)
    real, fake = torch.rand(2, members, 8, PIXELS, generator=source, dtype=FLOAT64)
    epsilon = torch.rand(members, 8, 1, generator=source, dtype=FLOAT64)
    given = epsilon if config.part("objective").interpolates else None
    loss, gradients = engine.critic_gradients(others, critic_images(real, fake, given), given)
    assert len(gradients) == len(others)
    found = {"critic's loss": loss} | {f"D's {n}": g.clone() for n, g in zip(others, gradients, strict=True)}
    gate = Gate.of(config.generator_layers(), lambda x, v: torch.sigmoid(x), None)
    a = engine.generate(own, torch.randn(members, 8, config.latent_size, generator=source, dtype=FLOAT64), gate)
    images = torch.sigmoid(a)
    found["generator's loss"], found["gradient of images"] = engine.generator_gradients(others, images.detach())
    of_generator = torch.autograd.grad(images, list(own.values()), found["gradient of images"])
    return found | {"a": a} | {f"G's {n}": g for n, g in zip(own, of_generator, strict=True)}


@pytest.mark.parametrize(("name", "objective", "architecture", "norm"), list(supported()))
@pytest.mark.parametrize("members", [1, 2])
def test_an_engine_is_the_reference(name: str, objective: str, architecture: str, norm: str, members: int) -> None:
    config = configured(objective, architecture, norm)
    ours, theirs = (found_by(find(n)(case_of(config)), config, members) for n in (name, "reference"))
    for what, expected in theirs.items():
        torch.testing.assert_close(
            ours[what], expected, rtol=1e-10, atol=1e-12, msg=lambda m, what=what: f"{what}: {m}"
        )


def test_a_trainer_takes_the_first_engine_or_the_one_that_is_asked_for() -> None:
    assert [trainer(small(), engine=name).engine.name for name in ("auto", "reference")] == ["analytic", "reference"]


# What is no part of the project, though it looks like one: engines must leave it to the reference path.


class Doubled(WganGp):
    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
        return 2 * super().critic_loss(critic, real=real, fake=fake, epsilon=epsilon)


class HalfAffine(Affine):
    def apply(self, x: Tensor, given: Given) -> Tensor:
        return super().apply(x, given) / 2


class Elu(Activation):
    def apply(self, x: Tensor) -> Tensor:
        return F.elu(x)


class Leakier(LeakyRelu):
    def apply(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, 0.3)


def mlp(activation: str) -> type[Architecture]:
    """The paper's MLP, smaller, with this activation in the discriminator."""

    class Small(Architecture):
        def generator_layers(self, norm: Norm, output_norm: Norm) -> tuple[Layer, ...]:
            return (
                Layer(kind="dense", units=40, norm=norm, activation="relu"),
                Layer(kind="dense", units=784, norm=output_norm),
            )

        def discriminator_layers(self, norm: Norm) -> tuple[Layer, ...]:
            hidden = (Layer(kind="dense", units=n, norm=norm, activation=activation) for n in (30, 20))
            return (*hidden, Layer(kind="dense", units=1))

    return Small


@pytest.fixture(autouse=True)
def _outside_parts() -> Iterator[None]:
    with (
        registered(OBJECTIVES, doubled=Doubled, clipped=Clipped),
        registered(NORMS, half=HalfAffine),
        registered(ACTIVATIONS, elu=Elu, leakier=Leakier),
        registered(ARCHITECTURES, **{f"mlp {name}": mlp(name) for name in ("leaky-relu", "relu", "elu", "leakier")}),
    ):
        yield


ODD: dict[str, dict[str, Any]] = {
    "objective": {"objective": "doubled"},
    "objective that constrains": {"objective": "clipped"},
    "norm": {"discriminator_norm": "half"},
    "ReLU": {"architecture": "mlp relu"},
    "ELU": {"architecture": "mlp elu"},
    "another leak": {"architecture": "mlp leakier"},
}
"""What is odd -> choices."""


@pytest.mark.parametrize("odd", ODD)
def test_what_is_odd_has_the_references_gradients(odd: str) -> None:
    """In bfloat16 the generator, which is the paper's, is the engine's."""
    values = {"architecture": "mlp leaky-relu", "discriminator_norm": "none"} | ODD[odd]
    for dtype in (FLOAT64, torch.float32):
        assert engines_for(case_of(small(**values), dtype)) == ["reference"]
    case = case_of(small(dtype="bfloat16", **values), torch.float32)
    engine, reference = choose(case), choose(case, "reference")
    assert engine.name == "bf16_cpu"
    parameters = moved(case.discriminator.initial_parameters([0, 1], "test", device=CPU), by=0.1)
    real, fake, epsilon = torch.rand(2, 8, 784), torch.rand(2, 8, 784), torch.rand(2, 8, 1)
    given = epsilon if case.objective.interpolates else None
    images = critic_images(real, fake, given)
    ours, theirs = (
        [loss, *gradients, *e.generator_gradients(parameters, fake)]
        for e in (engine, reference)
        for loss, gradients in [e.critic_gradients(parameters, images.to(e.images_dtype), given)]
    )
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


class OtherNetwork(Network):
    """As a user may have one that computes something else."""


def test_no_engine_takes_a_class_for_its_parent() -> None:
    for dtype in ("float32", "bfloat16"):
        case = case_of(small(discriminator_norm="none", dtype=dtype), torch.float32)
        assert engines_for(case)[:-1] == (["analytic"] if dtype == "float32" else ["bf16_cpu", "analytic"])
        own = (OtherNetwork.of(x, x.operands) for x in (case.generator, case.discriminator))
        other = replace(case, **dict(zip(("generator", "discriminator"), own, strict=True)))
        assert engines_for(other) == ["reference"]


def test_products_in_bfloat16_are_for_a_cpu() -> None:
    """Its engine takes whatever it has a part for; of the CNN that is Adam's copies of D's dense weights alone."""

    def supports(dtype: torch.dtype = torch.float32, device: str = "cpu", **choices: Any) -> bool:
        return "bf16_cpu" in engines_for(case_of(small(dtype="bfloat16", **choices), dtype, device))

    assert supports()
    assert not supports(FLOAT64)
    assert not supports(device="cuda")
    assert supports(architecture="cnn")
    for choices in ({"objective": "clipped"}, {"objective": "wgan", "optimizer": "adam"}, {"optimizer": "rmsprop"}):
        assert not supports(architecture="cnn", **choices), choices
    case = case_of(small(dtype="bfloat16", architecture="cnn"), torch.float32)
    assert not find("bf16_cpu").supports(replace(case, optimizer=OtherAdam()))


@pytest.mark.parametrize(("architecture", "norm"), [("mlp", "none"), ("mlp", "affine"), ("cnn", "none")])
def test_images_of_a_critic_step_serve_the_next(architecture: str, norm: str) -> None:
    """Real and fake ones stay as they are, whatever is written behind them, and gradients come again."""
    case = case_of(small(discriminator_norm=norm, architecture=architecture), torch.float32)
    parameters = case.discriminator.initial_parameters([0, 1], "test", device=CPU)
    real, fake, epsilon = torch.rand(2, 8, 784), torch.rand(2, 8, 784), torch.rand(2, 8, 1)
    images = critic_images(real, fake, epsilon)
    first, again = (choose(case).critic_gradients(parameters, images, epsilon) for _ in range(2))
    assert torch.equal(images[:, :16], torch.cat([real, fake], 1))
    assert torch.equal(first[0], again[0])
    assert all(torch.equal(a, b) for a, b in zip(first[1], again[1], strict=True))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("members", [1, 2])
def test_pixels_that_tie_are_chosen_as_the_librarys_pooling_does(members: int, dtype: str) -> None:
    """Binary images are full of equal patches; the penalty's derivative by the image tells which of them was taken."""
    number = FLOAT64 if dtype == "float32" else torch.float32
    case = case_of(small(architecture="cnn", dtype=dtype), number)
    parameters = case.discriminator.initial_parameters(range(members), "test", device=CPU, dtype=number)
    source = torch.Generator().manual_seed(0)
    real, fake = (torch.rand(2, members, 8, 784, generator=source) > 0.8).to(number)
    epsilon = torch.ones(members, 8, 1, dtype=number)  # so that interpolated images are binary, too

    def found(engine: Reference) -> list[Tensor]:
        _, gradients = engine.critic_gradients(parameters, critic_images(real, fake, epsilon), epsilon)
        return [*gradients, engine.generator_gradients(parameters, fake)[1]]

    for ours, theirs in zip(found(find("analytic")(case)), found(find("reference")(case)), strict=True):
        assert (ours - theirs).norm() <= (1e-10 if number is FLOAT64 else 2**-8) * theirs.norm()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("members", [1, 3])
def test_an_optimizer_takes_gradients_without_a_copy(members: int, dtype: str) -> None:
    """On a CPU they lie in memory as their parameters do, after a checkpoint, too."""
    one = trainer(*(small(dtype=dtype, seed=seed) for seed in range(members)))
    one.train_epoch()
    one.load_state({name: t.contiguous() for name, t in one.state().items()}, 1)
    real, fake, epsilon = torch.rand(members, 8, 784), torch.rand(members, 8, 784), torch.rand(members, 8, 1)
    operands = one.discriminator.operands
    _, gradients = one.engine.critic_gradients(operands, critic_images(real, fake, epsilon), epsilon)
    dense = [(p, g) for p, g in zip(operands.values(), gradients, strict=True) if p.dim() == 3 and p.shape[2] > 1]
    assert len(dense) == 2
    for parameter, gradient in dense:
        assert not parameter.is_contiguous()
        assert (gradient.stride(), gradient.dtype) == (parameter.stride(), parameter.dtype)
