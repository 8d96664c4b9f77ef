"""Gradients of a dense piecewise-linear discriminator: what `piecewise_gradients` computes.

At the paper's sizes a step is eight products of a tenth of a millisecond or three, and what PyTorch does around each
call, on memory that is new each time, would take a quarter of that again.

Shapes: M members, B batch, N = B, 2B or 3B examples (real, fake, mixed), P = 784 pixels.
"""

import torch
from torch import Tensor

from binarygan.fast.bf16_cpu.layers import RoundedLayer, RoundedTop
from binarygan.fast.bf16_cpu.parameters import RoundedParameters
from binarygan.model.networks import Network, Parameters
from binarygan.model.objectives import FLOOR, Objective


class RoundedGradients:
    """For three dense layers or more without a norm, leaky but for the last, which is a logit.

    What products take and give is rounded, as in `PiecewiseGradients`, and nothing else.
    """

    def __init__(self, network: Network, objective: Objective, penalty_weight: float | None) -> None:
        self._network, self._objective, self._penalty_weight = network, objective, penalty_weight
        self._parameters: RoundedParameters | None = None
        self._passes: dict[tuple[int, bool], _Passes] = {}

    def images_in(self, like: Tensor) -> torch.dtype:
        return torch.bfloat16

    @torch.no_grad()
    def of_critic(self, parameters: Parameters, images: Tensor, mixing: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        batch = images.shape[1] // (2 if mixing is None else 3)
        assert mixing is None or mixing.shape[1:] == (batch, 1)  # kernels check nothing
        own, passes = self._made(parameters, images, mixed=mixing is not None)
        passes.forward(mixing)
        of_real, of_fake = passes.logits[:, :batch], passes.logits[:, batch : 2 * batch]
        loss = self._objective.loss_of_logits(of_real, of_fake)
        slopes = self._objective.slopes_of_logits(of_real, of_fake)
        passes.slopes[:, :batch], passes.slopes[:, batch : 2 * batch] = slopes
        passes.backward()
        if mixing is not None:
            assert self._penalty_weight is not None
            loss = loss + passes.penalize(self._penalty_weight)
        passes.add_up()
        return loss, own.gradients()

    @torch.no_grad()
    def of_generator(self, parameters: Parameters, fake: Tensor) -> tuple[Tensor, Tensor]:
        _, passes = self._made(parameters, fake, mixed=False)
        passes.forward(None)
        loss = self._objective.generator_loss(passes.logits)
        passes.slopes.copy_(self._objective.generator_slopes(passes.logits))
        passes.backward()
        return loss, passes.by_images()

    def _made(self, parameters: Parameters, images: Tensor, *, mixed: bool) -> "tuple[RoundedParameters, _Passes]":
        """For these parameters as they are now, and these images."""
        if self._parameters is None or self._parameters.given is not parameters:
            self._parameters, self._passes = RoundedParameters(self._network, parameters), {}
        self._parameters.follow()
        key = (images.shape[1], mixed)
        if key not in self._passes:
            layers = len(self._network.layers)
            self._passes[key] = _Passes(self._parameters, layers, *images.shape, mixed=mixed)
        self._passes[key].take(images)
        return self._parameters, self._passes[key]


class _Passes:
    """Forth and back, for one number of images."""

    def __init__(
        self, parameters: RoundedParameters, layers: int, members: int, examples: int, pixels: int, *, mixed: bool
    ) -> None:
        self._own = examples // 3 * 2 if mixed else examples
        self.logits = torch.empty(members, examples)
        self.slopes = torch.ones(members, examples)  # and so of the mixed: it is their logits that are differentiated
        self._room = torch.empty(members, examples, pixels, dtype=torch.bfloat16)
        self._taken: Tensor | None = None
        self._members = [self._of_member(parameters, layers, m) for m in range(members)]

    def _of_member(self, parameters: RoundedParameters, layers: int, m: int) -> tuple[list[RoundedLayer], RoundedTop]:
        examples = self.logits.shape[1]
        *hidden, before_last, last = (parameters.of_layer(number, m) for number in range(layers))
        made = [RoundedLayer(*each, examples, self._own) for each in hidden]
        top = RoundedTop(*before_last, last, self.logits[m], self.slopes[m], examples, self._own)
        for layer, after in zip(made, (*made[1:], top), strict=True):
            after.take(layer.activated)
        return made, top

    def take(self, images: Tensor) -> None:
        """Go through these (M, N, P), which stay as they are but for the mixed ones."""
        if images.dtype is not torch.bfloat16:
            images = self._room.copy_(images)
        if images is not self._taken:
            self._taken = images
            for (layers, _), own in zip(self._members, images, strict=True):
                layers[0].take(own)

    def forward(self, mixing: Tensor | None) -> None:
        for m, ((first, *others), top) in enumerate(self._members):
            first.forward(None if mixing is None else mixing[m, :, 0].numpy())
            for layer in others:
                layer.forward()
            top.forward()

    def backward(self) -> None:
        for layers, top in self._members:
            top.backward()
            after: RoundedLayer | RoundedTop = top
            for layer in reversed(layers):
                after.by_x(layer.by_linear)
                layer.backward()
                after = layer

    def penalize(self, weight: float) -> Tensor:
        """The penalty (M,); its derivatives take the mixed examples' place in each layer's x."""
        penalties = []
        for layers, top in self._members:
            penalties.append(layers[0].penalize(weight, FLOOR))
            for layer in layers:
                layer.go_ahead()
            top.go_ahead()
        return torch.tensor(penalties)

    def add_up(self) -> None:
        for layers, top in self._members:
            for layer in (*layers, top):
                layer.add_up()

    def by_images(self) -> Tensor:
        """The derivatives by the images, in float32."""
        for (layers, _), room in zip(self._members, self._room, strict=True):  # where images may lie, which have served
            layers[0].by_x(room)
        return self._room.float()
