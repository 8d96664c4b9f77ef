"""The generator and discriminator of the paper's Tables 1 to 4, for a cohort of M members.

Parameters are plain tensors by name, each with a leading member axis. Shapes: M members, N examples, Z latent size,
784 = 28 x 28 pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from binarygan.arithmetic.products import by_output_unit, operands_of, operands_of_layer
from binarygan.config import MemberConfig
from binarygan.model.architectures import Architecture
from binarygan.model.layers import (
    Statistics,
    activate,
    apply_norm,
    apply_weights,
    population_moments,
    to_maps,
    to_rows,
)
from binarygan.random_streams import derived_generator, truncated_normal

INITIAL_STD = 0.02

Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class Network(Architecture):
    """An architecture that computes.

    Args:
        operands: what the operands of its matrix products are cast to; None for nothing.
    """

    operands: torch.dtype | None = None

    def initial_parameters(
        self, seeds: Sequence[int], purpose: str, *, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> Parameters:
        """Weights from a normal with std 0.02 truncated at two std, scales 1, the rest 0; stacked over `seeds`.

        Drawn on the CPU from (seed, purpose, name), so a member starts the same in every cohort and on every device,
        but for rounding where a CPU has other instructions.
        """
        parameters = {}
        for name, shape in self.parameter_shapes().items():
            values = torch.full((len(seeds), *shape), 1.0 if name.endswith("scale") else 0.0)
            if name.endswith("weight"):
                for value, seed in zip(values, seeds, strict=True):
                    source = derived_generator(seed, f"initial {purpose} {name}", 0, torch.device("cpu"))
                    value.copy_(truncated_normal(shape, INITIAL_STD, 2 * INITIAL_STD, source))
            values = values.to(device=device, dtype=dtype)
            if values.dim() == 3 and device.type == "cpu":
                values = by_output_unit(values)
            parameters[name] = values.requires_grad_()
        return parameters

    def rounded(self) -> set[str]:
        """Names of the weights that products take as they are, but for being rounded to bfloat16."""
        return {
            f"{number}.weight"
            for number, layer in enumerate(self.layers)
            if layer.kind == "dense" and operands_of_layer(layer, self.operands) is torch.bfloat16
        }

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
            weight, bias = parameters[f"{number}.weight"], parameters[f"{number}.bias"]
            x = apply_weights(layer, x, weight, bias, self.operands)
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
    return replace(Network.of_generator(config), operands=operands_of(config))


def discriminator(config: MemberConfig) -> Network:
    """The discriminator of `config`: images (M, N, 784) to logits (M, N, 1)."""
    return replace(Network.of_discriminator(config), operands=operands_of(config))
