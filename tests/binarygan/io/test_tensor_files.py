"""Files of tensors, on a disk and in an object store."""

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from upath import UPath

from binarygan.io.files import AnyPath
from binarygan.io.tensor_files import (
    DamagedFileError,
    UnreadableFileError,
    read_metadata,
    read_tensors,
    write_tensors,
)

TENSORS = {
    "b.weight": torch.randn(3, 4, 5).transpose(1, 2),
    "a.step": torch.tensor(7.0),
    "empty": torch.empty(0, 4),
    "c": torch.randn(2, 3, dtype=torch.float64, requires_grad=True),
    "counts": torch.arange(3),
    "half": torch.ones(2, dtype=torch.bfloat16),
}
METADATA = {"members": '[{"data": "Ziffern ä"}]', "version": "1"}


@pytest.mark.parametrize("names", [list(TENSORS), ["a.step"], []])
@pytest.mark.parametrize("on_disk", [True, False])
def test_what_is_written_is_read(names: list[str], on_disk: bool, tmp_path: Path) -> None:
    tensors = {name: TENSORS[name] for name in names}
    path: AnyPath = tmp_path / "x" if on_disk else UPath(f"memory://{tmp_path.name}/x")
    write_tensors(path, tensors, METADATA)
    metadata, found = read_tensors(path)
    assert read_metadata(path) == metadata == METADATA
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(found[name], tensor.detach())
        assert found[name].dtype is tensor.dtype
    if on_disk:
        assert [p.name for p in tmp_path.iterdir()] == ["x"]
        with safe_open(path, "pt") as file:
            assert set(file.keys()) == set(names)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ENOMEM, errno.EMFILE, errno.ETIMEDOUT])
def test_a_file_that_this_machine_cannot_read_now_is_not_called_damaged(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    write_tensors(tmp_path / "x", {}, METADATA)
    for name in ("open", "read_bytes"):  # of the header; of the tensors
        with monkeypatch.context() as patched:
            patched.setattr(Path, name, refuse)
            with pytest.raises(UnreadableFileError, match=f"{os.strerror(number)}; the file may well be whole$"):
                read_tensors(tmp_path / "x")


@pytest.mark.parametrize("name", ["none", "folder", "x/y", "n" * 300])
def test_a_file_that_is_not_there_is_nothing_to_wait_for(name: str, tmp_path: Path) -> None:
    write_tensors(tmp_path / "x", {}, METADATA)
    (tmp_path / "folder").mkdir()
    with pytest.raises(DamagedFileError, match="cannot be read"):
        read_tensors(tmp_path / name)
