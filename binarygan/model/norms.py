"""Norms: what a layer does with its linear map's output before the activation. y = scale * normalized(x) + shift.

Shapes: M runs, N examples (one batch or several, one after another), C units. x is rows (M, N, C) of a dense layer, or
maps (N, M*C, H, W) of a convolution; scale and shift are (M, C).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from binarygan.lazy import torch
from binarygan.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    Moments = tuple[Tensor, Tensor]

EPSILON = 1e-3
"""Added to the variance: TensorFlow's default, which the released code uses."""

NORMS: Registry[type[Norm]] = Registry("norm")


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a norm is given beside its input.

    Args:
        scale, shift: None for a norm that learns none.
        members: M.
        passes: how many batches N holds, one after another; statistics of a batch are of one of them.
        fixed: the mean and variance to use instead of the batch's, of a norm `of_batch`.
    """

    scale: Tensor | None
    shift: Tensor | None
    members: int
    passes: int = 1
    fixed: Moments | None = None

    def scaled(self, normal: Tensor, gain: float = 1.0) -> Tensor:
        """scale * gain * normal + shift; `normal` itself for a norm that learns none."""
        if self.scale is None or self.shift is None:
            return normal
        scale, shift = (t.unsqueeze(1) if normal.dim() == 3 else t.view(1, -1, 1, 1) for t in (self.scale, self.shift))
        return torch.addcmul(shift, normal, scale if gain == 1.0 else scale * gain)


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A kind of normalization. A subclass gives `normalize`, or `apply` where that is not enough."""

    label: ClassVar[str]
    """What tables call it."""
    revision: ClassVar[int] = 1
    """Raised whenever runs with this norm come to give other numbers."""
    learns: ClassVar[bool] = True
    """Whether it has a scale and a shift."""
    of_batch: ClassVar[bool] = False
    """Whether what it gives for an example depends on the others of its batch. Then trained generators use statistics
    over many z instead: `moments` gives them, and `apply` gets them as `fixed`."""

    def normalize(self, x: Tensor) -> Tensor:
        """x normalized, each example by itself: x is (M, N, C) or (M, N, C, H, W)."""
        raise NotImplementedError

    def apply(self, x: Tensor, given: Given) -> Tensor:
        """scale * normalized(x) + shift."""
        if x.dim() == 3:
            return given.scaled(self.normalize(x))
        by_run = x.unflatten(1, (given.members, -1)).transpose(0, 1)
        return given.scaled(self.normalize(by_run).transpose(0, 1).flatten(1, 2))

    def moments(self, x: Tensor) -> Moments:
        """Mean and variance of each unit over all examples of x, in the shape that `fixed` takes."""
        return _moments(x, (1,) if x.dim() == 3 else (0, 2, 3))


@NORMS.named("batch")
class BatchNorm(Norm):
    """Batch normalization (arXiv 1502.03167): by mean and variance of each unit over a batch (and a map's pixels)."""

    label = "BN"
    of_batch = True

    def apply(self, x: Tensor, given: Given) -> Tensor:
        rows, passes = x.dim() == 3, given.passes
        if given.fixed is not None:
            return given.scaled(_normalized(x, *given.fixed))
        if not rows or (len(x) == 1 and x.shape[1] > passes):  # fused; the library refuses batches of one row
            assert given.scale is not None
            assert given.shift is not None
            own, weight, bias = (x[0] if rows else x), given.scale.flatten(), given.shift.flatten()
            parts = [
                torch.nn.functional.batch_norm(part, None, None, weight, bias, training=True, eps=EPSILON)
                for part in own.chunk(passes)
            ]
            normal = parts[0] if passes == 1 else torch.cat(parts)
            return normal.unsqueeze(0) if rows else normal
        split = x.unflatten(1, (passes, -1))
        return given.scaled(_normalized(split, *_moments(split, (2,))).view_as(x))


@NORMS.named("affine")
class Affine(Norm):
    """A learned affine map: the released code's "batch normalization", whose mean and variance stay at 0 and 1."""

    label = "affine"

    def apply(self, x: Tensor, given: Given) -> Tensor:
        return given.scaled(x, gain=(1 + EPSILON) ** -0.5)


@NORMS.named("layer")
class LayerNorm(Norm):
    """Layer normalization (arXiv 1607.06450): by mean and variance over all features of each example."""

    label = "layer norm"

    def apply(self, x: Tensor, given: Given) -> Tensor:
        split = x if x.dim() == 3 else x.unflatten(1, (given.members, -1))
        return given.scaled(_normalized(split, *_moments(split, tuple(range(2, split.dim())))).view_as(x))


@NORMS.named("none")
class NoNorm(Norm):
    """x itself."""

    label = ""
    learns = False

    def apply(self, x: Tensor, given: Given) -> Tensor:
        return x


def _normalized(x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    return (x - mean) * torch.rsqrt(variance + EPSILON)


def _moments(x: Tensor, dims: tuple[int, ...]) -> Moments:
    variance, mean = torch.var_mean(x, dims, correction=0, keepdim=True)
    return mean, variance
