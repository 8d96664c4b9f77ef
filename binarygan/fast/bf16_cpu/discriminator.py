"""A dense piecewise-linear discriminator's gradients, with values in bfloat16 between products.

At the paper's sizes a step is eight products of 0.1 to 0.3 milliseconds. What PyTorch does around each call, on newly
allocated memory each time, would add a quarter of that. So all memory is allocated once and used again.

Shapes: M runs, B batch, N = B, 2B or 3B examples (real, fake, interpolated), P = 784 pixels.
"""

import torch
from torch import Tensor

from binarygan.fast.analytic.derivatives import SUPPORTED, Derivatives
from binarygan.fast.bf16_cpu.layers import RoundedLayer, RoundedTop
from binarygan.fast.bf16_cpu.parameters import RoundedParameters
from binarygan.model.activations import ACTIVATIONS, LeakyRelu
from binarygan.model.layers import operands_of_layer
from binarygan.model.networks import Network, Parameters
from binarygan.model.norms import NoNorm
from binarygan.model.objectives import FLOOR, Objective


class RoundedDiscriminator:
    """Three dense layers or more without a norm, leaky up to the logit.

    What products take and give is rounded, as on the reference path, and nothing else.
    """

    def __init__(self, network: Network, objective: Objective) -> None:
        self._network, self._derivatives = network, Derivatives(objective)
        self._parameters: RoundedParameters | None = None
        self._passes: dict[tuple[int, bool], _Passes] = {}

    @staticmethod
    def supports(network: Network, objective: Objective) -> bool:
        """Whether it is such a network, all of whose layers but the logit multiply in bfloat16."""
        *hidden, last = network.layers
        return (
            type(objective) in SUPPORTED
            and type(network) is Network
            and len(hidden) > 1
            and all(layer.kind == "dense" and type(layer.norm) is NoNorm for layer in network.layers)
            and all(ACTIVATIONS[layer.activation] is LeakyRelu for layer in hidden)
            and all(operands_of_layer(layer, network.operands) is torch.bfloat16 for layer in hidden)
            and (last.units, last.activation) == (1, "none")
        )

    @torch.no_grad()
    def critic_gradients(
        self, parameters: Parameters, images: Tensor, epsilon: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        """The critic's loss (M,) and its gradients in the order of the parameters, as `Reference` has it."""
        batch = images.shape[1] // (2 if epsilon is None else 3)
        assert epsilon is None or epsilon.shape[1:] == (batch, 1)  # kernels check nothing
        own, passes = self._prepared(parameters, images, interpolated=epsilon is not None)
        passes.forward(epsilon)
        of_real, of_fake = passes.logits[:, :batch], passes.logits[:, batch : 2 * batch]
        loss, *grad_logits = self._derivatives.critic(of_real, of_fake)
        passes.grad_logits[:, :batch], passes.grad_logits[:, batch : 2 * batch] = grad_logits
        passes.backward()
        if epsilon is not None:
            assert self._derivatives.penalty_weight is not None
            loss = loss + passes.penalize(self._derivatives.penalty_weight)
        passes.add_up()
        return loss, own.gradients()

    @torch.no_grad()
    def generator_gradients(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's loss (M,) and its gradient with respect to the fake images (M, B, P)."""
        _, passes = self._prepared(parameters, fake, interpolated=False)
        passes.forward(None)
        loss, grad_logits = self._derivatives.generator(passes.logits)
        passes.grad_logits.copy_(grad_logits)
        passes.backward()
        return loss, passes.grad_images()

    def _prepared(
        self, parameters: Parameters, images: Tensor, *, interpolated: bool
    ) -> "tuple[RoundedParameters, _Passes]":
        """The memory for these parameters, as they are now, and these images."""
        if self._parameters is None or self._parameters.given is not parameters:
            self._parameters, self._passes = RoundedParameters(self._network, parameters), {}
        self._parameters.follow()
        key = (images.shape[1], interpolated)
        if key not in self._passes:
            layers = len(self._network.layers)
            self._passes[key] = _Passes(self._parameters, layers, *images.shape, interpolated=interpolated)
        self._passes[key].take(images)
        return self._parameters, self._passes[key]


class _Passes:
    """Forward and backward passes of all runs, for one number of images."""

    def __init__(
        self,
        parameters: RoundedParameters,
        layers: int,
        members: int,
        examples: int,
        pixels: int,
        *,
        interpolated: bool,
    ) -> None:
        self._own = examples // 3 * 2 if interpolated else examples
        self.logits = torch.empty(members, examples)
        self.grad_logits = torch.ones(members, examples)  # it stays 1 for interpolated images
        self._room = torch.empty(members, examples, pixels, dtype=torch.bfloat16)
        self._taken: Tensor | None = None
        self._members = [self._of_member(parameters, layers, m) for m in range(members)]

    def _of_member(self, parameters: RoundedParameters, layers: int, m: int) -> tuple[list[RoundedLayer], RoundedTop]:
        examples = self.logits.shape[1]
        *hidden, before_last, last = (parameters.of_layer(number, m) for number in range(layers))
        made = [RoundedLayer(*each, examples, self._own) for each in hidden]
        top = RoundedTop(*before_last, last, self.logits[m], self.grad_logits[m], examples, self._own)
        for layer, after in zip(made, (*made[1:], top), strict=True):
            after.take(layer.activated)
        return made, top

    def take(self, images: Tensor) -> None:
        """Read images from this tensor (M, N, P), which only the interpolated ones are written into."""
        if images.dtype is not torch.bfloat16:
            images = self._room.copy_(images)
        if images is not self._taken:
            self._taken = images
            for (layers, _), own in zip(self._members, images, strict=True):
                layers[0].take(own)

    def forward(self, epsilon: Tensor | None) -> None:
        """Compute the logits."""
        for m, ((first, *others), top) in enumerate(self._members):
            first.forward(None if epsilon is None else epsilon[m, :, 0].numpy())
            for layer in others:
                layer.forward()
            top.forward()

    def backward(self) -> None:
        """Compute the gradients with respect to all products and biases."""
        for layers, top in self._members:
            top.backward()
            after: RoundedLayer | RoundedTop = top
            for layer in reversed(layers):
                after.grad_x(layer.grad_linear)
                layer.backward()
                after = layer

    def penalize(self, weight: float) -> Tensor:
        """The penalty (M,); its tangents replace the interpolated examples' x in each layer."""
        penalties = []
        for layers, top in self._members:
            penalties.append(layers[0].penalize(weight, FLOOR))
            for layer in layers:
                layer.replace_interpolated()
            top.replace_interpolated()
        return torch.tensor(penalties)

    def add_up(self) -> None:
        """Compute the weights' gradients."""
        for layers, top in self._members:
            for layer in (*layers, top):
                layer.add_up()

    def grad_images(self) -> Tensor:
        """The gradient with respect to the images, in float32. It overwrites their copy, which is not read again."""
        for (layers, _), room in zip(self._members, self._room, strict=True):
            layers[0].grad_x(room)
        return self._room.float()
