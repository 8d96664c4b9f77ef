"""Random streams: every draw has an explicit generator, seeded by hashing (member seed, purpose, epoch).

So adding a draw never reshuffles another, a member's stream does not depend on its cohort, and an epoch can be
drawn again from its number alone: checkpoints need no generator state. A seed's numbers on a CPU are the same with
PyTorch 2.11 and 2.15.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

CALLS_AT_ONCE = 32
"""Calls whose numbers a GPU's generator gives in one go."""
Fill = Callable[..., Tensor]
"""Fills a tensor in place, from `generator=`."""


def derived_seed(seed: int, purpose: str, epoch: int = 0) -> int:
    """A 63-bit seed from the hash of its arguments."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def derived_generator(seed: int, purpose: str, epoch: int, device: torch.device) -> torch.Generator:
    """A generator on `device` at the beginning of the stream (seed, purpose, epoch)."""
    return torch.Generator(device).manual_seed(derived_seed(seed, purpose, epoch))


def truncated_normal(shape: Sequence[int], std: float, bound: float, generator: torch.Generator) -> Tensor:
    """A CPU generator's numbers from a normal of this std, those beyond ±bound drawn again: float32 of that shape.

    torch.nn.init.trunc_normal_ is this in PyTorch 2.15; in 2.11 it gave other numbers for the same seed.
    """

    def drawn() -> Tensor:
        return torch.empty(*shape).normal_(0.0, std, generator=generator)

    values = drawn()
    while bool((outside := values.abs() > bound).any()):
        values = torch.where(outside, drawn(), values)
    return values


class Draws(Protocol):
    """The random numbers of one epoch of a cohort of M members, in the order in which training asks for them."""

    def batches(self) -> Tensor:
        """Indices of the images of every batch, without repeats: (iterations, M, B), int64."""

    def latent(self) -> Tensor:
        """z of one iteration, standard normal: (M, B, Z)."""

    def noise(self) -> Tensor:
        """v of noisy neurons for one forward pass, uniform on [0, 1): (S, B, 784), S runs with such neurons."""

    def gate_noise(self) -> Tensor:
        """v of noisy gates for one iteration, uniform on [0, 1): (S, B, gates)."""

    def epsilon(self) -> Tensor:
        """epsilon of the interpolated images of one critic step, uniform on [0, 1): (M, B, 1)."""


class SeededDraws:
    """`Draws` of an epoch from the members' seeds.

    Args:
        seeds: the members' seeds, M of them.
        noisy: indices in `seeds` of the runs whose neurons draw noise.
        epoch: number of the epoch, from 1.
        images: how many images are trained on.
        batch: B. latent: Z. outputs: output units a sample. gates: of the generator.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        noisy: Sequence[int],
        epoch: int,
        images: int,
        batch: int,
        latent: int,
        outputs: int,
        gates: int = 0,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        def stream(purpose: str, members: Sequence[int], width: int, draw: Fill) -> _Stream:
            sources = [derived_generator(s, purpose, epoch, device) for s in members]
            return _Stream(sources, draw, (batch, width), device, dtype)

        self._images, self._batch, self._device = images, batch, device
        self._for_batches = [derived_generator(s, "batches", epoch, device) for s in seeds]
        self.latent = stream("latent", seeds, latent, Tensor.normal_).next
        # the purposes' names are part of what a seed gives
        self.noise = stream("thresholds", [seeds[i] for i in noisy], outputs, Tensor.uniform_).next
        self.gate_noise = stream("gates", [seeds[i] for i in noisy] if gates else [], gates, Tensor.uniform_).next
        self.epsilon = stream("mixing", seeds, 1, Tensor.uniform_).next

    def batches(self) -> Tensor:
        steps = self._images // self._batch
        orders = [torch.randperm(self._images, generator=g, device=self._device) for g in self._for_batches]
        return torch.stack([o[: steps * self._batch].view(steps, self._batch) for o in orders], 1)


class _Stream:
    """One purpose's numbers for all members, some calls' worth at a time: a GPU is asked less often so."""

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        fill: Fill,
        shape: tuple[int, int],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._generators, self._fill, self._device, self._dtype = generators, fill, device, dtype
        # a constant for each device: what a generator gives on a GPU depends on how much it is asked for at once
        self._shape = (1 if device.type == "cpu" else CALLS_AT_ONCE, *shape)
        self._left: list[Tensor] = []

    def next(self) -> Tensor:
        """The numbers of the next call: (members, *shape)."""
        if not self._left:
            numbers = torch.empty(len(self._generators), *self._shape, device=self._device, dtype=self._dtype)
            for own, generator in zip(numbers, self._generators, strict=True):
                self._fill(own, generator=generator)
            self._left = list(reversed(numbers.unbind(1)))
        return self._left.pop()
