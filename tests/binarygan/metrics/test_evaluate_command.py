"""`python -m binarygan.evaluate`."""

import json
from pathlib import Path

import numpy as np
import pytest

from binarygan.cli import evaluate
from binarygan.data.images import load_images
from binarygan.metrics.names import OF_IMAGES


@pytest.fixture(scope="module")
def packed() -> np.ndarray:
    return load_images("mnist").packed[60_000:60_300]


def test_every_form_of_file_gives_the_same(packed: np.ndarray, tmp_path: Path) -> None:
    images = np.unpackbits(packed, axis=1).reshape(-1, 28, 28)
    np.save(tmp_path / "packed.npy", packed)
    np.save(tmp_path / "images.npy", images.astype(np.float32))
    np.savez(tmp_path / "one.npz", anything=images.astype(bool))
    np.savez(tmp_path / "bits.npz", other=np.zeros(3), bits=packed)
    loaded = [evaluate.load_samples(tmp_path / n) for n in ("packed.npy", "images.npy", "one.npz", "bits.npz")]
    assert all((x.numpy() == images).all() for x in loaded)
    assert (evaluate.load_samples(tmp_path / "bits.npz", "bits").numpy() == images).all()


def test_json_is_one_object_with_the_names(
    packed: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", packed)
    images = np.unpackbits(load_images("mnist").packed[60_000:61_200], axis=1).reshape(-1, 28, 28)
    np.save(tmp_path / "others.npy", images)
    assert evaluate.main([str(tmp_path / "x.npy"), "--json", "--data", str(tmp_path / "others.npy")]) == 0
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert said.err.startswith("warning: 300 samples against 1,200 images")
    np.save(tmp_path / "few.npy", images[:7])
    assert evaluate.main([str(tmp_path / "x.npy"), "--json", "--data", str(tmp_path / "few.npy")]) == 0
    assert "warning: 7 images to compare with are few" in capsys.readouterr().err
    found = json.loads(said.out)
    assert {m.name for m in OF_IMAGES} <= set(found)
    assert found["precision"] == 1, "the samples are among the reference images"
    assert (found["samples"], found["reference"]) == (300, "test")
    words = ["--json", "--data", str(tmp_path / "others.npy"), "--reference", "validation"]
    assert evaluate.main([str(tmp_path / "x.npy"), *words]) == 0
    held_out = capsys.readouterr()
    assert held_out.err == "warning: 200 images to compare with are few: scores rest on them\n"
    assert json.loads(held_out.out)["precision"] < 1, "the last sixth of the images has not these samples"
    assert json.loads(held_out.out)["extractors"] != found["extractors"]
    np.save(tmp_path / "twelve.npy", images[:12])
    words = ["--data", str(tmp_path / "twelve.npy"), "--reference", "validation"]
    assert evaluate.main([str(tmp_path / "x.npy"), *words]) == 2
    assert "has 2 validation images to compare with; at least 6 are needed" in capsys.readouterr().err


def test_bad_files_are_one_line_and_status_2(
    packed: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.unpackbits(packed, axis=1).reshape(-1, 28, 28)
    nan = images.astype(np.float32)
    nan[0, 0, 0] = np.nan
    cases = {
        "nan": (nan, "not binary"),
        "grey": (images * 7, "not binary"),
        "empty": (images[:0], "holds 0 images; at least 6"),
        "few": (packed[:5], "holds 5 images; at least 6"),
        "shape": (images[:, :27], "has shape (300, 27, 28)"),
        "objects": (np.array([{}], dtype=object), "no readable"),
    }
    for name, (array, _) in cases.items():
        np.save(tmp_path / f"{name}.npy", array, allow_pickle=True)
    (tmp_path / "text.npy").write_text("no array")
    np.savez(tmp_path / "two.npz", a=packed, b=packed)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "two.npz").read_bytes()[:200])
    others = {
        "text.npy": "no readable",
        "none.npy": "does not exist",
        "two.npz": "choose one of a, b with --array",
        "cut.npz": "no readable",
    }
    for file, words in {**{f"{n}.npy": w for n, (_, w) in cases.items()}, **others}.items():
        assert evaluate.main([str(tmp_path / file)]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1, error
