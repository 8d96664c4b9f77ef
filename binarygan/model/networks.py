"""A generator or a discriminator that computes, for a cohort of M runs.

Parameters are plain tensors by name, each with a leading member axis. Shapes: M runs, N examples, Z latent size,
784 = 28 x 28 pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from binarygan.arithmetic.products import by_output_unit, multiply_add
from binarygan.model.architectures import LayerStack
from binarygan.model.gates import Gate, switched
from binarygan.model.layers import apply_weights, operands_of_layer, to_maps, to_rows
from binarygan.model.norms import Given
from binarygan.random_streams import derived_generator, truncated_normal

INITIAL_STD = 0.02

Parameters = dict[str, Tensor]
Statistics = dict[str, tuple[Tensor, Tensor]]
"""Mean and variance of the input of each layer whose norm is `of_batch`, by layer number."""


@dataclass(frozen=True)
class Network(LayerStack):
    """Layers that compute.

    Args:
        operands: what the operands of its matrix products are cast to; None for nothing.
    """

    operands: torch.dtype | None = None

    @classmethod
    def of(cls, stack: LayerStack, operands: torch.dtype | None = None) -> Self:
        """The network of these layers."""
        return cls(stack.layers, stack.channels, stack.size, operands)

    def initial_parameters(
        self, seeds: Sequence[int], purpose: str, *, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> Parameters:
        """Weights from a normal with std 0.02 truncated at two std, scales 1, the rest 0; stacked over `seeds`.

        Drawn on the CPU from (seed, purpose, name), so a run starts the same in every cohort and on every device, but
        for rounding where a CPU has other instructions.
        """
        parameters = {}
        for name, shape in self.parameter_shapes().items():
            values = torch.full((len(seeds), *shape), 1.0 if name.endswith("scale") else 0.0)
            if name.endswith("weight"):
                for value, seed in zip(values, seeds, strict=True):
                    source = derived_generator(seed, f"initial {purpose} {name}", 0, torch.device("cpu"))
                    value.copy_(truncated_normal(shape, INITIAL_STD, 2 * INITIAL_STD, source))
            parameters[name] = values.to(device=device, dtype=dtype)
        return {name: value.requires_grad_() for name, value in laid_out(parameters).items()}

    def __call__(
        self,
        parameters: Parameters,
        x: Tensor,
        *,
        passes: int = 1,
        fixed: Statistics | None = None,
        record: Statistics | None = None,
        gate: Gate | None = None,
    ) -> Tensor:
        """Output rows (M, N, features) for input rows (M, N, channels * size * size).

        Args:
            passes: N holds this many batches one after another; each is normalized by itself.
            fixed: normalize by these statistics instead of the batch's.
            record: normalize by the statistics over all N examples and enter them here.
            gate: the gates of its gated layer; None where it has none.
        """
        members, channels, size = x.shape[0], self.channels, self.size
        activation = None  # of the layer before, which pooling may come ahead of: it leaves a quarter to activate
        for number, layer in enumerate(self.layers):
            if activation is not None and not (layer.kind == "maxpool" and activation.nondecreasing):
                x, activation = activation.apply(x), None
            if layer.takes_rows:
                x = to_rows(x, members)
            elif x.dim() == 3:
                x = to_maps(x, channels, size)
            if layer.kind == "maxpool":
                x = torch.nn.functional.max_pool2d(x, layer.kernel, layer.stride, ceil_mode=True)
                continue
            on = None
            if layer.gates is not None:  # few, and they decide: their product is not in bfloat16
                assert gate is not None, "a gated layer needs gates"
                on = gate(multiply_add(parameters[f"{number}.gate_bias"], x, parameters[f"{number}.gate_weight"]))
            x = apply_weights(layer, x, parameters[f"{number}.weight"], parameters[f"{number}.bias"], self.operands)
            statistics = None
            if layer.norm.of_batch and record is not None:
                statistics = record[str(number)] = layer.norm.moments(x)
            elif layer.norm.of_batch and fixed is not None:
                statistics = fixed[str(number)]
            scale, shift = parameters.get(f"{number}.scale"), parameters.get(f"{number}.shift")
            given = Given(scale=scale, shift=shift, members=members, passes=passes, fixed=statistics)
            x = layer.norm.apply(x, given)
            activation = layer.function
            if on is not None:
                x, activation = switched(activation.apply(x), on), None
        return to_rows(x if activation is None else activation.apply(x), members)

    def products_in_bfloat16(self) -> set[str]:
        """Names of the weights that products take as they are, but for being rounded to bfloat16."""
        return {
            f"{number}.weight"
            for number, layer in enumerate(self.layers)
            if layer.kind == "dense" and operands_of_layer(layer, self.operands) is torch.bfloat16
        }


def laid_out(parameters: Parameters) -> Parameters:
    """The parameters as they lie in memory wherever they are computed with.

    On a CPU a dense layer's inputs lie side by side. Libraries round a product by how its operands lie, so training,
    evaluation and sampling give the same numbers only where all of them have this layout. Nothing is copied that lies
    so already.
    """
    return {
        name: by_output_unit(value) if value.dim() == 3 and value.device.type == "cpu" else value
        for name, value in parameters.items()
    }
