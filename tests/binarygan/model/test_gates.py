"""Gated generators: against plain PyTorch, what gates switch off, where their loss drives them, and what is refused."""

import dataclasses
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from members import CPU, moved, networks, registered, small, trainer
from torch import Tensor

from binarygan.errors import UserError
from binarygan.model.architectures import ARCHITECTURES, PIXELS, Gates, Layer, Mlp
from binarygan.model.gates import Gate
from binarygan.model.norms import Norm

SLOPE, SHARE, WEIGHT = 1.1, 0.25, 3.0
Weights = dict[str, Tensor]


def gated(**choices: Any) -> Any:
    return small(**({"architecture": "gated-mlp"} | choices))


def adam(weights: Weights, moments: dict[str, tuple[Tensor, Tensor]], t: int, loss: Tensor) -> None:
    """A step of Adam as TensorFlow has it, with the paper's settings."""
    for (name, w), g in zip(weights.items(), torch.autograd.grad(loss, list(weights.values())), strict=True):
        m, v = moments.get(name, (torch.zeros_like(w), torch.zeros_like(w)))
        m, v = moments[name] = 0.5 * m + 0.5 * g, 0.9 * v + 0.1 * g**2
        with torch.no_grad():
            w -= 1e-4 * (1 - 0.9**t) ** 0.5 / (1 - 0.5**t) * m / (v.sqrt() + 1e-8)


def binary(a: Tensor, v: Tensor | None) -> Tensor:
    """The sigmoid-adjusted straight-through estimator in two lines."""
    p = torch.sigmoid(SLOPE * a)
    return p + ((p > (0.5 if v is None else v)).to(p.dtype) - p).detach()


def normalized(x: Tensor, w: Weights, layer: int) -> Tensor:
    return w[f"{layer}.scale"] * (x - x.mean(0)) / (x.var(0, correction=0) + 1e-3).sqrt() + w[f"{layer}.shift"]


def generated(w: Weights, z: Tensor, v: Tensor | None, of_gates: Tensor | None) -> tuple[Tensor, Tensor]:
    """Images, and what the gates add to the loss."""
    on = binary(z @ w["0.gate_weight"] + w["0.gate_bias"], of_gates)
    h = F.relu(normalized(z @ w["0.weight"] + w["0.bias"], w, 0))
    blocks = [on[:, k : k + 1] * h[:, 256 * k : 256 * (k + 1)] for k in range(4)]
    a = normalized(torch.cat(blocks, 1) @ w["1.weight"] + w["1.bias"], w, 1)
    return binary(a, v), WEIGHT * ((on.mean(0) - SHARE) ** 2).mean()


def critic(w: Weights, x: Tensor) -> Tensor:
    for layer in (0, 1):
        x = F.leaky_relu(x @ w[f"{layer}.weight"] + w[f"{layer}.bias"], 0.2)
    return x @ w["2.weight"] + w["2.bias"]


@pytest.mark.parametrize("neuron", ["deterministic", "stochastic"])
def test_two_iterations_are_those_of_plain_pytorch(neuron: str) -> None:
    own = {"architecture.blocks": 4, "architecture.target_share": SHARE, "architecture.weight": WEIGHT}
    made = trainer(
        gated(objective="gan", discriminator_norm="none", neuron=neuron, **own), dtype=torch.float64, engine="reference"
    )
    g, d = (
        {n: p.detach()[0].clone().requires_grad_() for n, p in side.parameters.items()}
        for side in (made.generator, made.discriminator)
    )
    begun = {n: p.detach().clone() for n, p in g.items()}
    of_g: dict[str, Any] = {}
    of_d: dict[str, Any] = {}
    made.set_epoch(2)
    draws, again = made.draws(2), made.draws(2)
    for t, batch in enumerate(draws.batches(), 1):
        found = made.iteration(batch, draws, 1)
        real, z = made._images.double()[batch[0]], again.latent()[0]
        noisy = neuron == "stochastic"
        of_gates = again.gate_noise()[0] if noisy else None
        fake, _ = generated(g, z, again.noise()[0] if noisy else None, of_gates)
        loss = F.softplus(-critic(d, real)).mean() + F.softplus(critic(d, fake.detach())).mean()
        assert found[0].item() == pytest.approx(loss.item(), rel=1e-9)
        adam(d, of_d, t, loss)
        fake, added = generated(g, z, again.noise()[0] if noisy else None, of_gates)
        loss = F.softplus(-critic(d, fake)).mean() + added
        assert found[1].item() == pytest.approx(loss.item(), rel=1e-9)
        adam(g, of_g, t, loss)
    for name, value in g.items():
        ours = made.generator.parameters[name].detach()[0]
        atol = 1e-7 if name.endswith(".bias") else 1e-10  # a bias ahead of batch normalization: rounding alone
        torch.testing.assert_close(ours, value.detach(), rtol=1e-7, atol=atol, msg=name)
        assert not torch.equal(ours, begun[name]), name


