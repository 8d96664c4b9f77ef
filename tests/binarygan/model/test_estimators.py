"""Estimators against exact enumeration of all outputs of 12 units, against the libraries that have them, and against
what is proven of them."""

import itertools
from collections.abc import Callable

import pytest
import reinmax
import torch
from torch import Tensor
from torch.distributions import RelaxedBernoulli

from binarygan.model.estimators import (
    BinaryConcrete,
    Decoupled,
    Estimator,
    FastSigmoid,
    GappedStraightThrough,
    GumbelRao,
    HardSigmoid,
    Identity,
    ReinMax,
    SigmoidAdjusted,
    StraightThroughGumbel,
)
from binarygan.model.score_functions import Arm, DisArm, LeaveOneOut, Reinforce, ScoreFunction

UNITS, SLOPE = 12, 1.3
SOURCE = torch.Generator().manual_seed(5)


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=SOURCE, dtype=torch.float64)


A, WEIGHT, PAIRS, CUBIC = normal(UNITS), normal(UNITS), normal(UNITS, UNITS), normal(UNITS, UNITS)
P = torch.sigmoid(SLOPE * A)
ALL = torch.tensor(list(itertools.product((0.0, 1.0), repeat=UNITS)), dtype=torch.float64)
CHANCES = (ALL * P + (1 - ALL) * (1 - P)).prod(1)
Function = Callable[[Tensor], Tensor]


def linear(b: Tensor) -> Tensor:
    return b @ WEIGHT


def quadratic(b: Tensor) -> Tensor:
    """With squares of single units, so that a unit's derivative is not what flipping it changes."""
    return linear(b) + ((b @ PAIRS) * b).sum(-1)


def cubic(b: Tensor) -> Tensor:
    return quadratic(b) + (b @ CUBIC).pow(3).sum(-1) / UNITS


def truth(f: Function) -> Tensor:
    """dE[f]/da, exactly."""
    a = A.clone().requires_grad_()
    p = torch.sigmoid(SLOPE * a)
    (gradient,) = torch.autograd.grad(((ALL * p + (1 - ALL) * (1 - p)).prod(1) * f(ALL)).sum(), a)
    return gradient


def shaped(x: Tensor) -> Tensor:
    """(samples, units) -> (1, samples, units)."""
    return x.expand(len(x), -1).unsqueeze(0)


def estimates(estimator: Estimator, f: Function, b: Tensor, v: Tensor | None) -> Tensor:
    """The estimate of dL/da for each output b (samples, units)."""
    point = b.clone().requires_grad_()
    (g,) = torch.autograd.grad(f(point).sum(), point)
    a, p = (x.expand_as(b).unsqueeze(0) for x in (A, P))
    given = {"a": a, "p": p, "slope": torch.full((1, 1, 1), SLOPE, dtype=torch.float64), "b": shaped(b)}
    return estimator.grad_a(shaped(g), **given, v=v if v is None else shaped(v))[0]


def expected(estimator: Estimator, f: Function) -> Tensor:
    """The mean of an estimate that depends on the output alone, by enumeration."""
    return (CHANCES.unsqueeze(1) * estimates(estimator, f, ALL, None)).sum(0)


def agree(found: Tensor, wanted: Tensor) -> None:
    """The mean of samples (samples, units) is `wanted`, within five standard errors."""
    errors = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - wanted).abs() <= 5 * errors + 1e-12).all()


OF_OUTPUT = {
    "sigmoid": SigmoidAdjusted(),
    "identity": Identity(),
    "hard sigmoid": HardSigmoid(),
    "fast sigmoid": FastSigmoid(),
    "decoupled": Decoupled(backward_slope=0.7),
    "gapped": GappedStraightThrough(temperature=0.8),
    "reinmax": ReinMax(),
}


@pytest.mark.parametrize("name", OF_OUTPUT)
def test_its_mean_over_sampled_outputs_is_that_of_enumeration(name: str) -> None:
    v = torch.rand(100_000, UNITS, generator=SOURCE, dtype=torch.float64)
    agree(estimates(OF_OUTPUT[name], cubic, (v < P).double(), v), expected(OF_OUTPUT[name], cubic))


def test_of_first_and_of_second_order() -> None:
    """The sigmoid-adjusted estimate is unbiased where f is linear, ReinMax where it is quadratic, neither beyond."""
    for estimator, exact, biased in (
        (SigmoidAdjusted(), linear, quadratic),
        (Decoupled(backward_slope=SLOPE), linear, quadratic),
        (ReinMax(), quadratic, cubic),
    ):
        torch.testing.assert_close(expected(estimator, exact), truth(exact), rtol=1e-10, atol=1e-12)
        assert (expected(estimator, biased) - truth(biased)).abs().max() > 0.01


def test_the_bias_of_the_other_derivatives() -> None:
    """For a linear f each gives the derivative of its own curve in place of the sigmoid's."""
    x = (SLOPE * A).requires_grad_()
    curves = {
        "identity": x / SLOPE,
        "hard sigmoid": (1 + x.clamp(-1, 1)) / 2,
        "fast sigmoid": x / (1 + x.abs()) / 4,
        "decoupled": torch.sigmoid(0.7 * x / SLOPE),
    }
    for name, curve in curves.items():
        (slope,) = torch.autograd.grad(curve.sum(), x, retain_graph=True)
        torch.testing.assert_close(expected(OF_OUTPUT[name], linear), WEIGHT * slope * SLOPE, rtol=1e-10, atol=1e-12)


