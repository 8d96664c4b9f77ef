"""Files of tensors: what is written from memory is what the library would have written."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from upath import UPath

from binarygan.io.tensor_files import read_metadata, read_tensors, tensor_bytes, write_tensors

TENSORS = {
    "b.weight": torch.randn(3, 4, 5).transpose(1, 2),
    "a.step": torch.tensor(7.0),
    "empty": torch.empty(0, 4),
    "c": torch.randn(2, 3, dtype=torch.float64, requires_grad=True),
}
METADATA = {"members": '[{"data": "Ziffern ä"}]', "version": "1"}


@pytest.mark.parametrize("names", [list(TENSORS), ["a.step"], []])
def test_a_disk_gets_the_librarys_bytes(names: list[str], tmp_path: Path) -> None:
    tensors = {name: TENSORS[name] for name in names}
    write_tensors(tmp_path / "x.safetensors", tensors, METADATA)
    disk, memory = tmp_path / "x.safetensors", UPath(f"memory://{tmp_path.name}/x.safetensors")
    write_tensors(memory, tensors, METADATA)
    for path in (disk, memory):
        assert read_metadata(path) == METADATA
        metadata, found = read_tensors(path)
        assert metadata == METADATA
        assert found.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert torch.equal(found[name], tensor.detach())
            assert found[name].dtype is tensor.dtype
    assert disk.stat().st_size == len(tensor_bytes(tensors, METADATA))
    with safe_open(disk, "pt") as file:
        assert set(file.keys()) == set(names)


def test_other_types_are_the_librarys(tmp_path: Path) -> None:
    tensors = {"counts": torch.arange(3), "half": torch.ones(2, dtype=torch.bfloat16)}
    write_tensors(tmp_path / "x.safetensors", tensors, {})
    _, found = read_tensors(tmp_path / "x.safetensors")
    assert torch.equal(found["counts"], tensors["counts"])
    assert torch.equal(found["half"], tensors["half"])
