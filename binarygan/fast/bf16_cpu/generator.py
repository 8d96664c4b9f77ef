"""A dense generator, its gradients derived by hand and its values in bfloat16 between products.

Shapes: M runs, B batch, Z latent size, P = 784 pixels, F features of a layer.
"""

from typing import Any

import torch
from torch import Tensor

from binarygan.fast.analytic.stages import GAIN
from binarygan.fast.bf16_cpu import norms
from binarygan.fast.bf16_cpu.layers import Dense
from binarygan.fast.bf16_cpu.numbers import bfloat16
from binarygan.fast.bf16_cpu.parameters import RoundedParameters, Tensors
from binarygan.model.activations import ACTIVATIONS, Relu
from binarygan.model.architectures import Layer
from binarygan.model.gates import Gate
from binarygan.model.layers import operands_of_layer
from binarygan.model.networks import Network, Parameters
from binarygan.model.norms import EPSILON, Affine, BatchNorm, NoNorm


class RoundedGenerator:
    """Dense layers with no norm, an affine or a batch norm, and a ReLU after each but the last.

    The gradient of what a call returned can be asked for once, and before the next call.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._parameters: RoundedParameters | None = None
        self._members: list[list[_Layer]] = []
        self._batch = 0
        self._call: object = None

    @staticmethod
    def supports(network: Network) -> bool:
        """Whether it is such a network, all of whose layers multiply in bfloat16."""
        *hidden, last = network.layers
        norms_there = (NoNorm, Affine, BatchNorm)
        return (
            type(network) is Network
            and all(layer.kind == "dense" and type(layer.norm) in norms_there for layer in network.layers)
            and all(ACTIVATIONS[layer.activation] is Relu for layer in hidden)
            and all(operands_of_layer(layer, network.operands) is torch.bfloat16 for layer in network.layers)
            and last.activation == "none"
        )

    def __call__(self, parameters: Parameters, z: Tensor, gate: Gate | None = None) -> Tensor:
        """The input of the output neurons (M, B, P), with its graph, for z (M, B, Z); no layer of it is gated."""
        assert gate is None
        if self._parameters is None or self._parameters.given is not parameters or self._batch != z.shape[1]:
            self._parameters, self._batch = RoundedParameters(self._network, parameters), z.shape[1]
            layers = list(enumerate(self._network.layers))
            self._members = [
                [_Layer(layer, *self._parameters.of_layer(number, m), z.shape[1]) for number, layer in layers]
                for m in range(len(z))
            ]
        result: Tensor = _Generated.apply(self, z, *parameters.values())
        return result

    def forward(self, z: Tensor) -> tuple[Tensor, object]:
        """a, and a token of this call, which `backward` asks for."""
        assert self._parameters is not None
        self._parameters.follow()
        a = torch.empty(len(z), self._batch, self._network.layers[-1].units)
        for own, layers, out in zip(z.bfloat16(), self._members, a, strict=True):
            x = own
            for layer in layers[:-1]:
                x = layer.forward(x)
            layers[-1].forward_last(x, out.numpy())
        self._call = object()
        return a, self._call

    def backward(self, grad_a: Tensor, call: object) -> list[Tensor]:
        """The parameters' gradients, in their order."""
        if call is not self._call or self._parameters is None:
            raise RuntimeError("the gradient was asked for before, or after another call of the generator")
        self._call = None
        for own, (*hidden, last) in zip(grad_a.contiguous(), self._members, strict=True):
            last.backward(own.numpy())
            after = last
            for layer in reversed(hidden):
                layer.backward_through_relu(after)
                after = layer
        return self._parameters.gradients()


class _Generated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, generator: RoundedGenerator, z: Tensor, *parameters: Tensor) -> Tensor:
        a, ctx.call = generator.forward(z)
        ctx.generator = generator
        return a

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *ctx.generator.backward(grads[0], ctx.call)


class _Layer(Dense):
    """A layer with its norm and ReLU: x (B, in) -> y, its product -> normed -> activated."""

    def __init__(self, layer: Layer, values: Tensors, room: Tensors, batch: int) -> None:
        super().__init__(values, room, batch, batch)
        (self._activated, self._activated_bits), (self._grad_activated, self._grad_activated_bits) = (
            bfloat16(*self._y.shape) for _ in range(2)
        )
        self._grad_normed = torch.empty(self._y.shape).numpy()
        self._of_batch = layer.norm.of_batch
        constant = torch.full_like(values["bias"], GAIN if type(layer.norm) is Affine else 1.0)
        self._mean, self._gain = torch.zeros_like(constant).numpy(), constant.numpy()
        absent = {"scale": torch.ones_like(constant), "shift": torch.zeros_like(constant)}
        scale, shift = ((absent | values)[name].numpy() for name in absent)
        self._norm = self._y_bits, self._bias, self._mean, self._gain, scale, shift
        unused = {name: torch.empty_like(constant) for name in absent}
        self._sums = [(unused | room)[name].numpy() for name in ("bias", "scale", "shift")]

    def forward(self, x: Tensor) -> Tensor:
        """The activated output, (B, F)."""
        self._multiply(x)
        norms.normalize_and_rectify(self._activated_bits, *self._norm)
        return self._activated

    def forward_last(self, x: Tensor, normed: Any) -> None:
        """Write the normed output (B, F), float32."""
        self._multiply(x)
        norms.normalize(normed, *self._norm)

    def _multiply(self, x: Tensor) -> None:
        self._x = x
        torch.mm(x, self._weight_transposed, out=self._y)
        if self._of_batch:
            norms.measure(self._y_bits, self._bias, self._mean, self._gain, EPSILON)

    def backward(self, grad_normed: Any) -> None:
        """Write the parameters' gradients, from the gradient with respect to the normed output."""
        norms.denormalize(self._grad_linear_bits, grad_normed, *self._norm[:5], *self._sums, self._of_batch)
        self.add_up()

    def backward_through_relu(self, after: "_Layer") -> None:
        """The same, from the gradient with respect to the x of the layer that follows."""
        after.grad_x(self._grad_activated)
        norms.pass_rectified(self._grad_normed, self._grad_activated_bits, self._activated_bits)
        self.backward(self._grad_normed)