def test_the_decoupled_one_with_equal_slopes_is_the_sigmoid_adjusted() -> None:
    torch.testing.assert_close(
        estimates(Decoupled(backward_slope=SLOPE), cubic, ALL, None), estimates(SigmoidAdjusted(), cubic, ALL, None)
    )


def test_gapped_follows_its_definition() -> None:
    x = (SLOPE * A).expand_as(ALL).clone().requires_grad_()
    c = 2 * ALL - 1
    moved = torch.where(c * x.detach() > 1, x, c + x - x.detach())  # the value c, the gradient x's
    y = torch.sigmoid(moved / 0.8)
    point = ALL.clone().requires_grad_()
    (g,) = torch.autograd.grad(cubic(point).sum(), point)
    (wanted,) = torch.autograd.grad(y, x, g)
    torch.testing.assert_close(estimates(OF_OUTPUT["gapped"], cubic, ALL, None), wanted * SLOPE)


@pytest.mark.parametrize("temperature", [1.0, 1.7])
def test_reinmax_is_that_of_its_authors(temperature: float) -> None:
    torch.manual_seed(3)
    x = (SLOPE * A).expand(500, -1).clone().requires_grad_()
    sample, _ = reinmax.reinmax(torch.stack([x, torch.zeros_like(x)], -1), temperature)
    b = sample[..., 0]
    cubic(b).sum().backward()
    assert x.grad is not None
    ours = estimates(ReinMax(temperature=temperature), cubic, b.detach(), None)
    torch.testing.assert_close(ours, x.grad * SLOPE)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.0])
def test_binary_concrete_is_torchs(temperature: float) -> None:
    a = A.expand(500, -1).clone().requires_grad_()
    torch.manual_seed(3)
    y = RelaxedBernoulli(torch.tensor(temperature, dtype=torch.float64), logits=SLOPE * a).rsample()
    torch.manual_seed(3)
    v = 1 - torch.rand(a.shape, dtype=torch.float64)
    cubic(y).sum().backward()
    estimator = BinaryConcrete(temperature=temperature)
    slope = torch.full((1, 1, 1), SLOPE, dtype=torch.float64)
    own = estimator.relaxed_output(a=shaped(a.detach()), slope=slope, v=shaped(v))[0]
    torch.testing.assert_close(own, y.detach(), rtol=1e-6, atol=1e-9)
    assert torch.equal(own > 0.5, v < P)
    assert a.grad is not None
    torch.testing.assert_close(estimates(estimator, cubic, own, v), a.grad, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("samples", [1, 10])
def test_gumbel_rao_has_straight_through_gumbels_mean_and_less_variance(samples: int) -> None:
    v = torch.rand(100_000, UNITS, generator=SOURCE, dtype=torch.float64)
    b = (v < P).double()
    plain = estimates(StraightThroughGumbel(temperature=0.6), cubic, b, v)
    rao = estimates(GumbelRao(temperature=0.6, samples=samples), cubic, b, v)
    agree(rao - plain, torch.zeros(UNITS, dtype=torch.float64))
    if samples == 1:
        torch.testing.assert_close(rao, plain, rtol=1e-6, atol=1e-9)
    else:
        assert (rao.var(0) < 0.98 * plain.var(0)).all()


@pytest.mark.parametrize("estimator", [Reinforce(), LeaveOneOut(), Arm(), DisArm()], ids=lambda e: type(e).__name__)
def test_score_functions_are_unbiased(estimator: ScoreFunction) -> None:
    v = torch.rand(100_000, 4, UNITS, generator=SOURCE, dtype=torch.float64)  # batches of four
    p, x = P.expand_as(v), (SLOPE * A).expand_as(v)
    outputs = estimator.outputs((p > v).double(), p=p, v=v)
    found = estimator.grad_x([cubic(b).unsqueeze(2) for b in outputs], outputs, x=x, p=p, v=v) * SLOPE
    for b in outputs:
        agree(b.flatten(0, 1), P)
    agree(found.flatten(0, 1) if len(outputs) == 2 else found.mean(1), truth(cubic))


def test_saturated_units_give_no_nan() -> None:
    a = torch.tensor([-200.0, -1.0, 0.0, 1.0, 200.0]).view(1, 1, 5)
    p, slope = torch.sigmoid(a), torch.ones(1, 1, 1)
    for noise in (0.0, 0.5, 1 - 2**-24):
        v = torch.full_like(a, noise)
        b = (p > v).float()
        for estimator in (*OF_OUTPUT.values(), StraightThroughGumbel(), BinaryConcrete(), GumbelRao()):
            assert estimator.grad_a(torch.ones_like(a), a=a, p=p, slope=slope, b=b, v=v).isfinite().all(), estimator
        for function in (LeaveOneOut(), Arm(), DisArm()):
            outputs = function.outputs(b, p=p, v=v)
            assert function.grad_x([x.sum(2, keepdim=True) for x in outputs], outputs, x=a, p=p, v=v).isfinite().all()
