"""Conditional computation: binary neurons that switch blocks of a generator's units on and off for each example.

Shapes: M runs, S of them with gates that draw noise, N examples, K gates, one a block of U units.
"""

from collections.abc import Callable
from typing import Self

from torch import Tensor

from binarygan.model.architectures import Gates, LayerStack

Neurons = Callable[[Tensor, Tensor | None], Tensor]
"""Their outputs for their inputs and their noise: an OutputLayer, say."""


class Gate:
    """The gates of one forward pass: called with their inputs (M, N, K), they give their outputs, and keep them.

    Args:
        gates: what they are.
        neurons: the run's own kind, with its slope, and in training with its estimator's gradient.
        noise: v of those that draw it, (S, N, K); None where none do.
    """

    outputs: Tensor

    def __init__(self, gates: Gates, neurons: Neurons, noise: Tensor | None) -> None:
        self._gates, self._neurons, self._noise = gates, neurons, noise

    @classmethod
    def of(cls, stack: LayerStack, neurons: Neurons, noise: Tensor | None) -> Self | None:
        """Those of a network's gated layer; None where it has none."""
        return None if stack.gates is None else cls(stack.gates, neurons, noise)

    def __call__(self, a: Tensor) -> Tensor:
        self.outputs = self._neurons(a, self._noise)
        return self.outputs

    def loss(self) -> Tensor:
        """What they add to the generator's loss, (M,): see `Gates`."""
        rates = self.outputs.mean(1)
        return self._gates.weight * (rates - self._gates.target_share).square().mean(1)


def switched(x: Tensor, on: Tensor) -> Tensor:
    """Rows x (M, N, U), whose block k is multiplied by gate k's output."""
    return (x.unflatten(2, (on.shape[2], -1)) * on.unsqueeze(3)).flatten(2)
