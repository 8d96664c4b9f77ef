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


class OverRuns(Norm):
    label = "over runs"

    def normalize(self, x: Tensor) -> Tensor:
        return x - x.mean(0, keepdim=True)


class OverBatch(Norm):
    """It does not say that the examples of a batch depend on each other."""

    label = "over the batch"

    def normalize(self, x: Tensor) -> Tensor:
        return x - x.mean(1, keepdim=True)


class Grey(Neuron):
    """It is declared binary, as neurons are."""

    label = "grey"

    def output(self, p: Tensor, v: Tensor | None) -> Tensor:
        return p


class UndeclaredNoise(Neuron):
    label = "undeclared noise"

    def output(self, p: Tensor, v: Tensor | None) -> Tensor:
        return (p > v).to(p.dtype)  # type: ignore[operator]


class Summed(Objective):
    """Its loss is one number for all runs."""

    label = "summed"

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
        of_real, of_fake = logits_of_both(critic, real=real, fake=fake)
        return (of_fake.mean() - of_real.mean()).unsqueeze(0)

    def generator_loss(self, logits: Tensor) -> Tensor:
        return -logits.mean(1)


class Unfinished(Objective):
    label = "unfinished"


@pytest.mark.parametrize(
    ("registry", "field", "part", "words"),
    [
        (NORMS, "generator_norm", OverRuns, "the runs of a cohort influence each other"),
        (NORMS, "discriminator_norm", OverBatch, "examples of a batch influence each other"),
        (NEURONS, "neuron", Grey, "declared binary"),
        (NEURONS, "neuron", UndeclaredNoise, "test_checks.py:"),
        (OBJECTIVES, "objective", Summed, "not one entry a run"),
        (OBJECTIVES, "objective", Unfinished, "it has no method critic_loss of its own"),
    ],
)
def test_a_part_that_breaks_its_word_is_refused(registry: Registry[Any], field: str, part: type, words: str) -> None:
    registry.register("bad", part)
    with pytest.raises(UserError, match=words):
        check_parts(small(**{field: "bad"}))


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
