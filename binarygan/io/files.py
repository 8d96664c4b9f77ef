"""Files that are whole or not there, on a disk or in an object store.

A place is a `pathlib.Path`, or a `upath.UPath` where its text names another file system (`s3://bucket/results`).
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from upath import UPath

from binarygan.errors import UserError

Place = Path | UPath
PARTIAL = ".partial-"
"""How the names begin of files that are not whole yet."""


def place_of(text: str) -> Place:
    """The place that a text names: a local path, or any file system of fsspec by its URL.

    Raises:
        UserError: a file system that is unknown, or whose library is not installed.
    """
    try:
        place = UPath(text)
        if isinstance(place, Path):
            return place
        return Path(place.path) if place.protocol in ("file", "local") else place
    except (ValueError, ImportError) as error:
        raise UserError(f"{text} is on no file system that is known here: {str(error).splitlines()[0]}") from None


def reached(place: Place) -> Place:
    """The place, asked once for whether it is there.

    Raises:
        UserError: its object store does not answer, or refuses to.
    """
    if isinstance(place, Path):
        return place
    try:
        place.exists()
    except Exception as error:  # an object store's libraries raise what they like
        reason = str(error).splitlines() or [""]
        raise UserError(f"{place} cannot be read: {type(error).__name__}: {reason[0]}") from None
    return place


def is_local(place: Place) -> bool:
    """Whether it is on a file system of this machine (network mounts among them)."""
    return isinstance(place, Path)


def matching(folder: Place, pattern: str) -> list[Place]:
    """What of the folder, where it exists, has such a name, by name."""
    return sorted(folder.glob(pattern), key=str)


def read_whole(path: Place) -> bytes:
    """What is at `path`, as it was at one moment, though another program may be putting a new file there.

    An object store is asked once for the whole object. Its files, opened, are asked for their size and version first,
    and refuse to be read where that version is gone.

    Raises:
        FileNotFoundError: there is none.
    """
    if isinstance(path, Path):
        return path.read_bytes()
    content: bytes = path.fs.cat_file(path.path)
    return content


def write_whole(path: Place, content: bytes, *, partial: Path | None = None) -> None:
    """Put `content` at `path`, so that a reader, or a crash at any moment, sees the old file or the new one.

    On a disk: written under another name, flushed, renamed, the folder flushed. An object store puts whole objects.

    Args:
        partial: folder of the unfinished file, on the same disk; the file's own folder where None.
    """
    if not isinstance(path, Path):
        path.write_bytes(content)
        return
    with whole_file(path, partial=partial) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path, *, partial: Path | None = None) -> Iterator[BinaryIO]:
    """A file to write into that comes to be `path` at the end of the block, and is gone where the block fails.

    Args:
        partial: as in `write_whole`.
    """
    temporary = (partial or path.parent) / f"{PARTIAL}{path.name}-{uuid.uuid4().hex[:8]}"
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
