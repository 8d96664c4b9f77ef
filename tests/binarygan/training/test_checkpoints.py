"""Checkpoints: one file each, whole or refused."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from members import small, trainer
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from upath import UPath

from binarygan.config import MemberConfig
from binarygan.io.files import AnyPath
from binarygan.training import checkpoints
from binarygan.training.checkpoints import DamagedCheckpointError
from binarygan.training.trainer import Trainer

NEURONS = ("stochastic", "deterministic", "real")


def members(count: int, **choices: object) -> list[MemberConfig]:
    """Members of few parameters."""
    base = small(architecture="cnn", latent_size=1, **({"objective": "wgan"} | choices))
    return [dataclasses.replace(base, neuron=NEURONS[i % 3], seed=i) for i in range(count)]


@pytest.fixture(scope="module", params=["wgan", "wgan-gp"], ids=["rmsprop", "adam"])
def cohort(request: pytest.FixtureRequest) -> Trainer:
    """Three members after one epoch."""
    made = trainer(*members(3, objective=request.param))
    made.train_epoch()
    return made


@pytest.fixture(scope="module")
def one() -> Trainer:
    """One member after one epoch."""
    made = trainer(*members(1))
    made.train_epoch()
    return made


@pytest.fixture(scope="module")
def fresh(one: Trainer) -> Trainer:
    """What refused files are read for."""
    return trainer(*one.configs)


@pytest.fixture(params=["disk", "object store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    return tmp_path / "cohort" if request.param == "disk" else UPath(f"memory://{tmp_path.name}/cohort")


def names(folder: AnyPath) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


def test_save_then_restore_is_the_identity(cohort: Trainer, folder: AnyPath) -> None:
    checkpoints.save(cohort, folder)
    assert names(folder) == ["epoch-00001.safetensors"]
    assert checkpoints.saved_members(folder) == list(cohort.configs)
    fresh = trainer(*cohort.configs)
    assert checkpoints.restore(fresh, folder)
    assert fresh.epochs_done == 1
    assert_equal(fresh.state(), cohort.state())
    with pytest.raises(DamagedCheckpointError, match="of other members"):
        checkpoints.restore(trainer(*reversed(cohort.configs)), folder)


def test_nothing_there(one: Trainer, folder: AnyPath) -> None:
    assert not checkpoints.restore(one, folder)
    assert checkpoints.saved_members(folder) is None
    checkpoints.keep_generators(folder)
    checkpoints.split(folder, {folder / "part": [0]})
    assert not folder.exists()


def test_older_ones_go_when_the_new_one_is_there(one: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    for left in (".partial-epoch-00002.safetensors-0123abcd", "epoch-00007.safetensors"):
        (tmp_path / left).write_bytes(b"of a killed process")
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "write_tensors", fail)
        for write in (checkpoints.save, checkpoints.save_generators):
            with pytest.raises(OSError, match="no space"):
                write(one, tmp_path)
    assert "epoch-00007.safetensors" in names(tmp_path)
    checkpoints.save(one, tmp_path)
    assert names(tmp_path) == ["epoch-00001.safetensors"]
    (tmp_path / ".partial-final.safetensors-0123abcd").write_bytes(b"")
    checkpoints.save_generators(one, tmp_path)
    assert "epoch-00001.safetensors" in names(tmp_path), "until the rows are written"
    checkpoints.forget_epochs(tmp_path)
    assert names(tmp_path) == ["final.safetensors"]


def test_the_newest_is_the_highest_number(tmp_path: Path) -> None:
    for number in ("99999", "100000"):
        (tmp_path / f"epoch-{number}.safetensors").touch()
    newest = checkpoints.newest_epoch(tmp_path)
    assert newest is not None
    assert newest.name == "epoch-100000.safetensors"


def test_the_generators_that_are_left(cohort: Trainer, folder: AnyPath, tmp_path: Path) -> None:
    """By `safetensors` itself; a cohort that is stopped leaves what one at its end does."""
    finished, stopped = folder / "finished", folder / "stopped"
    checkpoints.save_generators(cohort, finished)
    checkpoints.save(cohort, stopped)
    checkpoints.keep_generators(stopped)
    for left in (finished, stopped):
        assert names(left) == ["final.safetensors"]
        (tmp_path / "copy").write_bytes((left / "final.safetensors").read_bytes())
        with safe_open(tmp_path / "copy", "pt") as file:
            metadata = file.metadata()
            assert_equal({n: file.get_tensor(n) for n in file.keys()}, cohort.generator.parameters)  # noqa: SIM118
        assert metadata["epochs_done"] == "1"
        assert json.loads(metadata["members"]) == [c.to_dict() for c in cohort.configs]
    for kind in (checkpoints.save, checkpoints.save_generators):
        kind(cohort, folder / "either")
        [path] = (folder / "either").iterdir()
        own = checkpoints.saved_generator(path, 2)
        assert_equal(own, {n: p[2:3] for n, p in cohort.generator.parameters.items()})
        path.unlink()


def test_generators_of_more_epochs_are_kept(one: Trainer, tmp_path: Path) -> None:
    """A process that was killed between writing `final` and dropping the rest."""
    checkpoints.save_generators(one, tmp_path)
    longest = (tmp_path / "final.safetensors").read_bytes()
    early = trainer(*one.configs)
    checkpoints.save(early, tmp_path)
    checkpoints.keep_generators(tmp_path)
    assert names(tmp_path) == ["final.safetensors"]
    assert (tmp_path / "final.safetensors").read_bytes() == longest


def test_split_shares_the_members_out(cohort: Trainer, folder: AnyPath) -> None:
    checkpoints.save(cohort, folder / "whole")
    parts = {folder / "a": [2, 0], folder / "b": [1]}
    checkpoints.split(folder / "whole", parts)
    assert not list((folder / "whole").glob("*"))
    for part, indices in parts.items():
        own = trainer(*(cohort.configs[i] for i in indices))
        assert checkpoints.restore(own, part)
        expected = {name: t if t.dim() == 0 else t[indices] for name, t in cohort.state().items()}
        assert_equal(own.state(), expected)


def remade(path: Path, tensors: dict[str, Tensor], **metadata: object) -> None:
    """The checkpoint with other tensors, or another description."""
    with safe_open(path, "pt") as file:
        own = {n: file.get_tensor(n) for n in file.keys()}  # noqa: SIM118
        described = file.metadata()
    given = {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()}
    described = {k: v for k, v in (described | given).items() if v != "null"}
    save_file({n: t for n, t in (own | tensors).items() if t is not None}, path, described)


def with_header(path: Path, header: bytes) -> None:
    path.write_bytes(len(header).to_bytes(8, "little") + header)


WEIGHT, SQUARE = "generator.0.weight", "discriminator.0.weight.mean_square"
STAND_IN = torch.zeros(1, 3)
DESCRIPTIONS: dict[str, dict[str, object]] = {
    "no members": {"members": None},
    "members are a number": {"members": 3},
    "members are an object": {"members": {"a": 1}},
    "no member at all": {"members": []},
    "a member is a list": {"members": [[1]]},
    "a member lacks everything": {"members": [{}]},
    "a huge number": {"members": [small().to_dict() | {"learning_rate": 10**400}]},
    "nested": {"members": "[" * 100_000},
    "another cohort": {"members": [c.to_dict() for c in (small(), small(latent_size=2))]},
    "no epochs": {"epochs_done": None},
    "epochs are negative": {"epochs_done": "-1"},
    "epochs are a fraction": {"epochs_done": "1.5"},
    "epochs are true": {"epochs_done": "true"},
    "epochs beyond the end": {"epochs_done": "21"},
    "epochs of many digits": {"epochs_done": "9" * 5000},
}
TENSORS: dict[str, dict[str, Tensor | None]] = {
    "a weight is missing": {WEIGHT: None},
    "a weight is of another shape": {WEIGHT: STAND_IN},
    "a weight is of two members": {WEIGHT: torch.zeros(2, 1, 128, 2, 2)},
    "a weight is of integers": {WEIGHT: torch.zeros(1, 1, 128, 2, 2, dtype=torch.int32)},
    "a state is missing": {SQUARE: None},
    "a state is of another shape": {SQUARE: STAND_IN},
}


@pytest.mark.parametrize("case", [*DESCRIPTIONS, *TENSORS])
def test_what_does_not_fit_is_refused(case: str, one: Trainer, fresh: Trainer, tmp_path: Path) -> None:
    checkpoints.save(one, tmp_path)
    path = tmp_path / "epoch-00001.safetensors"
    remade(path, TENSORS.get(case, {}), **DESCRIPTIONS.get(case, {}))  # type: ignore[arg-type]
    with pytest.raises(DamagedCheckpointError) as caught:
        checkpoints.restore(fresh, tmp_path)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)
    assert (checkpoints.saved_members(tmp_path) is None) == (case in DESCRIPTIONS)
    if case in DESCRIPTIONS or WEIGHT in TENSORS[case]:
        with pytest.raises(DamagedCheckpointError):
            checkpoints.keep_generators(tmp_path)
        assert names(tmp_path) == [path.name]
    if case in DESCRIPTIONS:
        checkpoints.split(tmp_path, {tmp_path / "part": [0]})
        assert not (tmp_path / "part").exists()


def test_a_count_of_steps_that_is_none(tmp_path: Path) -> None:
    made = trainer(*members(1, objective="wgan-gp", critic_steps=1))
    made.train_epoch()
    for steps in (float("nan"), -1.0, 0.0, 1e30):
        checkpoints.save(made, tmp_path)
        path = tmp_path / "epoch-00001.safetensors"
        remade(path, {name: torch.tensor(steps) for name in load_file(path) if name.endswith(".step")})
        with pytest.raises(DamagedCheckpointError, match="counts no steps"):
            checkpoints.restore(made, tmp_path)


def test_bytes_that_are_no_checkpoint(one: Trainer, fresh: Trainer, tmp_path: Path) -> None:
    checkpoints.save(one, tmp_path)
    path = tmp_path / "epoch-00001.safetensors"
    whole = path.read_bytes()

    def refused() -> None:
        with pytest.raises(DamagedCheckpointError, match="epoch-00001"):
            checkpoints.restore(fresh, tmp_path)
        assert checkpoints.saved_members(tmp_path) is None

    for content in (
        *(whole[:length] for length in (0, 5, 8, 100, len(whole) // 2, len(whole) - 1)),
        whole + b"more",
        b"\xff" * 1000,
    ):
        path.write_bytes(content)
        refused()
    headers = [
        *(b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"a": 1}', b'{"a": {"data_offsets": [0]}}', b"[" * 100_000),
        b'{"__metadata__": [1]}',
        b'{"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 0]}}',
        b'{"a": {"dtype": "F32", "shape": [9223372036854775808, 0], "data_offsets": [0, 0]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, "0"]}}',
    ]
    for header in headers:
        with_header(path, header)
        refused()
