"""What binary images are made of: ink, strokes, patches, pixels and their pairs.

Shapes: N images (N, H, W), bool or 0/1; H = W = 28.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from binarygan.lazy import torch
from binarygan.metrics.measured import ImageSet
from binarygan.metrics.names import metric

if TYPE_CHECKING:
    from torch import Tensor


@metric("ink", "ink", "share of pixels that are 1", "target", light=True, most=1)
def ink(samples: ImageSet, *_: object) -> float:
    return float(samples.images.float().mean())


@metric("ink_distance", "ink W1", "Wasserstein-1 distance of ink counts, pixels", "lower", light=True)
def ink_distance(samples: ImageSet, reference: ImageSet) -> float:
    """Wasserstein-1 distance between the two samples of ink counts, in pixels.

    >>> ink_distance(ImageSet(torch.ones(2, 1, 10)), ImageSet(torch.ones(2, 1, 13)))
    3.0
    """
    from scipy.stats import wasserstein_distance  # a second that training need not wait for

    counts = (images.of(ink_counts).cpu().numpy() for images in (samples, reference))
    return float(wasserstein_distance(*counts))


def ink_counts(images: ImageSet) -> Tensor:
    """Pixels of ink of each image: (N,)."""
    return images.images.flatten(1).sum(1)


@metric("pixel_error", "pixel error", "mean absolute difference of pixels' means", "lower", light=True)
def pixel_error(samples: ImageSet, reference: ImageSet) -> float:
    return float((samples.of(pixel_means) - reference.of(pixel_means)).abs().mean())


def pixel_means(images: ImageSet) -> Tensor:
    """Mean of each pixel: (H * W,), float64."""
    return images.images.flatten(1).double().mean(0)


@metric("covariance_error", "pair error", "relative error of the covariances of pixel pairs", "lower")
def covariance_error(samples: ImageSet, reference: ImageSet) -> float:
    """Frobenius norm of the difference over that of the reference."""
    expected = reference.of(pair_covariances)
    return float((samples.of(pair_covariances) - expected).norm() / expected.norm())


def pair_covariances(images: ImageSet) -> Tensor:
    """Covariance of each pair of pixels (H * W, H * W), float64; 0 on the diagonal, which is no pair."""
    pixels = images.images.flatten(1).float()
    mean = pixels.double().mean(0)
    products = (pixels.T @ pixels).double() / len(pixels)  # sums of 0 and 1 below 2**24: exact in float32
    covariances = products - torch.outer(mean, mean)
    return covariances.fill_diagonal_(0)


@metric("isolated_pixel_rate", "isolated", "share of ink with no ink around it", "lower", light=True, most=1)
def isolated_pixel_rate(samples: ImageSet, *_: object) -> float:
    """Share of the ink with no ink among its eight neighbours; NaN without ink.

    The noise that stochastic neurons add to each pixel leaves isolated pixels; handwriting has almost none.

    >>> isolated_pixel_rate(ImageSet(torch.eye(4).unsqueeze(0))), isolated_pixel_rate(ImageSet(torch.ones(1, 1, 1)))
    (0.0, 1.0)
    """
    pixels = samples.images.to(torch.uint8)
    framed = torch.nn.functional.pad(pixels, (1, 1, 1, 1))
    beside = framed[:, :, :-2] + framed[:, :, 1:-1] + framed[:, :, 2:]
    around = beside[:, :-2] + beside[:, 1:-1] + beside[:, 2:]  # the pixel and its eight neighbours
    return float((pixels * (around == 1)).sum() / pixels.sum())


@metric("components", "components", "connected components of ink an image", "target")
def components(samples: ImageSet, *_: object) -> float:
    """Mean number of 8-connected components of ink an image.

    >>> components(ImageSet(torch.tensor([[[1, 0, 0], [0, 1, 0], [0, 0, 0]], [[1, 0, 1], [0, 0, 0], [1, 0, 0]]])))
    2.0
    """
    from scipy import ndimage

    within = np.zeros((3, 3, 3), bool)
    within[1] = True  # neighbours in the image, none in the images before and after
    _, count = ndimage.label(samples.images.cpu().numpy() != 0, structure=within)
    return float(count / len(samples.images))


@metric("patch_kl", "patch KL", "KL of 3×3 patches from the reference's, nats", "lower", light=True)
def patch_kl(samples: ImageSet, reference: ImageSet) -> float:
    """KL of the patches' shares from the reference's in nats, half a count added to each of the 512.

    >>> patch_kl(ImageSet(torch.eye(4).repeat(7, 1, 1)), ImageSet(torch.eye(4).repeat(7, 1, 1)))
    0.0
    """
    p, q = ((c + 0.5) / (c + 0.5).sum() for c in (samples.of(patch_counts), reference.of(patch_counts)))
    return float((p * (p / q).log()).sum().clamp(min=0))


def patch_counts(images: ImageSet) -> Tensor:
    """How often each of the 512 patches of 3 x 3 pixels occurs: (512,), float64."""
    pixels = images.images.to(torch.int16)
    count, height, width = pixels.shape[0], pixels.shape[1] - 2, pixels.shape[2] - 2
    codes = torch.zeros(count, height, width, dtype=torch.int16, device=pixels.device)
    for bit in range(9):
        i, j = divmod(bit, 3)
        codes.add_(pixels[:, i : i + height, j : j + width], alpha=1 << bit)
    return torch.bincount(codes.flatten(), minlength=512).double()
