"""A part from outside that does not do what it declares is refused before anything is trained."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from members import small
from torch import Tensor

from binarygan.errors import UserError
from binarygan.model.neurons import NEURONS, Neuron
from binarygan.model.norms import NORMS, Norm
from binarygan.model.objectives import OBJECTIVES, Critic, Objective, WganGp, logits_of_both
from binarygan.registry import Registry
from binarygan.training.checks import check_parts


@pytest.fixture(autouse=True)
def _registries_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in (NEURONS, NORMS, OBJECTIVES):
        monkeypatch.setattr(registry, "_parts", dict(registry._parts))


def refusal(registry: Registry[Any], field: str, part: type, **choices: Any) -> str:
    """What `check_parts` says of a configuration with this part."""
    registry.register("bad", part)
    with pytest.raises(UserError) as error:
        check_parts(small(**{field: "bad"}, **choices))
    return str(error.value)


@pytest.mark.parametrize(
    "choices",
    [
        {"neuron": "logistic", "neuron.temperature": 0.5},
        {"estimator": "clipped-identity"},
        {"objective": "hinge-r1"},
        {"objective": "hinge-r1", "architecture": "cnn", "generator_norm": "rms", "discriminator_norm": "rms"},
        {"architecture": "deep-mlp", "discriminator_norm": "batch"},
        {"neuron": "logistic", "dtype": "bfloat16"},
        {"generator_norm": "rms", "dtype": "bfloat16"},
    ],
    ids=str,
)
def test_sound_parts_pass(choices: dict[str, Any]) -> None:
    check_parts(small(**choices))


def test_a_norm_that_mixes_runs_is_refused() -> None:
    class OverRuns(Norm):
        label = "over runs"

        def normalize(self, x: Tensor) -> Tensor:
            return x - x.mean(0, keepdim=True)

    assert "the runs of a cohort influence each other" in refusal(NORMS, "generator_norm", OverRuns)


def test_a_norm_that_mixes_examples_without_saying_so_is_refused() -> None:
    class OverBatch(Norm):
        label = "over the batch"

        def normalize(self, x: Tensor) -> Tensor:
            return x - x.mean(1, keepdim=True)

    assert "examples of a batch influence each other" in refusal(NORMS, "discriminator_norm", OverBatch)


def test_a_binary_neuron_that_gives_grey_is_refused() -> None:
    class Grey(Neuron):
        label = "grey"

        def output(self, p: Tensor, v: Tensor | None) -> Tensor:
            return p

    assert "declared binary" in refusal(NEURONS, "neuron", Grey)


def test_noise_that_was_not_asked_for_is_told_with_the_line() -> None:
    class Undeclared(Neuron):
        label = "undeclared noise"

        def output(self, p: Tensor, v: Tensor | None) -> Tensor:
            return (p > v).to(p.dtype)  # type: ignore[operator]

    assert "test_checks.py:" in refusal(NEURONS, "neuron", Undeclared)


def test_a_loss_that_is_one_number_for_all_runs_is_refused() -> None:
    class Summed(Objective):
        label = "summed"

        def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
            of_real, of_fake = logits_of_both(critic, real=real, fake=fake)
            return (of_fake.mean() - of_real.mean()).unsqueeze(0)

        def generator_loss(self, logits: Tensor) -> Tensor:
            return -logits.mean(1)

    assert "not one entry a run" in refusal(OBJECTIVES, "objective", Summed)


def test_an_engine_that_differs_from_the_reference_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an engine would that decided by a network's shape: it takes a one-sided penalty for the paper's."""

    @dataclass(frozen=True, kw_only=True)
    class OneSided(WganGp):
        def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
            return super().critic_loss(critic, real=real, fake=fake, epsilon=epsilon) + critic(real).square().mean(1)

    OBJECTIVES.register("one-sided", OneSided)
    check_parts(small(objective="one-sided", **{"penalty_weight": 10.0}))
    monkeypatch.setattr("binarygan.fast.analytic.engine.SUPPORTED", (OneSided,))
    with pytest.raises(UserError, match=r"the engine analytic gives another .* use --engine reference"):
        check_parts(small(objective="one-sided", **{"penalty_weight": 10.0}))


def test_built_in_parts_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", None)
    check_parts(small())
