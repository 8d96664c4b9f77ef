"""A dense generator with its gradients by hand: what autograd gives for `networks.Network`.

Shapes: M members, B batch, Z latent size, P = 784 pixels, F features of a layer.
"""

from typing import Any

import torch
from torch import Tensor

from binarygan.fast.analytic.stages import GAIN
from binarygan.fast.bf16_cpu import norms
from binarygan.fast.bf16_cpu.numbers import bits
from binarygan.fast.bf16_cpu.parameters import RoundedParameters, Tensors
from binarygan.model.architectures import Layer
from binarygan.model.layers import EPSILON
from binarygan.model.networks import Network, Parameters


class RoundedGenerator:
    """For dense layers multiplied in bfloat16, with no norm, an affine or a batch norm, rectified but for the last.

    The gradient of what a call gave can be asked for once, and before the next call; the next one overwrites it.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._parameters: RoundedParameters | None = None
        self._members: list[list[_Layer]] = []
        self._batch = 0
        self._call: object = None

    def __call__(self, parameters: Parameters, latent: Tensor) -> Tensor:
        """The input of the output neurons (M, B, P), with its graph, of z (M, B, Z) and parameters."""
        if self._parameters is None or self._parameters.given is not parameters or self._batch != latent.shape[1]:
            self._parameters, self._batch = RoundedParameters(self._network, parameters), latent.shape[1]
            self._members = [self._layers(self._parameters, m) for m in range(len(latent))]
        result: Tensor = _Generated.apply(self, latent, *parameters.values())
        return result

    def forward(self, latent: Tensor) -> tuple[Tensor, object]:
        """a, and the call, which `backward` wants to know."""
        assert self._parameters is not None
        self._parameters.follow()
        a = torch.empty(len(latent), self._batch, self._network.layers[-1].units)
        for own, layers, out in zip(latent.bfloat16(), self._members, a, strict=True):
            x = own
            for layer in layers[:-1]:
                x = layer.forward(x)
            layers[-1].forward_last(x, out.numpy())
        self._call = object()
        return a, self._call

    def backward(self, by_a: Tensor, call: object) -> list[Tensor]:
        """The parameters' gradients, in their order."""
        if call is not self._call or self._parameters is None:
            raise RuntimeError("the gradient was asked for before, or after another call of the generator")
        self._call = None
        for own, (*hidden, last) in zip(by_a.contiguous(), self._members, strict=True):
            last.backward(own.numpy())
            after = last
            for layer in reversed(hidden):
                layer.backward_through_relu(after)
                after = layer
        return self._parameters.gradients()

    def _layers(self, parameters: RoundedParameters, m: int) -> "list[_Layer]":
        layers = enumerate(self._network.layers)
        return [_Layer(layer, *parameters.of_layer(number, m), self._batch) for number, layer in layers]


class _Generated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, made: RoundedGenerator, latent: Tensor, *parameters: Tensor) -> Tensor:
        a, ctx.call = made.forward(latent)
        ctx.made = made
        return a

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *ctx.made.backward(grads[0], ctx.call)


class _Layer:
    """One member's layer: x (B, in) -> y, its product, -> normed -> activated."""

    def __init__(self, layer: Layer, values: Tensors, room: Tensors, batch: int) -> None:
        self._weight, self._by_weight = values["weight"], room["weight"]
        features = len(self._weight)
        y, activated, by_linear, by_activated = (torch.empty(batch, features, dtype=torch.bfloat16) for _ in range(4))
        self._y, self._activated, self._by_linear, self._by_activated = y, activated, by_linear, by_activated
        self._y_bits, self._activated_bits, self._by_linear_bits, self._by_activated_bits = (
            bits(t) for t in (y, activated, by_linear, by_activated)
        )
        self._by_normed = torch.empty(batch, features).numpy()
        self._measured = layer.norm == "batch"
        constant = torch.full_like(values["bias"], GAIN if layer.norm == "affine" else 1.0)
        self._bias, self._mean, self._gain = (t.numpy() for t in (values["bias"], torch.zeros_like(constant), constant))
        absent = {"scale": torch.ones_like(constant), "shift": torch.zeros_like(constant)}
        self._scale, self._shift = ((absent | values)[name].numpy() for name in absent)
        unasked = {name: torch.empty_like(constant) for name in absent}
        self._sums = [(unasked | room)[name].numpy() for name in ("bias", "scale", "shift")]

    def forward(self, x: Tensor) -> Tensor:
        """The activated output, (B, F)."""
        self._multiply(x)
        norms.normalize_and_rectify(self._activated_bits, *self._norm)
        return self._activated

    def forward_last(self, x: Tensor, normed: Any) -> None:
        """The normed output (B, F), float32."""
        self._multiply(x)
        norms.normalize(normed, *self._norm)

    def _multiply(self, x: Tensor) -> None:
        self._x = x
        torch.mm(x, self._weight.t(), out=self._y)
        if self._measured:
            norms.measure(self._y_bits, self._bias, self._mean, self._gain, EPSILON)

    @property
    def _norm(self) -> tuple[Any, ...]:
        return self._y_bits, self._bias, self._mean, self._gain, self._scale, self._shift

    def backward(self, by_normed: Any) -> None:
        """The gradients, of derivatives by the normed output."""
        given = by_normed, self._y_bits, self._bias, self._mean, self._gain, self._scale
        norms.denormalize(self._by_linear_bits, *given, *self._sums, self._measured)
        torch.mm(self._by_linear.t(), self._x, out=self._by_weight)

    def by_x(self, out: Tensor) -> None:
        """The derivatives by x."""
        torch.mm(self._by_linear, self._weight, out=out)

    def backward_through_relu(self, after: "_Layer") -> None:
        """The same of what the layer after has."""
        after.by_x(self._by_activated)
        norms.pass_rectified(self._by_normed, self._by_activated_bits, self._activated_bits)
        self.backward(self._by_normed)
