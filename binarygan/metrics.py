"""Numbers that describe binary images and preactivated outputs: pure functions of tensors.

Shapes: N images, H = W = 28.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

MIDDLE = (0.3, 0.7)
HISTOGRAM_BINS = 1000


def ink(images: Tensor) -> float:
    """Mean of binary images (N, H, W): the share of pixels that are 1."""
    return float(images.float().mean())


def isolated_pixel_rate(images: Tensor) -> float:
    """Share of the ink pixels of binary images (N, H, W) with no ink among their eight neighbours; NaN without ink.

    What the per-pixel noise of stochastic neurons leaves, and handwriting has almost none of.

    >>> isolated_pixel_rate(torch.eye(4).unsqueeze(0)), isolated_pixel_rate(torch.ones(1, 1, 1))
    (0.0, 1.0)
    """
    ink_pixels = images.float().unsqueeze(1)
    around = F.avg_pool2d(ink_pixels, 3, stride=1, padding=1, divisor_override=1)
    isolated = (ink_pixels * (around < 1.5)).sum()
    return float(isolated / ink_pixels.sum())


def mass_middle(preactivated: Tensor) -> float:
    """Share of preactivated outputs (any shape) in [0.3, 0.7].

    >>> mass_middle(torch.tensor([0.0, 0.3, 0.5, 1.0]))
    0.5
    """
    low, high = (torch.tensor(edge, dtype=preactivated.dtype, device=preactivated.device) for edge in MIDDLE)
    return float(((preactivated >= low) & (preactivated <= high)).float().mean())


def histogram(preactivated: Tensor) -> Tensor:
    """Counts of preactivated outputs (any shape) in 1000 equal bins over [0, 1], int64; 1.0 falls in the last."""
    values = preactivated.flatten()
    places = (values * HISTOGRAM_BINS).floor().clamp_(0, HISTOGRAM_BINS - 1).long()
    return torch.bincount(places, minlength=HISTOGRAM_BINS)
