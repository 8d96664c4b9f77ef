"""Arrays from files of elsewhere: `.npy`, `.npz` and IDX, none of which can run code or fail in any way but one."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from binarygan.errors import UserError, first_line

IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049


def read_numpy(path: Path, what: str, *, mmap_mode: Literal["r"] | None = None) -> Any:
    """The array of an `.npy`, or the archive of an `.npz`; never a pickle.

    Args:
        what: what the file is called in an error.

    Raises:
        UserError: it is missing or no such file.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "is no regular file" if path.exists() else "does not exist"
        raise UserError(f"{what} {path} {kind}")
    try:
        return np.load(path, allow_pickle=False, mmap_mode=mmap_mode)
    except MemoryError:
        raise UserError(f"{what} {path} does not fit into memory here") from None
    except Exception as error:  # a damaged header is parsed as Python's own literals are, and fails as they do
        if isinstance(error, OSError) and error.errno:  # of the machine: numpy's own errors have no number
            raise UserError(f"{what} {path} cannot be read here: {error.strerror}") from None
        raise UserError(f"{what} {path} is no readable .npy or .npz: {first_line(error)}") from None


def member_of(archive: Mapping[str, Any], name: str, path: Path, what: str) -> np.ndarray:
    """One array of an `.npz`; a UserError where it cannot be read."""
    try:
        return np.asarray(archive[name])
    except Exception as error:
        raise UserError(f"{what} {path}: {name!r} cannot be read: {first_line(error)}") from None


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file: images (n, 28, 28) or labels (n,), uint8.

    Raises:
        UserError: it is missing, or no such file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"IDX file {path} cannot be read: {error.strerror}") from None
    magic = int.from_bytes(content[:4], "big")
    if magic not in (IMAGES_MAGIC, LABELS_MAGIC):
        raise UserError(f"{path} is no IDX file of images or labels (magic number {magic})")
    dimensions = magic % 256
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise UserError(f"IDX file {path} ends in its header")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if shape[1:] not in ((), (28, 28)) or len(content) - start != int(np.prod(shape, dtype=object)):
        raise UserError(f"IDX file {path} holds {len(content) - start} bytes; its header says {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
