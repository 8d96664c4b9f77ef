"""The paper's Tables 1 to 4: layers, the shapes of their parameters, and how many there are. No torch.

Shapes: 784 = 28 x 28 pixels.
"""

from dataclasses import dataclass
from math import prod
from typing import Self

from binarygan.config import MemberConfig

IMAGE_SIZE = 28
PIXELS = IMAGE_SIZE * IMAGE_SIZE


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One line of the paper's tables: a map, then a norm, then an activation."""

    kind: str
    """`dense`, `conv`, `transconv` (both without padding) or `maxpool` (ceil mode)."""
    units: int = 0
    kernel: int = 1
    stride: int = 1
    norm: str = "none"
    activation: str = "none"
    """`none`, `relu` or `leaky-relu`."""

    def output_size(self, size: int) -> int:
        """Height and width of what the layer makes of maps of this height and width; 1 for a dense layer."""
        if self.kind == "dense":
            return 1
        if self.kind == "maxpool":
            return -((self.kernel - size) // self.stride) + 1
        if self.kind == "conv":
            return (size - self.kernel) // self.stride + 1
        return (size - 1) * self.stride + self.kernel


@dataclass(frozen=True)
class Architecture:
    """Layers with the shape that they take: `channels` x `size` x `size` features an example."""

    layers: tuple[Layer, ...]
    channels: int
    size: int

    @classmethod
    def of_generator(cls, config: MemberConfig) -> Self:
        """Tables 1 and 3: z, `latent_size` maps of 1 x 1, to the real-valued input of the output neurons."""
        return cls(_generator_layers(config), channels=config.latent_size, size=1)

    @classmethod
    def of_discriminator(cls, config: MemberConfig) -> Self:
        """Tables 2 and 4: an image to its logit."""
        return cls(_discriminator_layers(config), channels=1, size=IMAGE_SIZE)

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter of one member, without the member axis, by name (`<layer>.<weight|bias|…>`)."""
        shapes: dict[str, tuple[int, ...]] = {}
        channels, size = self.channels, self.size
        for number, layer in enumerate(self.layers):
            inputs, channels, size = (channels, size), layer.units or channels, layer.output_size(size)
            if layer.kind == "maxpool":
                continue
            if layer.kind == "dense":
                weight: tuple[int, ...] = (inputs[0] * inputs[1] ** 2, layer.units)
            elif layer.kind == "conv":
                weight = (layer.units, inputs[0], layer.kernel, layer.kernel)
            else:
                weight = (inputs[0], layer.units, layer.kernel, layer.kernel)
            shapes[f"{number}.weight"] = weight
            shapes[f"{number}.bias"] = (channels,)
            if layer.norm != "none":
                shapes[f"{number}.scale"] = (channels,)
                shapes[f"{number}.shift"] = (channels,)
        return shapes

    def parameter_count(self) -> int:
        """Trainable numbers of one member."""
        return sum(prod(shape) for shape in self.parameter_shapes().values())


def _generator_layers(config: MemberConfig) -> tuple[Layer, ...]:
    norm = config.generator_norm
    if config.architecture == "mlp":
        return (
            Layer(kind="dense", units=1024, norm=norm, activation="relu"),
            Layer(kind="dense", units=PIXELS, norm=norm),
        )
    return (
        Layer(kind="transconv", units=128, kernel=2, stride=1, norm=norm, activation="relu"),
        Layer(kind="transconv", units=64, kernel=4, stride=2, norm=norm, activation="relu"),
        Layer(kind="transconv", units=32, kernel=3, stride=2, norm=norm, activation="relu"),
        Layer(kind="transconv", units=1, kernel=4, stride=2, norm=norm),
    )


def _discriminator_layers(config: MemberConfig) -> tuple[Layer, ...]:
    norm = config.discriminator_norm
    if config.architecture == "mlp":
        return (
            Layer(kind="dense", units=512, norm=norm, activation="leaky-relu"),
            Layer(kind="dense", units=256, norm=norm, activation="leaky-relu"),
            Layer(kind="dense", units=1),
        )
    return (
        Layer(kind="conv", units=32, kernel=3, norm=norm, activation="leaky-relu"),
        Layer(kind="maxpool", kernel=2, stride=2),
        Layer(kind="conv", units=64, kernel=3, norm=norm, activation="leaky-relu"),
        Layer(kind="maxpool", kernel=2, stride=2),
        Layer(kind="dense", units=128, norm=norm, activation="leaky-relu"),
        Layer(kind="dense", units=1),
    )
