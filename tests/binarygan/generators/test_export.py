"""`python -m binarygan.export`: generators that work without their checkpoints, and without this package."""

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from members import small, trained_in_name
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from binarygan.arithmetic.products import set_arithmetic
from binarygan.cli import sample
from binarygan.cli.export import main as run
from binarygan.generators.export import pt2_bytes
from binarygan.generators.files import load_generator
from binarygan.generators.finding import find_generator
from binarygan.generators.sampling import Sampler
from binarygan.training import checkpoints
from binarygan.training.checkpoints import DamagedCheckpointError

ARCHITECTURES = ("mlp", "cnn")
pytestmark = pytest.mark.usefixtures("small_population")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_population: None) -> Path:
    """Checkpoints of two members each, and the second's generator in two formats."""
    root = tmp_path_factory.mktemp("exports")
    for name in ARCHITECTURES:
        configs = [small(architecture=name, seed=i, neuron="stochastic") for i in (0, 1)]
        checkpoints.save_generators(trained_in_name(*configs, epochs=2), root / name)
        files = [word for ending in ("safetensors", "pt2") for word in ("-o", str(root / f"{name}.{ending}"))]
        assert run([str(root / name), "--member", configs[1].member_id, *files]) == 0
    return root


def second(folder: Path, name: str) -> Sampler:
    """The sampler of a checkpoint's second member."""
    member = checkpoints.describe(folder / name / "final.safetensors").members[1].member_id
    return find_generator(str(folder / name), results="none", member=member)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_safetensors_holds_the_whole_generator(architecture: str, folder: Path) -> None:
    expected = second(folder, architecture)
    path = folder / f"{architecture}.safetensors"
    found = load_generator(path)
    z = torch.randn(70, 128)
    assert torch.equal(found(z), expected(z))
    assert (found.config, found.epochs_done, found.slope) == (expected.config, 2, 1.1)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        names = set(file.keys())
        scale = file.get_tensor("0.scale")
    assert json.loads(metadata["members"]) == [expected.config.to_dict()]
    assert (metadata["member_id"], metadata["epochs_done"]) == (expected.config.member_id, "2")
    assert float(metadata["slope"]) == 1.1
    assert len(json.loads(metadata["layers"])) == (2 if architecture == "mlp" else 4)
    assert "0.mean" in names
    assert torch.equal(scale, expected.parameters["0.scale"][0])


def test_an_exported_file_stands_for_its_member(folder: Path, tmp_path: Path) -> None:
    """In the other commands, and exported once more."""
    member = second(folder, "mlp").config.member_id
    outputs = [tmp_path / f"{n}.npy" for n in ("of-export", "of-checkpoint", "of-copy")]
    copy = tmp_path / "copy.safetensors"
    exported = str(folder / "mlp.safetensors")
    assert run([exported, "-o", str(copy)]) == 0
    for out, words in zip(outputs, ([exported], [str(folder / "mlp"), "--member", member], [str(copy)]), strict=True):
        assert sample.main([*words, "-n", "20", "-o", str(out)]) == 0
    assert len({out.read_bytes() for out in outputs}) == 1


def test_pt2_needs_torch_alone(folder: Path, tmp_path: Path) -> None:
    """In a fresh process, for one, several and many z."""
    z = torch.randn(600, 128, generator=torch.Generator().manual_seed(3))
    expected = {name: second(folder, name)(z) for name in ARCHITECTURES}
    assert all(p.std() > 0.05 for p in expected.values())
    save_file({"z": z, **expected}, tmp_path / "expected.safetensors")
    code = (
        "import json, sys, torch\n"
        "from safetensors.torch import load_file\n"
        "tensors = load_file(sys.argv[1])\n"
        "z = tensors.pop('z')\n"
        "for name, expected in tensors.items():\n"
        "    files = {'binarygan.json': ''}\n"
        "    module = torch.export.load(f'{sys.argv[2]}/{name}.pt2', extra_files=files).module()\n"
        "    for count in (1, 2, 7, 600):\n"
        "        torch.testing.assert_close(module(z[:count]), expected[:count], rtol=0, atol=1e-5)\n"
        "    assert json.loads(files['binarygan.json'])['epochs_done'] == 2\n"
        "assert not [m for m in sys.modules if m.startswith('binarygan')]\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "expected.safetensors"), str(folder)]
    outcome = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert outcome.returncode == 0, outcome.stderr


def test_a_pt2_holds_one_member_not_its_cohort(folder: Path) -> None:
    numbers = sum(t.numel() for t in load_file(folder / "mlp.safetensors").values())
    assert (folder / "mlp.pt2").stat().st_size < 4 * numbers + 100_000


@pytest.mark.parametrize(("architecture", "norm"), [("mlp", "affine"), ("cnn", "layer")])
def test_other_norms_and_arithmetic(architecture: str, norm: str) -> None:
    config = small(architecture=architecture, generator_norm=norm, dtype="bfloat16")
    sampler = Sampler.of(config, 1, trained_in_name(config, epochs=1).generator.parameters)
    set_arithmetic(tf32=False)  # as where it was trained
    module = torch.export.load(io.BytesIO(pt2_bytes(sampler))).module()
    assert torch.backends.cudnn.conv.fp32_precision == "ieee"
    z = torch.randn(9, 128)
    torch.testing.assert_close(module(z), sampler(z), rtol=0, atol=2e-6)


def test_what_is_no_exported_generator_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DamagedCheckpointError, match="no exported generator"):
        load_generator(folder / "mlp" / "final.safetensors")
    with safe_open(folder / "mlp.safetensors", "pt") as file:
        metadata = file.metadata()
    tensors = load_file(folder / "mlp.safetensors")
    cases = {
        "no 1.mean": (tensors | {"1.mean": None}, metadata),
        "no 0.variance of shape": (tensors | {"0.variance": torch.zeros(3)}, metadata),
        "no 0.weight of shape": (tensors | {"0.weight": tensors["0.weight"][:5].clone()}, metadata),
        "slope is no number": (tensors, metadata | {"slope": "nan"}),
        "is damaged": (tensors, {k: v for k, v in metadata.items() if k != "members"}),
    }
    path = tmp_path / "damaged.safetensors"
    for reason, (own, described) in cases.items():
        save_file({n: t for n, t in own.items() if t is not None}, path, described)
        with pytest.raises(DamagedCheckpointError, match=reason):
            load_generator(path)
        assert run([str(path), "-o", str(tmp_path / "out.pt2")]) == 2
        error = capsys.readouterr().err
        assert reason in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out.pt2").exists()


def test_onnx_names_the_packages_that_it_needs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n.startswith("onnx") else find(n))
    out = tmp_path / "out.onnx"
    assert run([str(folder / "mlp.safetensors"), "-o", str(out)]) == 2
    assert capsys.readouterr().err == (
        "error: an .onnx needs packages that are not installed: pip install onnx onnxscript\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_onnx_gives_the_same(name: str, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    assert run([str(folder / f"{name}.safetensors"), "-o", str(tmp_path / "out.onnx")]) == 0
    session = runtime.InferenceSession(tmp_path / "out.onnx")
    for count in (1, 6):
        z = torch.randn(count, 128)
        [found] = session.run(["preactivated"], {"z": z.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), second(folder, name)(z), rtol=0, atol=1e-5)
