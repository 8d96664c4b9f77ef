"""Tensors with a description, one safetensors file on a disk or in an object store. No pickle is read or written.

A file begins with the length of its header (8 bytes, little-endian) and the header (JSON: dtype, shape and offsets of
each tensor, and under `__metadata__` the description, strings by name); the tensors follow.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from binarygan.io.files import Place, read_whole, whole_file, write_whole

HEADER_LIMIT = 100_000_000
"""Bytes, as in safetensors itself: what a damaged length must not make us read."""
DTYPES = {torch.float32: "F32", torch.float64: "F64"}
"""What states are of, by the format's names."""
UNREADABLE = (
    OSError,
    SafetensorError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,  # RecursionError among them: JSON nested too deep
)
"""What comes of reading a file that is missing, cut off or made to do harm."""


class DamagedFileError(Exception):
    """A file that cannot be read or does not hold what it should. Its text is one line."""


def damaged(path: Place, reason: object) -> DamagedFileError:
    """The error that says what is wrong with the file."""
    what, words = "is damaged", str(reason)
    if isinstance(reason, OSError):
        what, words = "cannot be read", reason.strerror or words
    return DamagedFileError(f"{path} {what}: {' '.join(words.split())[:300]}")


def write_tensors(path: Place, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write the file whole or not at all.

    On a disk from the tensors' own memory: the library's bytes of a cohort's state take three times as long and as much
    memory again (its own way to write a file cannot be flushed before it has its name).
    """
    if not isinstance(path, Path) or not all(t.dtype in DTYPES for t in tensors.values()):
        write_whole(path, tensor_bytes(tensors, metadata))
        return
    with whole_file(path) as file:
        for part in _parts(tensors, metadata):
            file.write(part)


def _parts(tensors: dict[str, Tensor], metadata: dict[str, str]) -> Iterator[Any]:
    """The file's content, one tensor at a time."""
    header: dict[str, Any] = {"__metadata__": metadata}
    offset = 0
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))  # so that each is aligned
    for name, t in ordered:
        header[name] = {"dtype": DTYPES[t.dtype], "shape": list(t.shape), "data_offsets": [offset, offset + t.nbytes]}
        offset += t.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for _, t in ordered:
        yield t.detach().contiguous().cpu().numpy().reshape(-1).view(np.uint8)


def tensor_bytes(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """The file's content."""
    content: bytes = save({name: t.detach().contiguous().cpu() for name, t in tensors.items()}, metadata)
    return content


def read_metadata(path: Place) -> dict[str, str]:
    """The description alone, without reading the tensors.

    Raises:
        DamagedFileError: there is no such file, it is cut off, or its header is none.
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
    except UNREADABLE as error:
        raise damaged(path, error if isinstance(error, OSError) else "its header is none of safetensors") from None
    if size != end:
        raise damaged(path, f"it has {size} bytes of {end}")
    if not isinstance(metadata, dict):
        raise damaged(path, "its header holds no description")
    return {str(key): str(value) for key, value in metadata.items()}


def read_tensors(path: Place) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The description and the tensors, on the CPU.

    Raises:
        DamagedFileError: there is no such file, or it is damaged.
    """
    metadata = read_metadata(path)
    try:
        return metadata, load(read_whole(path))
    except UNREADABLE as error:
        raise damaged(path, error) from None
