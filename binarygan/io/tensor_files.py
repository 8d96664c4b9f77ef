"""Tensors with a description, one safetensors file on a disk or in an object store. No pickle is read or written.

A file begins with the length of its header (8 bytes, little-endian) and the header (JSON: dtype, shape and offsets of
each tensor, and under `__metadata__` the description, strings by name); the tensors follow.
"""

import errno
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save, save_file
from torch import Tensor

from binarygan.errors import UserError
from binarygan.io.files import AnyPath, read_whole, whole_file, write_whole

HEADER_LIMIT = 100_000_000
"""Bytes, as in safetensors itself: what a damaged length must not make us read."""
FAILURES = (OSError, SafetensorError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)
"""What comes of reading a file that is missing, cut off or made to do harm; of JSON nested too deep a RuntimeError."""

ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""What says that there is no such file; any other OSError tells of the machine."""


class DamagedFileError(Exception):
    """A file that cannot be read or does not hold what it should. Its text is one line."""


class UnreadableFileError(UserError):
    """A file that this machine cannot read now: it may well be whole, and nothing is made in its place."""


def damaged(path: AnyPath, reason: object) -> DamagedFileError | UnreadableFileError:
    """The error that says what is wrong with the file, or that this machine cannot tell."""
    what, words = "is damaged", str(reason)
    if isinstance(reason, OSError):
        what, words = "cannot be read", reason.strerror or words
        if not isinstance(reason, ABSENT) and reason.errno != errno.ENAMETOOLONG:
            return UnreadableFileError(f"{path} {what}: {words}; the file may well be whole")
    return DamagedFileError(f"{path} {what}: {' '.join(words.split())[:300]}")


def write_tensors(path: AnyPath, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write the file whole or not at all; on a disk from the tensors' own memory."""
    if not isinstance(path, Path):
        write_whole(path, tensor_bytes(tensors, metadata))
        return
    with whole_file(path) as file:
        save_file(_as_stored(tensors), file.name, metadata)


def tensor_bytes(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """The file's content."""
    content: bytes = save(_as_stored(tensors), metadata)
    return content


def _as_stored(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.detach().contiguous().cpu() for name, t in tensors.items()}


def read_metadata(path: AnyPath) -> dict[str, str]:
    """The description alone, without reading the tensors.

    Raises:
        DamagedFileError: there is no such file, it is cut off, or its header is none.
        UnreadableFileError: this machine cannot read it now.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > HEADER_LIMIT:
                raise ValueError("its header is too long")
            header = json.loads(file.read(length))
        metadata = header.pop("__metadata__", {})
        end = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
        size = path.stat().st_size
    except FAILURES as error:
        raise damaged(path, error if isinstance(error, OSError) else "its header is none of safetensors") from None
    if size != end:
        raise damaged(path, f"it has {size} bytes of {end}")
    if not isinstance(metadata, dict):
        raise damaged(path, "its header holds no description")
    return {str(key): str(value) for key, value in metadata.items()}


def read_tensors(path: AnyPath) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The description and the tensors, on the CPU.

    Raises:
        DamagedFileError: there is no such file, or it is damaged.
        UnreadableFileError: this machine cannot read it now.
    """
    metadata = read_metadata(path)
    try:
        return metadata, load(read_whole(path))
    except FAILURES as error:
        raise damaged(path, error) from None


def floats(path: AnyPath, tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> list[Tensor]:
    """The tensors of these names, of the file.

    Raises:
        DamagedFileError: one is missing, of another shape, or of other numbers than floats.
    """
    for name, shape in shapes.items():
        if name not in tensors or tensors[name].shape != shape or not tensors[name].dtype.is_floating_point:
            raise damaged(path, f"it has no {name} of shape {shape}")
    return [tensors[name] for name in shapes]
