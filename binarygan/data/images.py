"""Binary images to train on: the packaged MNIST, torchvision's data sets, or any binary array of N x 28 x 28."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from binarygan.errors import UserError, first_line, nearest
from binarygan.io.arrays import read_numpy

PIXELS = 784
PACKED = PIXELS // 8
PACKAGED = "binarized_mnist.parquet"
MOST_COMPARED, HELD_OUT = 10_000, 6
"""At most so many images are compared with, and one in so many of a train split is held out for that."""
FEW = 1_000
"""Images to compare with; with fewer, scores say little."""


@dataclass(frozen=True, eq=False)
class Images:
    """Binary images of 28 x 28, train split first. Those of one digest and split are equal.

    Args:
        name: what results call the data set.
        packed: (n, 98) uint8, `numpy.packbits` over each image's 784 pixels, row by row.
        labels: (n,) uint8, or None where the source has none.
        train: how many of them, from the beginning, are the train split.
    """

    name: str
    packed: np.ndarray
    labels: np.ndarray | None
    train: int

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the packed bits of all images, first 16 hex digits."""
        return hashlib.sha256(np.ascontiguousarray(self.packed).tobytes()).hexdigest()[:16]

    def __hash__(self) -> int:
        return hash((self.digest, self.train))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Images) and (self.digest, self.train) == (other.digest, other.train)

    @property
    def has_test_split(self) -> bool:
        """Whether some of the images are no train split."""
        return self.train < len(self.packed)

    def count(self, split: str, reference: str = "test") -> int:
        """How many images of `train` or `all` may be trained on, from the first, where samples are compared with these.

        What `validation` compares with is never trained on, nor is the test split then.
        """
        if reference == "validation":
            return self.train - min(MOST_COMPARED, self.train // HELD_OUT)
        return self.train if split == "train" else len(self.packed)

    def references(self, reference: str = "test") -> slice:
        """Those that samples are compared with.

        `test`: the test split; where there is none, the last 10,000 of the train split, which are trained on, too.
        `validation`: the last sixth of the train split, 10,000 at most, which is held out.
        """
        if reference == "validation":
            return slice(self.count("train", reference), self.train)
        return slice(self.train if self.has_test_split else max(0, self.train - MOST_COMPARED), None)

    def check_training(self, count: int, *, split: str, reference: str) -> None:
        """A UserError where so many images of a split are not there, or not to be trained on."""
        if count <= (most := self.count(split, reference)):
            return
        why = f"{self.name} has {most} of split {split!r}"
        if reference == "validation":
            why = f"with reference 'validation' {most} images of {self.name} are trained on, the next ones are held out"
        raise UserError(f"train_images={count}: {why}: use {most} at most")

    def warn_if_few(self, reference: str = "test") -> None:
        """Say on standard error that scores rest on few images, where they do."""
        if (count := len(self.packed[self.references(reference)])) < FEW:
            print(f"warning: {count} images to compare with are few: scores rest on them", file=sys.stderr)

    def bits(self, count: int) -> np.ndarray:
        """The first `count` images unpacked: (count, 784) uint8 of 0 and 1."""
        return np.unpackbits(self.packed[:count], axis=1)


# Data sets of torchvision: ours -> (its class, keyword arguments).
_TORCHVISION: dict[str, tuple[str, dict[str, Any]]] = {
    "raw-mnist": ("MNIST", {}),
    "fashion-mnist": ("FashionMNIST", {}),
    "kmnist": ("KMNIST", {}),
    "emnist-digits": ("EMNIST", {"split": "digits"}),
    "emnist-letters": ("EMNIST", {"split": "letters"}),
    "emnist-balanced": ("EMNIST", {"split": "balanced"}),
}
DATASETS = ("mnist", *_TORCHVISION)
DATA_ROOT = Path("datasets")
"""Folder of torchvision's data sets, where none is named."""


def is_file(source: str) -> bool:
    """Whether a file is meant, rather than a data set by its name."""
    return source.lower().endswith((".npy", ".npz"))


def load_images(source: str, *, root: Path | None = None, download: bool = False) -> Images:
    """Load a data set by name, or a binary `.npy` array of N x 28 x 28 by path.

    Grey levels become bits as in the paper: any ink at all (pixel > 0) is 1.

    Args:
        source: one of `DATASETS`, or a path that ends in `.npy`; such an array is all train split.
        root: folder of torchvision's data sets.
        download: whether torchvision may fetch what is missing there.

    Raises:
        UserError: an unknown name; a file that is missing, of another shape or not binary.
    """
    if is_file(source):
        return _from_array(Path(source))
    if source == "mnist":
        return _packaged()
    if source in _TORCHVISION:
        return _from_torchvision(source, root or DATA_ROOT, download)
    raise UserError(f"data set {source!r} is unknown, and no .npy file: {nearest(source, DATASETS)}")


def pack(images: np.ndarray) -> np.ndarray:
    """Images (n, 28, 28) or (n, 784), any value above 0 being ink, as packed rows (n, 98) uint8."""
    return np.packbits(images.reshape(len(images), PIXELS) > 0, axis=1)


@lru_cache(maxsize=1)
def _packaged() -> Images:
    with (files("binarygan") / "data" / PACKAGED).open("rb") as file:
        table = pq.ParquetFile(file).read(use_threads=False)  # a pool that still starts when a process ends aborts it
    images = table.column("image").combine_chunks()
    packed = np.frombuffer(images.buffers()[1], np.uint8).reshape(-1, PACKED)[images.offset :][: len(images)]
    splits = table.column("split").to_numpy()
    return Images("mnist", packed, table.column("label").to_numpy(), train=int((splits == "train").sum()))


def _from_array(path: Path) -> Images:
    array = read_numpy(path, "data file", mmap_mode="r")
    if not isinstance(array, np.ndarray):
        raise UserError(f"data file {path} is an archive; an .npy of N x 28 x 28 is needed")
    if array.ndim != 3 or array.shape[1:] != (28, 28) or len(array) == 0:
        raise UserError(f"data file {path} has shape {array.shape}; N x 28 x 28 with N > 0 is needed")
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise UserError(f"data file {path} is not binary: it holds values other than 0 and 1")
    try:
        path.name.encode()
    except UnicodeEncodeError:
        raise UserError(f"data file {path}: its name is no UTF-8, and stands in every row: rename it") from None
    return Images(path.name, pack(np.asarray(array)), None, train=len(array))


def _from_torchvision(name: str, root: Path, download: bool) -> Images:
    import torchvision

    class_name, options = _TORCHVISION[name]
    build: Callable[..., Any] = getattr(torchvision.datasets, class_name)
    try:
        splits = [build(str(root), train=train, download=download, **options) for train in (True, False)]
    except (RuntimeError, OSError) as error:
        raise UserError(
            f"data set {name} is not in {root} ({first_line(error)}); put it there or pass --download"
        ) from None
    except Exception as error:  # torchvision parses files with assertions and arithmetic
        raise UserError(f"a file of data set {name} in {root} is damaged ({first_line(error)}); replace it") from None
    stacks = [s.data.numpy() for s in splits]
    if class_name == "EMNIST":  # its images are stored transposed
        stacks = [stack.transpose(0, 2, 1) for stack in stacks]
    labels = np.concatenate([s.targets.numpy().astype(np.uint8) for s in splits])
    return Images(name, np.concatenate([pack(s) for s in stacks]), labels, train=len(stacks[0]))
