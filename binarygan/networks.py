"""The generator and discriminator of the paper's Tables 1 to 4, for a cohort of M members.

Parameters are plain tensors by name, each with a leading member axis. Shapes: M members, N examples, Z latent size,
784 = 28 x 28 pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.layers import (
    Layer,
    Statistics,
    activate,
    apply_norm,
    apply_weights,
    population_moments,
    to_maps,
    to_rows,
)
from binarygan.streams import derived_generator

IMAGE_SIZE = 28
PIXELS = IMAGE_SIZE * IMAGE_SIZE
INITIAL_STD = 0.02

Parameters = dict[str, Tensor]


def generator_layers(config: MemberConfig) -> tuple[Layer, ...]:
    """Tables 1 and 3: z to the real-valued input of the output neurons."""
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


def discriminator_layers(config: MemberConfig) -> tuple[Layer, ...]:
    """Tables 2 and 4: an image to its logit."""
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


@dataclass(frozen=True)
class Network:
    """Layers with the shape that they take: `channels` x `size` x `size` features an example."""

    layers: tuple[Layer, ...]
    channels: int
    size: int

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

    def initial_parameters(
        self, seeds: Sequence[int], purpose: str, *, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> Parameters:
        """Weights from a normal with std 0.02 truncated at two std, scales 1, the rest 0; stacked over `seeds`.

        Drawn on the CPU from (seed, purpose, name), so a member starts the same in every cohort and on every device.
        """
        parameters = {}
        for name, shape in self.parameter_shapes().items():
            values = torch.full((len(seeds), *shape), 1.0 if name.endswith("scale") else 0.0)
            if name.endswith("weight"):
                for value, seed in zip(values, seeds, strict=True):
                    source = derived_generator(seed, f"initial {purpose} {name}", 0, torch.device("cpu"))
                    bound = 2 * INITIAL_STD
                    torch.nn.init.trunc_normal_(value, std=INITIAL_STD, a=-bound, b=bound, generator=source)
            parameters[name] = values.to(device=device, dtype=dtype).requires_grad_()
        return parameters

    def __call__(
        self,
        parameters: Parameters,
        x: Tensor,
        *,
        passes: int = 1,
        fixed: Statistics | None = None,
        record: Statistics | None = None,
    ) -> Tensor:
        """Output rows (M, N, features) for input rows (M, N, channels * size * size).

        Args:
            passes: N holds this many batches one after another; each is batch-normalized by itself.
            fixed: normalize by these statistics instead of the batch's.
            record: normalize by the statistics over all N examples and enter them here.
        """
        members, channels, size = x.shape[0], self.channels, self.size
        activation = "none"
        for number, layer in enumerate(self.layers):
            if layer.kind != "maxpool":  # activations are monotone: after pooling they give the same from a quarter
                x = activate(activation, x)
                activation = layer.activation
            if layer.kind == "dense":
                x = to_rows(x, members)
            elif x.dim() == 3:
                x = to_maps(x, channels, size)
            if layer.kind == "maxpool":
                x = torch.nn.functional.max_pool2d(x, layer.kernel, layer.stride, ceil_mode=True)
                continue
            x = apply_weights(layer, x, parameters[f"{number}.weight"], parameters[f"{number}.bias"])
            if layer.norm != "none":
                statistics = None
                if layer.norm == "batch" and record is not None:
                    statistics = record[str(number)] = population_moments(x)
                elif layer.norm == "batch" and fixed is not None:
                    statistics = fixed[str(number)]
                scale, shift = parameters[f"{number}.scale"], parameters[f"{number}.shift"]
                x = apply_norm(layer.norm, x, scale, shift, passes=passes, fixed=statistics)
        return to_rows(activate(activation, x), members)


def generator(config: MemberConfig) -> Network:
    """The generator of `config`: z (M, N, Z) to the input of the output neurons (M, N, 784)."""
    return Network(generator_layers(config), channels=config.latent_size, size=1)


def discriminator(config: MemberConfig) -> Network:
    """The discriminator of `config`: images (M, N, 784) to logits (M, N, 1)."""
    return Network(discriminator_layers(config), channels=1, size=IMAGE_SIZE)


def without_norm(layers: Sequence[Layer], numbers: Sequence[int]) -> tuple[Layer, ...]:
    """`layers` with the norm of those at `numbers` taken away: other placements than all or none."""
    return tuple(replace(layer, norm="none") if i in numbers else layer for i, layer in enumerate(layers))
