"""Gradients of an MLP discriminator by hand: what autograd gives, in half the time.

Without batch or layer normalization the discriminator is piecewise linear, so the gradient penalty's double backward
is the chain of the same matrices once more. Three things follow that autograd cannot know: the mixed images' first
layer is the mix of real's and fake's (no product of its own); the penalty's part of each weight's gradient joins the
loss's part in one product; and nothing is summed or copied afterwards.

Shapes: M members, B batch, N = 2B or 3B rows (real, fake, mixed), P = 784 pixels, U units of a layer.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from binarygan.layers import EPSILON, LEAK
from binarygan.networks import Network, Parameters
from binarygan.objectives import Objective, penalty_of

GAIN = (1 + EPSILON) ** -0.5
"""What `affine` multiplies with, beside its learned scale."""


def serves(network: Network) -> bool:
    """Whether every layer is dense and piecewise linear."""
    return all(layer.kind == "dense" and layer.norm in ("none", "affine") for layer in network.layers)


@dataclass(frozen=True)
class _Passed:
    """One layer's forward pass: before its norm, the derivative of its activation, after its activation."""

    linear: Tensor
    slope: Tensor | None
    output: Tensor


class MlpGradients:
    """Losses and gradients of a piecewise-linear MLP discriminator (`serves`)."""

    def __init__(self, network: Network, objective: Objective, penalty_weight: float | None) -> None:
        self._layers, self._objective, self._penalty_weight = network.layers, objective, penalty_weight

    @torch.no_grad()
    def of_critic(
        self, parameters: Parameters, *, real: Tensor, fake: Tensor, mixing: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        """The critic's loss (M,) on images (M, B, P) and its gradients, in the order of `parameters`."""
        batch = real.shape[1]
        images = [real, fake] if mixing is None else [real, fake, torch.empty_like(real)]
        inputs = [torch.cat(images, 1)]  # the penalty's part of the first layer takes the third place later
        passed = self._forward(parameters, inputs[0][:, : 2 * batch], mixing)
        logits = passed[-1].output[:, : 2 * batch, 0]
        of_real, of_fake = logits[:, :batch], logits[:, batch:]
        loss = self._objective.loss_of_logits(of_real, of_fake)
        slopes = [*self._objective.slopes_of_logits(of_real, of_fake)]
        if mixing is not None:
            slopes.append(torch.ones_like(slopes[0]))  # the mixed images' logits themselves are differentiated
        normed: list[Tensor] = [torch.cat(slopes, 1).unsqueeze(2)]  # derivatives before each layer's activation
        linear: list[Tensor] = []  # and before its norm
        for number in reversed(range(len(self._layers))):
            linear.insert(0, self._times_scale(parameters, number, normed[0]))
            if number:
                back = linear[0] @ parameters[f"{number}.weight"].mT
                normed.insert(0, _times(back, passed[number - 1].slope))
        inputs += [p.output for p in passed[:-1]]
        if mixing is None:
            chain: list[Tensor] = []
        else:
            penalty, chain = self._penalty(parameters, inputs, passed, linear[0], 2 * batch)
            loss = loss + penalty
        gradients = []
        for number, layer in enumerate(self._layers):
            own = slice(2 * batch)  # biases and shifts have no part in the penalty
            gradients += [inputs[number].mT @ linear[number], linear[number][:, own].sum(1)]
            if layer.norm == "affine":
                by_scale = (normed[number][:, own] * passed[number].linear[:, own]).sum(1)
                if chain:
                    by_scale += (normed[number][:, 2 * batch :] * chain[number]).sum(1)
                gradients += [by_scale * GAIN, normed[number][:, own].sum(1)]
        return loss, gradients

    @torch.no_grad()
    def of_generator(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's loss (M,) and its derivative by the fake images (M, B, P)."""
        passed = self._forward(parameters, fake, None)
        logits = passed[-1].output[:, :, 0]
        loss, slopes = self._objective.generator_loss(logits), self._objective.generator_slopes(logits)
        back = slopes.unsqueeze(2)
        for number in reversed(range(len(self._layers))):
            back = self._times_scale(parameters, number, _times(back, passed[number].slope))
            back = back @ parameters[f"{number}.weight"].mT
        return loss, back

    def _forward(self, parameters: Parameters, images: Tensor, mixing: Tensor | None) -> list[_Passed]:
        """Every layer for real and fake rows, and for their mix where `mixing` (M, B, 1) is given."""
        passed: list[_Passed] = []
        x = images
        for number, layer in enumerate(self._layers):
            bias = parameters[f"{number}.bias"].unsqueeze(1)
            linear = torch.baddbmm(bias, x, parameters[f"{number}.weight"])
            if number == 0 and mixing is not None:
                real, fake = linear.chunk(2, 1)
                linear = torch.cat([linear, torch.lerp(fake, real, mixing)], 1)
            normed = linear
            if layer.norm == "affine":
                scale = parameters[f"{number}.scale"].unsqueeze(1) * GAIN
                normed = torch.addcmul(parameters[f"{number}.shift"].unsqueeze(1), linear, scale)
            if layer.activation == "leaky-relu":
                slope = torch.where(normed > 0, normed.new_ones(()), normed.new_full((), LEAK))
                x = F.leaky_relu(normed, LEAK)
            else:
                slope, x = None, normed
            passed.append(_Passed(linear, slope, x))
        return passed

    def _penalty(
        self, parameters: Parameters, inputs: list[Tensor], passed: list[_Passed], by_linear: Tensor, first: int
    ) -> tuple[Tensor, list[Tensor]]:
        """The penalty (M,), and its derivatives by the mixed rows' derivatives before each layer's norm.

        Those that meet a layer's weights are written into the mixed rows (from `first` on) of `inputs`, where the
        product that gives the weights' gradients finds them beside the loss's rows.
        """
        assert self._penalty_weight is not None
        gradient = by_linear[:, first:] @ parameters["0.weight"].mT
        penalty, inputs[0][:, first:] = penalty_of(gradient, self._penalty_weight)
        chain = []
        for number in range(len(self._layers) - 1):
            chain.append(inputs[number][:, first:] @ parameters[f"{number}.weight"])
            slope = passed[number].slope
            scaled = self._times_scale(parameters, number, chain[-1])
            inputs[number + 1][:, first:] = _times(scaled, None if slope is None else slope[:, first:])
        return penalty, chain

    def _times_scale(self, parameters: Parameters, number: int, x: Tensor) -> Tensor:
        if self._layers[number].norm == "none":
            return x
        return x * (parameters[f"{number}.scale"].unsqueeze(1) * GAIN)


def _times(x: Tensor, slope: Tensor | None) -> Tensor:
    return x if slope is None else x * slope
