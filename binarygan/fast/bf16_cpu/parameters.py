"""A dense network's parameters as its products in bfloat16 take them, and room for their gradients.

Shapes: M members.
"""

import torch
from torch import Tensor

from binarygan.model.networks import Network, Parameters

Tensors = dict[str, Tensor]
"""Of one layer and member: `weight` (out, in), `bias` (out,), and those of its norm, if any."""


class RoundedParameters:
    """Weights in bfloat16, but for those of few units, which are not multiplied in it; all else in float32.

    Args:
        parameters: in float32, or weights in bfloat16, seen as they are at any time; but weights in float32 that are
            multiplied in bfloat16 are seen as they were when `follow` was last called.
    """

    def __init__(self, network: Network, parameters: Parameters) -> None:
        self.given = parameters
        own = {name: _lying(t.detach()) for name, t in parameters.items()}
        exact = [name for name in network.rounded() if own[name].dtype is torch.float32]
        copied = {name: torch.empty_like(own[name], dtype=torch.bfloat16) for name in exact}
        self._followed = [(copy, own[name]) for name, copy in copied.items()]
        self._values = own | copied
        self._room = {name: torch.empty_like(t) for name, t in self._values.items()}
        self._gradients = [_lying(room) for room in self._room.values()]

    def follow(self) -> None:
        for copy, weight in self._followed:
            copy.copy_(weight)

    def of_layer(self, number: int, member: int) -> tuple[Tensors, Tensors]:
        """Its parameters, and the room for their gradients."""
        start = f"{number}."
        values, room = (
            {name.removeprefix(start): t[member] for name, t in tensors.items() if name.startswith(start)}
            for tensors in (self._values, self._room)
        )
        return values, room

    def gradients(self) -> list[Tensor]:
        """What is in the room, in the order and of the types of the parameters."""
        return [g.to(p.dtype) for g, p in zip(self._gradients, self.given.values(), strict=True)]


def _lying(t: Tensor) -> Tensor:
    """A weight (M, in, out) with the inputs last, and the reverse; other parameters as they are."""
    return t.mT if t.dim() == 3 else t
