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
class Norm:
    """A kind of normalization. A subclass gives `normalize`, or `apply` where that is not enough."""

    label: ClassVar[str]
    """What tables call it."""
    revision: ClassVar[int] = 1
    """Raised whenever runs with this norm come to give other numbers."""
    learns: ClassVar[bool] = True
    """Whether it has a scale and a shift."""
    of_batch: ClassVar[bool] = False
    """Whether what it makes of an example depends on the others of its batch. Then trained generators use statistics
    over many z instead: `apply` takes them as `fixed`, and `moments` gives them."""

    def normalize(self, x: Tensor) -> Tensor:
        """x normalized, each example by itself: x is (M, N, C) or (M, N, C, H, W)."""
        raise NotImplementedError

    def apply(
        self,
        x: Tensor,
        scale: Tensor | None,
        shift: Tensor | None,
        *,
        members: int,
        passes: int = 1,
        fixed: Moments | None = None,
    ) -> Tensor:
        """scale * normalized(x) + shift.

        Args:
            scale, shift: None for a norm that learns none.
            members: M.
            passes: how many batches N holds, one after another; statistics of a batch are of one of them.
            fixed: the mean and variance to use instead of the batch's, of a norm `of_batch`.
        """
        if x.dim() == 3:
            normal = self.normalize(x)
        else:
            normal = self.normalize(x.unflatten(1, (members, -1)).transpose(0, 1)).transpose(0, 1).flatten(1, 2)
        if scale is None or shift is None:
            return normal
        return torch.addcmul(_against(x, shift), normal, _against(x, scale))

    def moments(self, x: Tensor) -> Moments:
        """Mean and variance of each unit over all examples of x, in the shape that `fixed` takes."""
        return _moments(x, (1,) if x.dim() == 3 else (0, 2, 3))


@NORMS.named("none")
class NoNorm(Norm):
    """x itself."""

    label = ""
    learns = False

    def apply(
        self,
        x: Tensor,
        scale: Tensor | None,
        shift: Tensor | None,
        *,
        members: int,
        passes: int = 1,
        fixed: Moments | None = None,
    ) -> Tensor:
        return x


@NORMS.named("batch")
class BatchNorm(Norm):
    """Batch normalization (arXiv 1502.03167): by mean and variance of each unit over a batch (and a map's pixels)."""

    label = "BN"
    of_batch = True

    def apply(
        self,
        x: Tensor,
        scale: Tensor | None,
        shift: Tensor | None,
        *,
        members: int,
        passes: int = 1,
        fixed: Moments | None = None,
    ) -> Tensor:
        assert scale is not None
        assert shift is not None
        rows = x.dim() == 3
        if fixed is not None:
            mean, variance = fixed
            return _scaled(x, x, mean, variance, scale, shift)
        if not rows or (len(x) == 1 and x.shape[1] > passes):  # fused; the library refuses batches of one row
            own, weight, bias = (x[0] if rows else x), scale.flatten(), shift.flatten()
            parts = [
                torch.nn.functional.batch_norm(part, None, None, weight, bias, training=True, eps=EPSILON)
                for part in own.chunk(passes)
            ]
            normal = parts[0] if passes == 1 else torch.cat(parts)
            return normal.unsqueeze(0) if rows else normal
        split = x.unflatten(1, (passes, -1))
        return _scaled(x, split, *_moments(split, (2,)), scale, shift)


@NORMS.named("affine")
class Affine(Norm):
    """A learned affine map: the released code's "batch normalization", whose mean and variance stay at 0 and 1."""

    label = "affine"

    def apply(
        self,
        x: Tensor,
        scale: Tensor | None,
        shift: Tensor | None,
        *,
        members: int,
        passes: int = 1,
        fixed: Moments | None = None,
    ) -> Tensor:
        assert scale is not None
        assert shift is not None
        return torch.addcmul(_against(x, shift), x, _against(x, scale) * (1 + EPSILON) ** -0.5)


@NORMS.named("layer")
class LayerNorm(Norm):
    """Layer normalization (arXiv 1607.06450): by mean and variance over all features of each example."""

    label = "layer norm"

    def apply(
        self,
        x: Tensor,
        scale: Tensor | None,
        shift: Tensor | None,
        *,
        members: int,
        passes: int = 1,
        fixed: Moments | None = None,
    ) -> Tensor:
        assert scale is not None
        assert shift is not None
        rows = x.dim() == 3
        split = x if rows else x.unflatten(1, (members, -1))
        return _scaled(x, split, *_moments(split, (2,) if rows else (2, 3, 4)), scale, shift)


def _against(x: Tensor, value: Tensor) -> Tensor:
    """A parameter (M, C) as it is broadcast against x."""
    return value.unsqueeze(1) if x.dim() == 3 else value.view(1, -1, 1, 1)


def _scaled(x: Tensor, split: Tensor, mean: Tensor, variance: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """scale * (split - mean) / sqrt(variance + EPSILON) + shift, in the shape of x."""
    normal = (split - mean) * torch.rsqrt(variance + EPSILON)
    return torch.addcmul(_against(x, shift), normal.view_as(x), _against(x, scale))


def _moments(x: Tensor, dims: tuple[int, ...]) -> Moments:
    variance, mean = torch.var_mean(x, dims, correction=0, keepdim=True)
    return mean, variance
