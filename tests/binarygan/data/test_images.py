"""The packaged data and what is refused."""

import errno
import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from binarygan.data import images
from binarygan.data.images import Images, load_images
from binarygan.errors import UserError
from tools import build_mnist

LABELS = "671ff9d70b481111"


def test_packaged_mnist_is_pinned() -> None:
    data = load_images("mnist")
    assert data.digest == "431646702e2f04bd"
    assert data.labels is not None
    assert hashlib.sha256(data.labels.tobytes()).hexdigest()[:16] == LABELS
    assert (len(data.packed), data.train) == (70_000, 60_000)
    assert data.bits(60_000).mean() == pytest.approx(0.1912, abs=5e-5)
    assert (Path(images.__file__).parent / images.PACKAGED).stat().st_size < 2_000_000


def test_rebuilding_from_idx_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 3, (2, 5, 28, 28), dtype=np.uint8)
    for prefix, stack in zip(("train", "t10k"), grey, strict=True):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, 5, 28, 28) + stack.tobytes())
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, 5) + bytes(range(5)))
    table = build_mnist.build(tmp_path)
    assert isinstance(table, pa.Table)
    packed = np.frombuffer(b"".join(table.column("image").to_pylist()), np.uint8).reshape(-1, 98)
    np.testing.assert_array_equal(np.unpackbits(packed, axis=1).reshape(2, 5, 28, 28), grey > 0)
    assert table.column("split").to_pylist() == ["train"] * 5 + ["test"] * 5


def test_binary_arrays_are_taken_and_others_refused(tmp_path: Path) -> None:
    good = np.random.default_rng(0).integers(0, 2, (70, 28, 28))
    np.save(tmp_path / "good.npy", good)
    np.testing.assert_array_equal(load_images(str(tmp_path / "good.npy")).bits(70).reshape(good.shape), good)
    np.save(tmp_path / "shape.npy", good[:, :20])
    np.save(tmp_path / "grey.npy", good * 7)
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "folder.npy").mkdir()
    os.mkfifo(tmp_path / "pipe.npy")
    np.savez(tmp_path / "archive.npz", good)
    cases = {"shape.npy": "shape", "grey.npy": "not binary", "text.npy": "no readable", "none.npy": "does not exist"}
    cases |= {"folder.npy": "is a folder", "pipe.npy": "is no regular file", "archive.npz": "is an archive"}
    cases |= {"NONE.NPY": "does not exist", os.fsdecode(b"\xff.npy"): "no UTF-8"}
    np.save(tmp_path / os.fsdecode(b"\xff.npy"), good)
    for name, words in cases.items():
        with pytest.raises(UserError, match=words):
            load_images(str(tmp_path / name))
    with pytest.raises(UserError, match="did you mean 'kmnist'"):
        load_images("kmnits")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "cannot be read here: Too many open files"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "cannot be read here: Cannot allocate memory"),
        (MemoryError(), "does not fit into memory here"),
    ],
)
def test_a_lack_of_the_machine_is_no_damage_of_the_data(
    error: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "good.npy", np.zeros((2, 28, 28), np.uint8))

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(np, "load", fails)
    with pytest.raises(UserError, match=rf"^data file .*/good.npy {said}$"):
        load_images(str(tmp_path / "good.npy"))


def test_data_in_capital_letters_are_data(tmp_path: Path) -> None:
    """Windows and old cameras write endings so."""
    np.save(tmp_path / "lower.npy", np.zeros((2, 28, 28), np.uint8))
    (tmp_path / "lower.npy").rename(tmp_path / "D.NPY")
    assert len(load_images(str(tmp_path / "D.NPY")).packed) == 2


def test_torchvision_reads_a_local_root(tmp_path: Path) -> None:
    raw = tmp_path / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    grey = np.random.default_rng(0).integers(0, 2, (5, 28, 28), dtype=np.uint8) * 9
    for prefix in ("train", "t10k"):
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, 5, 28, 28) + grey.tobytes())
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, 5) + bytes(range(5)))
    data = load_images("kmnist", root=tmp_path)
    np.testing.assert_array_equal(data.bits(5).reshape(grey.shape), grey > 0)
    with pytest.raises(UserError, match="not in"):
        load_images("fashion-mnist", root=tmp_path)
    images = raw / "train-images-idx3-ubyte"
    whole = images.read_bytes()
    for damaged in (b"", whole[:10], whole[:-7], b"\0\0\x0d\x03" + whole[4:], whole[:4] + b"\xff" * 12 + whole[16:]):
        images.write_bytes(damaged)
        with pytest.raises(UserError, match="kmnist") as error:
            load_images("kmnist", root=tmp_path)
        assert "\n" not in str(error.value)


def made_up(train: int, test: int) -> Images:
    packed = np.arange((train + test) * 98, dtype=np.uint32).astype(np.uint8).reshape(-1, 98)
    return Images("made-up", packed, None, train=train)


@pytest.mark.parametrize(
    ("train", "test", "trained"),
    [(60_000, 10_000, 50_000), (240_000, 40_000, 230_000), (120, 40, 100), (128, 0, 107), (60_000, 0, 50_000)],
)
def test_what_is_held_out_is_neither_trained_on_nor_of_the_test_split(train: int, test: int, trained: int) -> None:
    """The paper's own sizes, large and small ones, with and without a test split."""
    data = made_up(train, test)
    everything = np.arange(train + test)
    held_out, of_test = everything[data.references("validation")], everything[data.references("test")]
    for split in ("train", "all"):
        assert data.count(split, "validation") == trained, "the test split is not trained on, whatever the split"
    np.testing.assert_array_equal(held_out, everything[trained:train])
    np.testing.assert_array_equal(of_test, everything[train:] if test else everything[-10_000:])
    assert (data.count("train"), data.count("all")) == (train, train + test), "as all runs had it before"


def test_more_images_than_may_be_trained_on_are_refused() -> None:
    data = made_up(120, 40)
    for count, split, reference in ((100, "train", "validation"), (120, "train", "test"), (160, "all", "test")):
        data.check_training(count, split=split, reference=reference)
        with pytest.raises(UserError, match=f"train_images={count + 1}: .*: use {count} at most"):
            data.check_training(count + 1, split=split, reference=reference)
