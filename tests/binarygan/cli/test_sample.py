"""`python -m binarygan.sample`."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from members import drawn, small, trained_in_name
from PIL import Image

from binarygan.cli import export, sample
from binarygan.cli.evaluate import load_samples
from binarygan.generators.export import FORMATS
from binarygan.generators.sampling import Sampler
from binarygan.training import checkpoints
from binarygan.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("small_population")


def run(*words: object, results: Path) -> int:
    return sample.main([*map(str, words), "--results", str(results)])


def test_the_command_writes_arrays_and_pictures(
    cohort: Trainer, results: Path, samplers: dict[str, Sampler], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stochastic, real = (cohort.configs[i].member_id for i in (1, 2))
    bits, picture, outputs = (tmp_path / n for n in ("bits.npy", "bits.png", "outputs.npy"))
    assert run(stochastic, "-n", 600, "-o", bits, "-o", picture, "--seed", 4, results=results) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.count("\n") == 2
    assert f"member {stochastic} (stochastic, wgan-gp, mlp) after 3 of 20 epochs" in said.out
    array = np.load(bits)
    assert array.dtype == np.uint8
    expected = drawn(samplers["stochastic"], 600, "bernoulli", seed=4)
    np.testing.assert_array_equal(array, expected.numpy())
    assert torch.equal(load_samples(bits), expected)
    with Image.open(picture) as image:
        assert image.size == (25 * 30 + 2, 24 * 30 + 2)
        first = np.asarray(image.convert("L"))[2:30, 2:30]
    np.testing.assert_array_equal(first, array[0] * 255)
    assert run(real, "-n", 7, "-o", outputs, "--preactivated", results=results) == 0
    expected = drawn(samplers["real"], 7, None)
    assert np.load(outputs).dtype == np.float32
    np.testing.assert_array_equal(np.load(outputs), expected.numpy())
    for binarization in ("threshold", "bernoulli"):
        assert run(real, "-n", 7, "-o", bits, "--binarization", binarization, results=results) == 0
        expected = drawn(samplers["real"], 7, binarization)
        np.testing.assert_array_equal(np.load(bits), expected.numpy())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bits.npy", "bits.png", "outputs.npy"]


def test_mistakes_are_one_line_and_status_2(
    cohort: Trainer, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = sorted(c.member_id for c in cohort.configs)
    out = tmp_path / "out.npy"
    folder = results / "long" / "checkpoints" / "cohort"
    diverged = trained_in_name(small(seed=8), epochs=1)
    with torch.no_grad():
        diverged.generator.parameters["1.bias"][0, 3] = float("nan")
    checkpoints.save_generators(diverged, tmp_path / "diverged")
    steep = trained_in_name(small(seed=9, slope_rate=1e300), epochs=20)
    checkpoints.save_generators(steep, tmp_path / "steep")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((folder / "final.safetensors").read_bytes()[:-9])
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.npy").mkdir()
    cases = {
        ("ffffffffffffffff", "-o", out): f"in {results}/*/checkpoints/*/*.safetensors, which has {', '.join(ids)}",
        ("ffff", "-o", out, "--results", tmp_path): "where there are none",
        ("nowhere://x", "-o", out): "is on no file system that is known here",
        ("f" * 300, "-o", out): "cannot be read: File name too long",
        (tmp_path / "empty", "-o", out): "holds neither final.safetensors nor epoch-",
        (cut, "-o", out): "is damaged: it has",
        (folder, "-o", out): f"choose one with --member: {', '.join(ids)}",
        (folder, "-o", out, "--member", "ffff"): f"which has {', '.join(ids)}",
        (ids[0], "-o", out, "--member", ids[0]): "--member is for checkpoints",
        (tmp_path / "diverged", "-o", out): "not finite",
        (tmp_path / "steep", "-o", out): "slope_rate=1e+300",
        (ids[0], "-o", out, "-n", 0): "at least 1",
        (ids[0], "-o", out, "-n", 10**13): "do not fit into memory",
        (ids[0], "-o", out, "-n", 10**30): "do not fit into memory",
        (ids[0], "-o", out, "-n", "many"): "invalid int value",
        (ids[0], "-o", tmp_path / "out.jpg"): "none of the endings .npy, .png",
        (ids[0], "-o", tmp_path / "none" / "out.npy"): "cannot be written: No such file",
        (ids[0], "-o", tmp_path / "folder.npy"): "cannot be written: it is a folder",
        (ids[0],): "required: -o",
        (cohort.configs[0].member_id, "-o", out, "--binarization", "bernoulli"): "is deterministic",
        (ids[0], "-o", out, "--binarization", "bernoulli", "--preactivated"): "no effect",
    }
    for words, reason in cases.items():
        assert run(*words, results=results) == 2 if "--results" not in words else sample.main([*map(str, words)]) == 2
        error = capsys.readouterr().err
        assert reason in error
        assert error.count("\n") == 1, error
    assert not out.exists()
    assert not list(tmp_path.glob(".partial-*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize(("command", "ending"), [(sample, "npy"), (export, "safetensors")])
def test_a_command_that_is_stopped_leaves_no_hidden_file(
    command: ModuleType,
    ending: str,
    number: signal.Signals,
    cohort: Trainer,
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such a file could have a gigabyte, and nobody would see it."""
    before = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def is_signalled(*_: object, **__: object) -> bytes:
        assert list(tmp_path.glob(".partial-*"))
        os.kill(os.getpid(), number)
        signal.pause()
        return b""

    monkeypatch.setattr(sample, "draw", is_signalled)
    monkeypatch.setitem(FORMATS, ".safetensors", is_signalled)
    words = [cohort.configs[0].member_id, "-o", str(tmp_path / f"out.{ending}"), "--results", str(results)]
    try:
        assert command.main(words) == 130
    finally:
        signal.signal(number, before)
    assert list(tmp_path.iterdir()) == []


def test_an_ambiguous_id_lists_what_it_may_mean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configs = [small(seed=seed) for seed in range(17)]  # 16 first digits: two begin with the same
    first = [c.member_id[0] for c in configs]
    twice = next(d for d in first if first.count(d) > 1)
    few = [c for c in configs if c.member_id[0] == twice]
    checkpoints.save_generators(trained_in_name(*few, epochs=1), tmp_path / "s" / "checkpoints" / "c")
    assert run(twice, "-o", tmp_path / "out.npy", results=tmp_path) == 2
    assert ", ".join(sorted(c.member_id for c in few)) in capsys.readouterr().err


def test_a_reader_that_leaves_gets_no_traceback() -> None:
    """The pipe's other end is closed before anything is said."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        words = [sys.executable, "-m", "binarygan.evaluate", "--help"]
        process = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)
    assert process.stderr == ""
