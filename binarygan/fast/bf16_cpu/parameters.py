"""A dense network's parameters in the form that products in bfloat16 take, and room for their gradients.

Shapes: M runs.
"""

import torch
from torch import Tensor

from binarygan.model.networks import Network, Parameters

Tensors = dict[str, Tensor]
"""Of one layer and run: `weight` (out, in), `bias` (out,), and those of its norm, if any."""


class RoundedParameters:
    """Weights in bfloat16, everything else in float32; a layer of few units is not multiplied in bfloat16.

    Args:
        parameters: float32 tensors, or bfloat16 copies that an optimizer keeps. All are read where they are, except
            weights in float32 that are multiplied in bfloat16: `follow` rounds these anew.
    """

    def __init__(self, network: Network, parameters: Parameters) -> None:
        self.given = parameters
        own = {name: _inputs_last(t.detach()) for name, t in parameters.items()}
        exact = [name for name in network.products_in_bfloat16() if own[name].dtype is torch.float32]
        copied = {name: torch.empty_like(own[name], dtype=torch.bfloat16) for name in exact}
        self._followed = [(copy, own[name]) for name, copy in copied.items()]
        self._values = own | copied
        self._room = {name: torch.empty_like(t) for name, t in self._values.items()}
        self._gradients = [_inputs_last(room) for room in self._room.values()]

    def follow(self) -> None:
        """Round those weights anew that are given in float32."""
        for copy, weight in self._followed:
            copy.copy_(weight)

    def of_layer(self, number: int, member: int) -> tuple[Tensors, Tensors]:
        """One run's parameters of a layer, and the room for their gradients."""
        start = f"{number}."
        values, room = (
            {name.removeprefix(start): t[member] for name, t in tensors.items() if name.startswith(start)}
            for tensors in (self._values, self._room)
        )
        return values, room

    def gradients(self) -> list[Tensor]:
        """What is in the room, in the order and of the types of the parameters."""
        return [g.to(p.dtype) for g, p in zip(self._gradients, self.given.values(), strict=True)]


def _inputs_last(t: Tensor) -> Tensor:
    """A weight (M, in, out) with its last two axes swapped; other parameters as they are."""
    return t.mT if t.dim() == 3 else t
