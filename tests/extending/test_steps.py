"""Two steps with each part from outside, against plain PyTorch written out here: no engine, no cohort, no registry."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from members import small, trainer
from torch import Tensor

from binarygan.training.trainer import Trainer

BETA1, BETA2, RATE = 0.5, 0.9, 1e-4
Weights = dict[str, Tensor]


class PlainAdam:
    """Adam with epsilon beside the root of the uncorrected second moment, as TensorFlow has it."""

    def __init__(self, weights: Weights) -> None:
        self.weights, self.t = weights, 0
        self.m = {n: torch.zeros_like(w) for n, w in weights.items()}
        self.v = {n: torch.zeros_like(w) for n, w in weights.items()}

    def step(self, loss: Tensor) -> None:
        grads = torch.autograd.grad(loss, list(self.weights.values()), allow_unused=True)
        self.t += 1
        rate = RATE * (1 - BETA2**self.t) ** 0.5 / (1 - BETA1**self.t)
        for (name, w), g in zip(self.weights.items(), grads, strict=True):
            grad = torch.zeros_like(w) if g is None else g
            self.m[name] = BETA1 * self.m[name] + (1 - BETA1) * grad
            self.v[name] = BETA2 * self.v[name] + (1 - BETA2) * grad**2
            with torch.no_grad():
                w -= rate * self.m[name] / (self.v[name].sqrt() + 1e-8)


def dense(x: Tensor, w: Weights, layer: int, norm: str, activation: str) -> Tensor:
    """One layer of one run: rows (B, in) to (B, out)."""
    y = x @ w[f"{layer}.weight"] + w[f"{layer}.bias"]
    if norm == "batch":
        y = (y - y.mean(0)) / (y.var(0, correction=0) + 1e-3).sqrt()
    if norm == "rms":
        y = y / (y.square().mean(1, keepdim=True) + 1e-6).sqrt()
    if norm != "none":
        y = w[f"{layer}.scale"] * y + w[f"{layer}.shift"]
    return {"none": lambda z: z, "relu": F.relu, "leaky": lambda z: F.leaky_relu(z, 0.2)}[activation](y)


class Plain:
    """A dense GAN of one run."""

    def __init__(self, made: Trainer, **choices: Any) -> None:
        self.c = {"neuron": "dbn", "estimator": "sigmoid", "objective": "wgan-gp", "g_norm": "batch", "d_norm": "none"}
        self.c |= {"d_activation": "leaky", "temperature": 1.0, "slope": 1.0} | choices
        self.g, self.d = (
            {n: p.detach()[0].clone().requires_grad_() for n, p in s.parameters.items()}
            for s in (made.generator, made.discriminator)
        )
        self.g_adam, self.d_adam = PlainAdam(self.g), PlainAdam(self.d)

    def critic(self, x: Tensor) -> Tensor:
        last = len({n.split(".")[0] for n in self.d}) - 1
        for layer in range(last):
            x = dense(x, self.d, layer, self.c["d_norm"], self.c["d_activation"])
        return dense(x, self.d, last, "none", "none")[:, 0]

    def fake(self, z: Tensor, v: Tensor) -> Tensor:
        last = len({n.split(".")[0] for n in self.g}) - 1
        x = z
        for layer in range(last + 1):
            x = dense(x, self.g, layer, self.c["g_norm"], "none" if layer == last else "relu")
        p = torch.sigmoid(self.c["slope"] * x)
        if self.c["neuron"] == "logistic":
            hard = (self.c["slope"] * x + self.c["temperature"] * torch.log(v / (1 - v)) > 0).to(x.dtype)
        else:
            hard = (p > 0.5).to(x.dtype)
        surrogate = p if self.c["estimator"] == "sigmoid" else torch.where((p - 0.5).abs() < 0.4, x, x.detach())
        return surrogate + (hard - surrogate).detach()

    def critic_loss(self, real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
        of_real, of_fake = self.critic(real), self.critic(fake)
        if self.c["objective"] == "hinge-r1":
            x = real.clone().requires_grad_()
            (g,) = torch.autograd.grad(self.critic(x).sum(), x, create_graph=True)
            return F.relu(1 - of_real).mean() + F.relu(1 + of_fake).mean() + 0.5 * g.square().sum(1).mean()
        x = (epsilon * real + (1 - epsilon) * fake).requires_grad_()
        (g,) = torch.autograd.grad(self.critic(x).sum(), x, create_graph=True)
        penalty = ((1e-8 + g.square().sum(1)).sqrt() - 1).square().mean()
        return of_fake.mean() - of_real.mean() + 10 * penalty


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "neuron": ({"neuron": "logistic", "neuron.temperature": 0.3}, {"neuron": "logistic", "temperature": 0.3}),
    "estimator": ({"estimator": "clipped-identity"}, {"estimator": "clipped-identity"}),
    "objective": ({"objective": "hinge-r1"}, {"objective": "hinge-r1"}),
    "architecture": ({"architecture": "deep-mlp"}, {"d_activation": "relu"}),
    "norm in G": ({"generator_norm": "rms"}, {"g_norm": "rms"}),
    "norm in D": ({"discriminator_norm": "rms"}, {"d_norm": "rms"}),
}


@pytest.mark.parametrize("name", CASES)
def test_two_iterations_are_those_of_plain_pytorch(name: str) -> None:
    choices, plain_choices = CASES[name]
    config = small(critic_steps=2, **choices)
    made = trainer(config, dtype=torch.float64)
    plain = Plain(made, **plain_choices)
    images = made._images.double()
    draws, again = made.draws(1), made.draws(1)
    made.set_epoch(1)
    for batch in draws.batches():
        critic, generator = made.iteration(batch, draws, 2)
        noisy = config.part("neuron").draws_noise
        real, z = images[batch[0]], again.latent()[0]
        for k in range(2):
            v = again.noise()[0] if noisy else torch.full_like(real, 0.5)
            epsilon = again.epsilon()[0] if made.case.objective.interpolates else torch.zeros(len(real), 1)
            loss = plain.critic_loss(real, plain.fake(z, v).detach(), epsilon)
            assert critic[k, 0].item() == pytest.approx(loss.item(), rel=1e-9)
            plain.d_adam.step(loss)
        v = again.noise()[0] if noisy else torch.full_like(real, 0.5)
        loss = -plain.critic(plain.fake(z, v)).mean()
        assert generator[0].item() == pytest.approx(loss.item(), rel=1e-9)
        plain.g_adam.step(loss)
    for ours, theirs in ((made.generator.parameters, plain.g), (made.discriminator.parameters, plain.d)):
        for parameter, value in theirs.items():
            torch.testing.assert_close(
                ours[parameter].detach()[0], value.detach(), rtol=1e-7, atol=1e-10, msg=parameter
            )
