"""Places by their texts."""

import errno
import os
from pathlib import Path

import pytest
from upath import UPath

from binarygan.errors import UserError
from binarygan.io import files
from binarygan.io.files import path_of, reached, write_whole


def test_what_is_on_this_machine_is_a_path(tmp_path: Path) -> None:
    for text in (str(tmp_path), f"file://{tmp_path}", f"local://{tmp_path}"):
        assert path_of(text) == tmp_path
        assert isinstance(path_of(text), Path)
    assert isinstance(path_of("memory://x/y"), UPath)


def test_an_unknown_file_system_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^nosuch://x/y is on no file system that is known here: [^\n]*$"):
        path_of("nosuch://x/y")


def test_an_object_store_that_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    place = path_of("memory://x/y")
    assert reached(place) is place

    def refuse(*_: object, **__: object) -> bool:
        raise RuntimeError("no credentials\nat all")

    monkeypatch.setattr(type(place), "exists", refuse)
    with pytest.raises(UserError, match=r"memory://x/y cannot be read: RuntimeError: no credentials$"):
        reached(place)


@pytest.mark.parametrize("unable", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
@pytest.mark.parametrize("fails", [errno.EIO, errno.ENOSPC])
def test_a_file_system_that_cannot_flush_is_written_to_and_a_disk_that_fails_is_not(
    unable: int, fails: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = iter([unable] * 4 + [fails])

    def refuse(_: int) -> None:
        raise OSError(number := next(numbers), os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    files._say_unable.cache_clear()
    for _ in range(2):
        write_whole(tmp_path / "a", b"whole")
    assert len(caplog.records) == 1
    with pytest.raises(OSError, match=os.strerror(fails)):
        write_whole(tmp_path / "a", b"other")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"whole")]


def test_a_folder_alone_that_cannot_be_flushed_is_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old CIFS flushes files and refuses folders."""
    flush = os.fsync

    def refuse(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").is_dir():
            raise OSError(errno.EINVAL, "Invalid argument")
        flush(handle)

    monkeypatch.setattr(os, "fsync", refuse)
    write_whole(tmp_path / "a", b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"
