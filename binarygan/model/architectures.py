"""Architectures: the layers of a generator and a discriminator, the shapes of their parameters, and how many there are.

No torch. Shapes: 784 = 28 x 28 pixels.
"""

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

from binarygan.errors import UserError, nearest
from binarygan.model.activations import ACTIVATIONS, Activation
from binarygan.model.norms import NORMS, Norm
from binarygan.registry import Registry, parameter

IMAGE_SIZE = 28
PIXELS = IMAGE_SIZE * IMAGE_SIZE
HIDDEN_UNITS = 1024
"""Of the generator of the paper's MLP."""
LAYER_KINDS = ("dense", "gated", "conv", "transconv", "maxpool")


@dataclass(frozen=True, kw_only=True)
class Gates:
    """What switches a layer's units on and off for each example, in equal blocks: gate k gives 1 where block k is on.

    Gates are neurons of the run's own kind, with inputs x W + c for the layer's input x. The generator's loss gets
    weight * mean over gates of (rate - target_share)^2, a gate's rate being the mean of its outputs over the batch.
    Source: Veit & Belongie 2018 (arXiv 1711.11503).
    """

    blocks: int
    target_share: float
    weight: float


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One line of the paper's tables: a linear map, then a norm, then an activation; at last gates, where it has them.

    Raises:
        UserError: an unknown kind or activation; gates that it cannot have.
    """

    kind: str
    """`dense`, `gated` (dense, with gates), `conv`, `transconv` (both without padding) or `maxpool` (ceil mode)."""
    units: int = 0
    kernel: int = 1
    stride: int = 1
    norm: Norm = field(default_factory=NORMS["none"])
    activation: str = "none"
    """A name in ACTIVATIONS."""
    gates: Gates | None = None

    def __post_init__(self) -> None:
        if self.kind not in LAYER_KINDS:
            raise UserError(f"layer kind {self.kind!r} is unknown: {nearest(self.kind, LAYER_KINDS)}")
        ACTIVATIONS[self.activation]
        if (self.kind == "gated") != (self.gates is not None):
            raise UserError(f"layer kind {self.kind!r}: gated layers have gates, and no others")
        if self.gates is not None and self.units % self.gates.blocks:
            raise UserError(f"{self.units} units of a gated layer are no multiple of its {self.gates.blocks} blocks")

    @property
    def takes_rows(self) -> bool:
        """Whether it takes and gives features, not maps."""
        return self.kind in ("dense", "gated")

    @property
    def function(self) -> Activation:
        """Its activation."""
        return ACTIVATIONS[self.activation]()

    def output_size(self, size: int) -> int:
        """Height and width of what the layer makes of maps of this height and width; 1 for a dense layer."""
        if self.takes_rows:
            return 1
        if self.kind == "maxpool":
            return -((self.kernel - size) // self.stride) + 1
        if self.kind == "conv":
            return (size - self.kernel) // self.stride + 1
        return (size - 1) * self.stride + self.kernel


@dataclass(frozen=True)
class LayerStack:
    """Layers with the shape that they take: `channels` x `size` x `size` features an example."""

    layers: tuple[Layer, ...]
    channels: int
    size: int

    @property
    def outputs(self) -> int:
        """How many numbers come out for each example."""
        channels, size = self.channels, self.size
        for layer in self.layers:
            channels, size = layer.units or channels, layer.output_size(size)
        return channels * size * size

    @property
    def gates(self) -> Gates | None:
        """Those of its gated layer, of which there is one at most."""
        return next((layer.gates for layer in self.layers if layer.gates is not None), None)

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter of one run, without the member axis, by name (`<layer>.<weight|bias|…>`)."""
        shapes: dict[str, tuple[int, ...]] = {}
        channels, size = self.channels, self.size
        for number, layer in enumerate(self.layers):
            inputs, channels, size = (channels, size), layer.units or channels, layer.output_size(size)
            if layer.kind == "maxpool":
                continue
            if layer.takes_rows:
                weight: tuple[int, ...] = (inputs[0] * inputs[1] ** 2, layer.units)
            elif layer.kind == "conv":
                weight = (layer.units, inputs[0], layer.kernel, layer.kernel)
            else:
                weight = (inputs[0], layer.units, layer.kernel, layer.kernel)
            shapes[f"{number}.weight"] = weight
            shapes[f"{number}.bias"] = (channels,)
            if layer.norm.learns:
                shapes[f"{number}.scale"] = (channels,)
                shapes[f"{number}.shift"] = (channels,)
            if layer.gates is not None:
                shapes[f"{number}.gate_weight"] = (weight[0], layer.gates.blocks)
                shapes[f"{number}.gate_bias"] = (layer.gates.blocks,)
        return shapes

    def products(self) -> tuple[list[int], int]:
        """Multiply-adds for an example: of each layer, all its units on, and of the gates."""
        found: list[int] = []
        gates, size, shapes = 0, self.size, self.parameter_shapes()
        for number, layer in enumerate(self.layers):
            before, size = size, layer.output_size(size)
            at = {"conv": size**2, "transconv": before**2}.get(layer.kind, 1)
            found.append(at * prod(shapes.get(f"{number}.weight", (0,))))
            gates += prod(shapes.get(f"{number}.gate_weight", (0,)))
        return found, gates

    def parameter_count(self) -> int:
        """Trainable numbers of one run."""
        return sum(prod(shape) for shape in self.parameter_shapes().values())


