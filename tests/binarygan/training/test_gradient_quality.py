"""What is said of an estimator's gradient."""

import pytest
import torch
from members import mixed_cohort, moved, small, trainer
from torch import Tensor

from binarygan.model.estimators import ESTIMATORS
from binarygan.training import gradient_quality as module
from binarygan.training.gradient_quality import NAMES, gradient_quality
from binarygan.training.step import Reference
from binarygan.training.trainer import Trainer


def both(made: Trainer) -> list[tuple[float | None, ...]]:
    """Cosine and variance of each run."""
    found = gradient_quality(made)
    return list(zip(*(found[name] for name in NAMES), strict=True))


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXAMPLES", 1)
    monkeypatch.setattr(module, "SAMPLES", 4)


def after_an_epoch(**choices: object) -> Trainer:
    made = trainer(small(neuron="stochastic", generator_norm="none", **choices), dtype=torch.float64)
    made.train_epoch()
    return made


def with_linear_critic(made: Trainer) -> Trainer:
    """Every hidden unit of D far from 0, so that each output flipped changes the loss by its own share alone."""
    with torch.no_grad():
        for name, parameter in made.discriminator.parameters.items():
            if name.endswith("bias"):
                parameter += 100
    return made


def test_an_exact_gradient_has_cosine_1_and_no_variance() -> None:
    [(cosine, variance)] = both(with_linear_critic(after_an_epoch()))
    assert cosine == pytest.approx(1, abs=1e-9)
    assert variance == pytest.approx(0, abs=1e-9)


def test_an_estimate_from_two_losses_has_little_of_the_references_direction() -> None:
    made = with_linear_critic(after_an_epoch(estimator="disarm"))
    [(one, variance)] = both(made)
    assert one is not None
    assert variance is not None
    assert abs(one) < 0.5
    assert variance > 1


def test_flips_are_differences_of_single_losses() -> None:
    made = after_an_epoch()
    engine, critic = Reference(made.case), made.discriminator.parameters
    b = (torch.rand(1, 2, 784, generator=torch.Generator().manual_seed(0), dtype=torch.float64) > 0.5).double()
    found = module._flips(engine, critic, b)

    def loss(x: Tensor) -> float:
        return float(engine.losses_of_examples(critic, x.view(1, 1, 784)))

    for example, unit in ((0, 3), (1, 700)):
        one, zero = b[0, example].clone(), b[0, example].clone()
        one[unit], zero[unit] = 1, 0
        assert float(found[0, example, unit]) == pytest.approx(loss(one) - loss(zero), abs=1e-12)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_has_both(name: str) -> None:
    [(cosine, variance)] = both(after_an_epoch(estimator=name))
    assert cosine is not None
    assert variance is not None
    assert -1 <= cosine <= 1
    assert variance > 0


def test_by_run_and_nothing_where_it_has_no_meaning() -> None:
    cohort = trainer(*mixed_cohort(generator_norm="none"))
    moved(cohort.discriminator.parameters, by=0.05)
    found = both(cohort)
    assert [own is None for own, _ in found] == [False, False, True, False]
    assert found[1][1] == pytest.approx(0, abs=1e-9)  # one output, whatever the noise
    assert both(trainer(small(discriminator_norm="batch"))) == [(None, None)]


def test_training_is_the_same_with_it_and_without() -> None:
    one, other = after_an_epoch(), after_an_epoch()
    gradient_quality(one)
    one.train_epoch()
    other.train_epoch()
    assert all(torch.equal(one.state()[name], tensor) for name, tensor in other.state().items())
