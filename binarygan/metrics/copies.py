"""Do samples repeat the train images, or each other? Pure functions of packed bits.

Shapes: N images as rows of 784 bits, (N, 784) of 0 and 1.
"""

import torch
from torch import Tensor

CHUNK = 1_000
PIXELS = 784


def nearest_hamming(images: Tensor, others: Tensor) -> Tensor:
    """Number of differing pixels between each image (N, P) and the nearest of `others` (M, P): (N,), float32.

    |a - b| = |a| + |b| - 2 a·b, exact in integers and in float32.

    >>> nearest_hamming(torch.eye(3), torch.ones(1, 3))
    tensor([2., 2., 2.])
    """
    kind = torch.int8 if _fast_integers(images.device) else torch.float32
    columns = images.to(kind).T.contiguous()
    best = torch.full((len(images),), PIXELS, dtype=torch.float32, device=images.device)
    for part in others.split(CHUNK):
        rows = part.to(kind)
        common = torch._int_mm(rows, columns) if kind == torch.int8 else rows @ columns
        distances = torch.sub(part.sum(1, keepdim=True, dtype=common.dtype), common, alpha=2)
        best = torch.minimum(best, distances.amin(0).float())
    return best + images.sum(1)


def _fast_integers(device: torch.device) -> bool:
    """Whether products of int8 matrices are faster than float32's: four times with AVX-512."""
    return device.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX512"


def memorization(images: Tensor, train: Tensor, test: Tensor) -> dict[str, float]:
    """Hamming distances to the nearest train and test image, and whether train images are suspiciously near.

    `closer_to_train`: the train images are taken in blocks of as many as there are test images; how often the
    nearest of a block is nearer than the nearest test image, a tie counting half. 0.5 where nothing is memorized
    (after the data-copying test of Meehan et al. 2020, arXiv 2004.05675).
    """
    to_test = nearest_hamming(images, test)
    size = min(len(test), len(train))
    to_blocks = torch.stack(
        [nearest_hamming(images, train[i : i + size]) for i in range(0, len(train) - size + 1, size)]
    )
    used = len(to_blocks) * size
    to_train = to_blocks.min(0).values
    if used < len(train):
        to_train = torch.minimum(to_train, nearest_hamming(images, train[used:]))
    closer = (to_blocks < to_test).float().mean() + (to_blocks == to_test).float().mean() / 2
    return {
        "nearest_train_hamming": float(to_train.mean()),
        "nearest_test_hamming": float(to_test.mean()),
        "closer_to_train": float(closer),
        "train_duplicates": float((to_train == 0).float().mean()),
    }


def unique_rate(packed: Tensor) -> float:
    """Different rows over rows.

    >>> unique_rate(torch.tensor([[1, 2], [1, 2], [3, 4], [3, 5]]))
    0.75
    """
    return len(torch.unique(packed, dim=0)) / len(packed)
