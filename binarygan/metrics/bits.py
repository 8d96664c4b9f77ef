"""What binary images are made of: ink, strokes, patches, pixels and their pairs. Pure functions of tensors.

Shapes: N images (N, H, W), bool or 0/1; H = W = 28.
"""

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor


def ink(images: Tensor) -> float:
    """Share of pixels that are 1."""
    return float(images.float().mean())


def ink_counts(images: Tensor) -> Tensor:
    """Pixels of ink of each image: (N,)."""
    return images.flatten(1).sum(1)


def ink_distance(counts: Tensor, reference: Tensor) -> float:
    """Wasserstein-1 distance between two samples of ink counts, in pixels.

    >>> ink_distance(torch.tensor([10, 20]), torch.tensor([13, 23]))
    3.0
    """
    from scipy.stats import wasserstein_distance  # a second that training need not wait for

    return float(wasserstein_distance(counts.cpu().numpy(), reference.cpu().numpy()))


def isolated_pixel_rate(images: Tensor) -> float:
    """Share of the ink with no ink among its eight neighbours; NaN without ink.

    What the per-pixel noise of stochastic neurons leaves, and handwriting has almost none of.

    >>> isolated_pixel_rate(torch.eye(4).unsqueeze(0)), isolated_pixel_rate(torch.ones(1, 1, 1))
    (0.0, 1.0)
    """
    pixels = images.to(torch.uint8)
    framed = F.pad(pixels, (1, 1, 1, 1))
    beside = framed[:, :, :-2] + framed[:, :, 1:-1] + framed[:, :, 2:]
    around = beside[:, :-2] + beside[:, 1:-1] + beside[:, 2:]  # the pixel and its eight neighbours
    return float((pixels * (around == 1)).sum() / pixels.sum())


def components(images: Tensor) -> float:
    """Mean number of 8-connected components of ink an image.

    >>> components(torch.tensor([[[1, 0, 0], [0, 1, 0], [0, 0, 0]], [[1, 0, 1], [0, 0, 0], [1, 0, 0]]]))
    2.0
    """
    within = np.zeros((3, 3, 3), bool)
    within[1] = True  # neighbours in the image, none in the images before and after
    _, count = ndimage.label(images.cpu().numpy() != 0, structure=within)
    return float(count / len(images))


def pixel_means(images: Tensor) -> Tensor:
    """Mean of each pixel: (H * W,), float64."""
    return images.flatten(1).double().mean(0)


def pixel_error(means: Tensor, reference: Tensor) -> float:
    """Mean absolute difference of pixels' means."""
    return float((means - reference).abs().mean())


def pair_covariances(images: Tensor) -> Tensor:
    """Covariance of each pair of pixels (H * W, H * W), float64; 0 on the diagonal, which is no pair."""
    pixels = images.flatten(1).float()
    mean = pixels.double().mean(0)
    products = (pixels.T @ pixels).double() / len(pixels)  # sums of 0 and 1 below 2**24: exact in float32
    covariances = products - torch.outer(mean, mean)
    return covariances.fill_diagonal_(0)


def covariance_error(covariances: Tensor, reference: Tensor) -> float:
    """Frobenius norm of the difference over that of the reference."""
    return float((covariances - reference).norm() / reference.norm())


def patch_counts(images: Tensor) -> Tensor:
    """How often each of the 512 patches of 3 x 3 pixels occurs: (512,), float64."""
    pixels = images.to(torch.int16)
    height, width = images.shape[1] - 2, images.shape[2] - 2
    codes = torch.zeros(len(images), height, width, dtype=torch.int16, device=images.device)
    for bit in range(9):
        i, j = divmod(bit, 3)
        codes.add_(pixels[:, i : i + height, j : j + width], alpha=1 << bit)
    return torch.bincount(codes.flatten(), minlength=512).double()


def patch_kl(counts: Tensor, reference: Tensor) -> float:
    """KL of the patches' shares from the reference's in nats, half a count added to each of the 512.

    >>> patch_kl(torch.ones(512), 7 * torch.ones(512))
    0.0
    """
    p, q = ((c.double() + 0.5) / (c.double() + 0.5).sum() for c in (counts, reference))
    return float((p * (p / q).log()).sum().clamp(min=0))
