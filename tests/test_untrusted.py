"""Files from elsewhere run no code: nothing that could is called anywhere."""

import ast
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from malicious import Malicious

from analysis.results.load import load_study
from binarygan.cli.evaluate import load_samples
from binarygan.data.images import load_images
from binarygan.errors import UserError
from binarygan.training import checkpoints
from study.store.store import Store

ROOT = Path(__file__).parents[1]
SOURCES = [p for k in ("binarygan", "study", "analysis", "benchmarks") for p in (ROOT / k).rglob("*.py")]
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "yaml"}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "pickle.load", "torch.jit.load", "pd.read_pickle"}


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def dangers(source: str) -> list[str]:
    """What in a source could run what a file says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in MODULES]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(str(node.module))
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            unsafe = {
                "torch.load": given.get("weights_only") is not True,
                "np.load": given.get("allow_pickle") is not False,
                "numpy.load": given.get("allow_pickle") is not False,
            }
            if name in CALLS or unsafe.get(name) or given.get("shell") is True:
                found.append(f"{name} in line {node.lineno}")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_source_can_run_what_a_file_says(path: Path) -> None:
    assert not dangers(path.read_text())


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from dill import load",
        "torch.load(p)",
        "torch.load(p, weights_only=False)",
        "np.load(p)",
        "eval(x)",
        "subprocess.run(x, shell=True)",
        "import yaml",
    ],
)
def test_the_search_for_dangers_finds_them(line: str) -> None:
    assert dangers(line)


def test_malicious_files_are_refused_and_run_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    pickled = pickle.dumps(Malicious(mark))
    array = np.empty(1, object)
    array[0] = Malicious(mark)
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    np.savez(tmp_path / "a.npz", bits=array)
    (tmp_path / "p.npy").write_bytes(pickled)
    for name in ("a.npy", "p.npy"):
        with pytest.raises(UserError):
            load_images(str(tmp_path / name))
    for name in ("a.npy", "a.npz", "p.npy"):
        with pytest.raises(UserError):
            load_samples(tmp_path / name)
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    torch.save({"x": Malicious(mark)}, folder / "epoch-00001.safetensors")
    assert checkpoints.saved_members(folder) is None
    (folder / "epoch-00001.safetensors").write_bytes(pickled)
    assert checkpoints.saved_members(folder) is None
    members = tmp_path / "s" / "members"
    members.mkdir(parents=True)
    (members / "m.parquet").write_bytes(pickled)
    with pytest.raises(UserError):
        Store(tmp_path, "s").statuses()
    with pytest.raises(UserError):
        load_study(tmp_path / "s")
    assert not mark.exists()


@pytest.mark.parametrize("name", [".partial", ".lock", "members", "optuna-journal.log", "checkpoints/c"])
def test_no_link_in_a_study_leads_a_run_out_of_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    (tmp_path / "results" / "s" / "checkpoints").mkdir(parents=True)
    (tmp_path / "results" / "s" / name).symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match="is a link"):
        Store(tmp_path / "results", "s").create()
    (tmp_path / "results" / "s" / name).unlink()
    (tmp_path / "results" / "link").symlink_to(tmp_path / "results" / "s")  # the folder itself may lie elsewhere
    Store(tmp_path / "results", "link").create()
    assert (tmp_path / "precious" / "file").exists()


def test_a_pipe_among_the_files_is_passed_by(tmp_path: Path) -> None:
    store = Store(tmp_path, "s")
    store.create()
    os.mkfifo(store.folder / "members" / "m.parquet")
    assert store.statuses() == {}


def test_a_mark_would_be_seen(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Malicious(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()
