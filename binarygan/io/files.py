"""Files that are whole or not there, on a disk or in an object store.

A path is a `pathlib.Path`, or a `upath.UPath` where its text names another file system (`s3://bucket/results`).
"""

import errno
import glob
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from upath import UPath

from binarygan.errors import UserError, first_line

log = logging.getLogger(__name__)

AnyPath = Path | UPath
UNABLE = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
"""Errors of file systems that do not flush, as opposed to disks that fail."""
PARTIAL = ".partial-"
"""How the names begin of files that are not whole yet."""


def path_of(text: str) -> AnyPath:
    """The path that a text names: a local path, or any file system of fsspec by its URL.

    Raises:
        UserError: a file system that is unknown, or whose library is not installed.
    """
    try:
        path = UPath(text)
        if isinstance(path, Path):
            return path
        return Path(path.path) if path.protocol in ("file", "local") else path
    except (ValueError, ImportError) as error:
        raise UserError(f"{text} is on no file system that is known here: {first_line(error)}") from None


def reached(path: AnyPath) -> AnyPath:
    """The path, once its file system has answered whether it exists.

    Raises:
        UserError: its object store does not answer, or refuses to.
    """
    if isinstance(path, Path):
        return path
    try:
        path.exists()
    except Exception as error:  # an object store's libraries raise what they like
        raise UserError(f"{path} cannot be read: {type(error).__name__}: {first_line(error)}") from None
    return path


def is_local(path: AnyPath) -> bool:
    """Whether it is on a file system of this machine (network mounts among them)."""
    return isinstance(path, Path)


def matching(folder: AnyPath, pattern: str) -> list[AnyPath]:
    """The entries of the folder whose names match, sorted by name; none where there is no such folder.

    Hidden ones are not meant: beside each file on a foreign disk macOS puts one of its own, `._<name>`.
    """
    if isinstance(folder, Path):
        found: list[AnyPath] = list(folder.glob(pattern))
    else:  # brackets in the folder's own name are no pattern
        names = folder.fs.glob(f"{glob.escape(folder.path)}/{pattern}")
        found = [folder / name.removeprefix(folder.path).lstrip("/") for name in names]
    hidden = pattern.startswith(".")
    return sorted((p for p in found if p.name.startswith(".") == hidden), key=str)


def read_whole(path: AnyPath) -> bytes:
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


def write_whole(path: AnyPath, content: bytes, *, partial: Path | None = None) -> None:
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


def in_utf8(text: str) -> bytes:
    """The text as UTF-8; names of files that a poor locale (`LC_ALL=C`) could not read become what they are."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()


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
            _flush(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        _flush(handle)
    finally:
        os.close(handle)


def _flush(handle: int) -> None:
    """Flush what is open to the disk, where its file system can do that."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in UNABLE:
            raise
        _say_unable()


@lru_cache(maxsize=1)
def _say_unable() -> None:
    log.warning("the file system cannot flush a file or folder to its disk: a power cut may undo what is written last")
