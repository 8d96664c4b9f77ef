"""One part of each kind, defined outside the packages and known to them by registration alone."""

from dataclasses import dataclass
from typing import Any

import matplotlib.figure
import torch
from torch import Tensor

from analysis.figures import Drawn, figure
from analysis.results.study import Study
from binarygan.metrics.measured import ImageSet
from binarygan.metrics.names import metric
from binarygan.model.architectures import ARCHITECTURES, PIXELS, Architecture, Layer
from binarygan.model.estimators import ESTIMATORS, Estimator
from binarygan.model.neurons import NEURONS, Neuron
from binarygan.model.norms import NORMS, Norm
from binarygan.model.objectives import OBJECTIVES, Critic, Objective, logits_of_both
from binarygan.registry import parameter
from study.design.grids import GRIDS, Grid


@NEURONS.named("logistic")
@dataclass(frozen=True, kw_only=True)
class Logistic(Neuron):
    """b = 1[x + T logit(v) > 0]: logistic noise of temperature T; 1 gives the stochastic binary neuron."""

    temperature: float = parameter("T of the logistic noise", default=1.0, above=0)
    label = "logistic"
    draws_noise = True

    def output(self, p: Tensor, v: Tensor | None) -> Tensor:
        assert v is not None
        return (torch.logit(p) + self.temperature * torch.logit(v) > 0).to(p.dtype)


@ESTIMATORS.named("clipped-identity")
@dataclass(frozen=True, kw_only=True)
class ClippedIdentity(Estimator):
    """dL/da := g where p is within a band around 0.5, else 0."""

    band: float = parameter("half the width of the band", default=0.4, above=0, most=0.5)
    label = "clipped identity"

    def supports(self, neuron: type[Neuron]) -> bool:
        return neuron.binary

    def grad_a(self, g: Tensor, *, a: Tensor, p: Tensor, slope: Tensor, b: Tensor, v: Tensor | None) -> Tensor:
        return g * ((p - 0.5).abs() < self.band)


@OBJECTIVES.named("hinge-r1")
@dataclass(frozen=True, kw_only=True)
class HingeR1(Objective):
    """Hinge losses with an R1 penalty (arXiv 1801.04406): weight / 2 times the mean of |grad_x D(x)|², x real."""

    r1_weight: float = parameter("weight of the R1 penalty", default=1.0, least=0)
    label = "hinge, R1"

    def critic_loss(self, critic: Critic, *, real: Tensor, fake: Tensor, epsilon: Tensor | None) -> Tensor:
        of_real, of_fake = logits_of_both(critic, real=real, fake=fake)
        x = real.detach().requires_grad_()
        (grad_x,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        r1 = grad_x.square().sum(2).mean(1)
        return torch.relu(1 - of_real).mean(1) + torch.relu(1 + of_fake).mean(1) + self.r1_weight / 2 * r1

    def generator_loss(self, logits: Tensor) -> Tensor:
        return -logits.mean(1)


@ARCHITECTURES.named("deep-mlp")
@dataclass(frozen=True, kw_only=True)
class DeepMlp(Architecture):
    """Three hidden layers each, with ReLU in D."""

    width: int = parameter("units of each hidden layer", default=64, least=16, most=4096)
    label = "deep MLP"

    def generator_layers(self, norm: Norm, output_norm: Norm) -> tuple[Layer, ...]:
        hidden = Layer(kind="dense", units=self.width, norm=norm, activation="relu")
        return (hidden, hidden, hidden, Layer(kind="dense", units=PIXELS, norm=output_norm))

    def discriminator_layers(self, norm: Norm) -> tuple[Layer, ...]:
        hidden = Layer(kind="dense", units=self.width, norm=norm, activation="relu")
        return (hidden, hidden, hidden, Layer(kind="dense", units=1))


@NORMS.named("rms")
class RmsNorm(Norm):
    """Each example divided by the root of the mean square of its features (arXiv 1910.07467)."""

    label = "RMS norm"

    def normalize(self, x: Tensor) -> Tensor:
        features = tuple(range(2, x.dim()))
        return x * torch.rsqrt(x.square().mean(features, keepdim=True) + 1e-6)


@metric("blank_share", "blank", "share of samples without ink", "target", light=True, most=1)
def blank_share(samples: ImageSet, *_: object) -> float:
    return float((samples.images.flatten(1).sum(1) == 0).float().mean())


@figure("ink-by-cell", "Ink of each configuration")
def ink_by_cell(study: Study) -> Drawn | None:
    picture = matplotlib.figure.Figure(figsize=(3, 2))
    means = study.members.groupby("cell_id")["ink"].mean()
    picture.subplots().bar(range(len(means)), means)
    return Drawn(picture, f"Ink of {len(means)} configurations.")


def _outside(_: str) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = [
        {"neuron": "logistic", "neuron.temperature": 0.5},
        {"estimator": "clipped-identity"},
        {"objective": "hinge-r1"},
        {"architecture": "deep-mlp", "architecture.width": 32},
        {"generator_norm": "rms"},
    ]
    return [{"critic_schedule": "constant", **choice} for choice in choices]


GRIDS.register("outside", Grid("each part from outside once", _outside))