ARCHITECTURES: Registry[type["Architecture"]] = Registry("architecture")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A generator and a discriminator. A subclass gives their layers."""

    label: ClassVar[str]
    """What figures and tables call it."""
    revision: ClassVar[int] = 1
    """Raised whenever runs with this architecture come to give other numbers."""

    def generator_layers(self, norm: Norm, output_norm: Norm) -> tuple[Layer, ...]:
        """From z, `latent_size` maps of 1 x 1, to the 784 inputs of the output neurons; one of them may be gated."""
        raise NotImplementedError

    def discriminator_layers(self, norm: Norm) -> tuple[Layer, ...]:
        """From an image, one map of 28 x 28, to its logit."""
        raise NotImplementedError

    def generator(self, *, latent_size: int, norm: Norm, output_norm: Norm) -> LayerStack:
        """The generator; `norm` stands after each of its hidden layers, `output_norm` after its output layer."""
        stack = LayerStack(self.generator_layers(norm, output_norm), channels=latent_size, size=1)
        return _checked(self, "generator", stack, PIXELS)

    def discriminator(self, *, norm: Norm) -> LayerStack:
        """The discriminator; `norm` stands after each of its hidden layers that has weights."""
        return _checked(self, "discriminator", LayerStack(self.discriminator_layers(norm), 1, IMAGE_SIZE), 1)


class OneHiddenLayer(Architecture):
    """A generator with one hidden layer, of any kind, and the discriminator of the paper's MLP."""

    def generator_layers(self, norm: Norm, output_norm: Norm) -> tuple[Layer, ...]:
        return self.hidden_layer(norm), Layer(kind="dense", units=PIXELS, norm=output_norm)

    def hidden_layer(self, norm: Norm) -> Layer:
        """The generator's."""
        raise NotImplementedError

    def discriminator_layers(self, norm: Norm) -> tuple[Layer, ...]:
        return (
            Layer(kind="dense", units=512, norm=norm, activation="leaky-relu"),
            Layer(kind="dense", units=256, norm=norm, activation="leaky-relu"),
            Layer(kind="dense", units=1),
        )


@ARCHITECTURES.named("mlp")
class Mlp(OneHiddenLayer):
    """Tables 1 and 2 of the paper."""

    label = "MLP"

    def hidden_layer(self, norm: Norm) -> Layer:
        return Layer(kind="dense", units=HIDDEN_UNITS, norm=norm, activation="relu")


@ARCHITECTURES.named("cnn")
class Cnn(Architecture):
    """Tables 3 and 4 of the paper."""

    label = "CNN"

    def generator_layers(self, norm: Norm, output_norm: Norm) -> tuple[Layer, ...]:
        return (
            Layer(kind="transconv", units=128, kernel=2, stride=1, norm=norm, activation="relu"),
            Layer(kind="transconv", units=64, kernel=4, stride=2, norm=norm, activation="relu"),
            Layer(kind="transconv", units=32, kernel=3, stride=2, norm=norm, activation="relu"),
            Layer(kind="transconv", units=1, kernel=4, stride=2, norm=output_norm),
        )

    def discriminator_layers(self, norm: Norm) -> tuple[Layer, ...]:
        return (
            Layer(kind="conv", units=32, kernel=3, norm=norm, activation="leaky-relu"),
            Layer(kind="maxpool", kernel=2, stride=2),
            Layer(kind="conv", units=64, kernel=3, norm=norm, activation="leaky-relu"),
            Layer(kind="maxpool", kernel=2, stride=2),
            Layer(kind="dense", units=128, norm=norm, activation="leaky-relu"),
            Layer(kind="dense", units=1),
        )


@ARCHITECTURES.named("narrow-mlp")
@dataclass(frozen=True, kw_only=True)
class NarrowMlp(OneHiddenLayer):
    """The MLP with another number of hidden units in the generator."""

    hidden: int = parameter("hidden units of the generator", default=512, least=1, most=4096)
    label = "narrow MLP"

    def hidden_layer(self, norm: Norm) -> Layer:
        return Layer(kind="dense", units=self.hidden, norm=norm, activation="relu")


@ARCHITECTURES.named("gated-mlp")
@dataclass(frozen=True, kw_only=True)
class GatedMlp(OneHiddenLayer):
    """The MLP whose generator computes but a part of its hidden units for each z: conditional computation.

    The default weight moves rates about as fast as Adam's steps allow (in a short trial: 1 did half as fast, 100 little
    faster); stochastic gates take thousands of steps of 1e-4 to a share far from a half.
    """

    blocks: int = parameter("blocks of the generator's hidden units", default=16, least=1, most=HIDDEN_UNITS)
    target_share: float = parameter("share of blocks to be on", default=0.5, above=0, below=1)
    weight: float = parameter("weight of the loss that holds each gate's rate to it", default=10.0, least=0)
    label = "gated MLP"

    def hidden_layer(self, norm: Norm) -> Layer:
        gates = Gates(blocks=self.blocks, target_share=self.target_share, weight=self.weight)
        return Layer(kind="gated", units=HIDDEN_UNITS, norm=norm, activation="relu", gates=gates)


def _checked(architecture: Architecture, network: str, stack: LayerStack, outputs: int) -> LayerStack:
    """The stack; a UserError where it does not end in so many numbers an example."""
    if stack.outputs != outputs:
        raise UserError(
            f"architecture {ARCHITECTURES.name_of(type(architecture))!r}: its {network} ends in {stack.outputs} "
            f"numbers, {outputs} are needed"
        )
    if sum(layer.gates is not None for layer in stack.layers) > (network == "generator"):
        raise UserError(
            f"architecture {ARCHITECTURES.name_of(type(architecture))!r}: one layer of the generator may be gated, "
            f"no other, and none of the discriminator"
        )
    return stack