@torch.no_grad()
def test_a_gate_that_is_off_leaves_nothing_of_its_block() -> None:
    network, _ = networks(gated(generator_norm="affine"))
    parameters = moved(network.initial_parameters([0], "test", device=CPU), by=0.1)
    on = torch.tensor([[1.0, 0.0] * 8, [0.0, 1.0] * 8, [0.0] * 16]).unsqueeze(0)
    gate = Gate(Gates(blocks=16, target_share=0.5, weight=1.0), lambda a, v: on, None)
    z = torch.randn(1, 3, 128)
    before = network(parameters, z, gate=gate)[0]
    of_block = {0: ("1.weight", slice(0, 64)), 1: ("0.bias", slice(64, 128))}
    for block, (name, units) in of_block.items():
        others = parameters | {name: parameters[name].clone()}
        others[name][0, units] += 1
        changed = (network(others, z, gate=gate)[0] != before).any(1).tolist()
        assert changed == [block == 0, block == 1, False]
    bias, scale, shift = (parameters[f"1.{name}"][0] for name in ("bias", "scale", "shift"))
    torch.testing.assert_close(before[2], bias * scale / 1.001**0.5 + shift)


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_the_loss_drives_the_share_to_its_target(share: float) -> None:
    """Of both kinds in one cohort; with no weight it stays near a half, where it began."""
    found = []
    for weight in (10.0, 0.0) if share < 0.5 else (10.0,):
        own = {"architecture.target_share": share, "architecture.weight": weight}
        config = gated(critic_steps=1, train_images=1280, learning_rate=3e-2, **own)
        made = trainer(*(dataclasses.replace(config, neuron=n) for n in ("deterministic", "stochastic")))
        made.train_epoch()
        gate = Gate.of(made.case.generator, made.neurons, torch.rand(1, 500, 16))
        assert gate is not None
        with torch.no_grad():
            made.case.generator(made.generator.parameters, torch.randn(2, 500, 128), gate=gate)
        found.append(gate.outputs.mean((1, 2)).tolist())
    assert found[0] == pytest.approx([share, share], abs=0.1)
    assert all(abs(s - share) > 0.15 for free in found[1:] for s in free)


class InD(Mlp):
    """Gates where there may be none."""

    label = "gated D"

    def discriminator_layers(self, norm: Norm) -> tuple[Layer, ...]:
        gates = Gates(blocks=4, target_share=0.5, weight=1.0)
        return Layer(kind="gated", units=64, gates=gates), Layer(kind="dense", units=1)


class Twice(Mlp):
    label = "gated twice"

    def generator_layers(self, norm: Norm, output_norm: Norm) -> tuple[Layer, ...]:
        hidden = Layer(kind="gated", units=64, gates=Gates(blocks=4, target_share=0.5, weight=1.0))
        return hidden, hidden, Layer(kind="dense", units=PIXELS)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        *(({"architecture.target_share": s}, "target_share=.* must be above 0") for s in (0.0, -0.5)),
        *(({"architecture.target_share": s}, "target_share=.* must be below 1") for s in (1.0, 1.5)),
        ({"architecture.target_share": math.nan}, "target_share=nan must be a finite number"),
        ({"architecture.blocks": 7}, "1024 units of a gated layer are no multiple of its 7 blocks"),
        ({"architecture.weight": -1.0}, "weight=-1.0 must be at least 0"),
        ({"neuron": "real"}, "neuron='real' is not for architecture='gated-mlp', .* choose a binary neuron"),
        ({"neuron": "stochastic", "estimator": "disarm"}, "'disarm' is not for architecture='gated-mlp'"),
    ],
)
def test_what_gates_cannot_be_is_refused_in_one_line(choices: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        gated(**choices)
    assert "\n" not in str(error.value)


def test_one_layer_of_the_generator_may_be_gated_and_no_other() -> None:
    with registered(ARCHITECTURES, ind=InD, twice=Twice):
        with pytest.raises(UserError, match="'ind': one layer of the generator may be gated"):
            small(architecture="ind").discriminator_layers()
        with pytest.raises(UserError, match="'twice': one layer of the generator may be gated"):
            small(architecture="twice", generator_norm="none").generator_layers()
    with pytest.raises(UserError, match="gated layers have gates, and no others"):
        Layer(kind="gated", units=64)
