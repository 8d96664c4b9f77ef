"""Random streams: every draw has an explicit generator, seeded by hashing (member seed, purpose, epoch).

So adding a draw never reshuffles another, a member's stream does not depend on its cohort, and an epoch can be
drawn again from its number alone: checkpoints need no generator state.
"""

import hashlib
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor


def derived_seed(seed: int, purpose: str, epoch: int = 0) -> int:
    """A 63-bit seed from the hash of its arguments."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def derived_generator(seed: int, purpose: str, epoch: int, device: torch.device) -> torch.Generator:
    """A generator on `device` at the beginning of the stream (seed, purpose, epoch)."""
    return torch.Generator(device).manual_seed(derived_seed(seed, purpose, epoch))


class Draws(Protocol):
    """The random numbers of one epoch of a cohort of M members, in the order in which training asks for them."""

    def batches(self) -> Tensor:
        """Indices of the images of every batch, without repeats: (iterations, M, B), int64."""

    def latent(self) -> Tensor:
        """z of one iteration, standard normal: (M, B, Z)."""

    def thresholds(self) -> Tensor:
        """v of the stochastic neurons for one forward pass, uniform on [0, 1): (S, B, 784), S stochastic members."""

    def mixing(self) -> Tensor:
        """e of the gradient penalty for one critic step, uniform on [0, 1): (M, B, 1)."""


class SeededDraws:
    """`Draws` of an epoch from the members' seeds.

    Args:
        seeds: the members' seeds, M of them.
        stochastic: places in `seeds` of the members with stochastic neurons.
        epoch: number of the epoch, from 1.
        images: how many images are trained on.
        batch: B. latent: Z. outputs: output units a sample.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        stochastic: Sequence[int],
        epoch: int,
        images: int,
        batch: int,
        latent: int,
        outputs: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        def generators(purpose: str, members: Sequence[int]) -> list[torch.Generator]:
            return [derived_generator(s, purpose, epoch, device) for s in members]

        self._images, self._batch, self._latent, self._outputs = images, batch, latent, outputs
        self._device, self._dtype = device, dtype
        self._for_batches = generators("batches", seeds)
        self._for_latent = generators("latent", seeds)
        self._for_thresholds = generators("thresholds", [seeds[i] for i in stochastic])
        self._for_mixing = generators("mixing", seeds)

    def batches(self) -> Tensor:
        steps = self._images // self._batch
        orders = [torch.randperm(self._images, generator=g, device=self._device) for g in self._for_batches]
        return torch.stack([o[: steps * self._batch].view(steps, self._batch) for o in orders], 1)

    def latent(self) -> Tensor:
        return self._stacked(torch.randn, self._for_latent, self._latent)

    def thresholds(self) -> Tensor:
        return self._stacked(torch.rand, self._for_thresholds, self._outputs)

    def mixing(self) -> Tensor:
        return self._stacked(torch.rand, self._for_mixing, 1)

    def _stacked(self, draw, generators: list[torch.Generator], width: int) -> Tensor:  # type: ignore[no-untyped-def]
        rows = [draw(self._batch, width, generator=g, device=self._device, dtype=self._dtype) for g in generators]
        return rows[0].unsqueeze(0) if len(rows) == 1 else torch.stack(rows)
