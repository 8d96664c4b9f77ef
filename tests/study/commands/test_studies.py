"""`python -m study`: studies listed, shown, renamed and deleted, as their user has it."""

import io
import json
import subprocess
from pathlib import Path

import pytest
from running import ROOT, Outcome, assert_refused, here

from analysis import load_study
from study.__main__ import main as study_main
from study.store.lock import NAME, _holder, is_held, only_writer
from study.store.store import Store
from study.store.take_over import take_over


def study(*words: object) -> Outcome:
    return here(*words, program=study_main)


@pytest.fixture(scope="module")
def trained(batch: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two studies side by side in one results folder: a sweep and a grid."""
    root = tmp_path_factory.mktemp("results")
    same = ["--epochs", 1, "--data", batch, "--results", root, "--executor", "local"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("binarygan.metrics.evaluation.EVALUATION_SAMPLES", 64)
        for words in (["--sweep", "neuron=real,stochastic", "--study", "mine"], ["--grid", "paper-real-valued"]):
            assert here(*words, *same).returncode == 0
    return root


@pytest.fixture
def root(trained: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(trained, tmp_path / "results"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_they_are_listed_and_shown(root: Path) -> None:
    lines = study("list", root).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["mine", "paper-real-valued"]
    assert "2 done" in lines[0]
    assert "grid paper-real-valued" in lines[1]
    said = study("show", root / "mine").stdout
    assert "neuron: real, stochastic" in said or "neuron: stochastic, real" in said
    assert f"python study/run.py --file {root / 'mine' / 'study.toml'}" in said
    published = study("list", ROOT / "published").stdout
    assert "63 done" in published


def test_a_study_is_shown_with_its_parameters_in_order_and_its_claims(root: Path) -> None:
    store = Store(root, "mine")
    for i, (member_id, row) in enumerate(store.statuses().items()):
        own = {"seed": 10 - i, "part_parameters": f'{{"estimator.temperature": {0.5 + i}}}'}
        store.write("members", member_id, [row | own])
    with (store.folder / "study.toml").open("a") as file:
        claim = 'metric = "fid"\nruns = {neuron = "real"}\nis = "below"\nby = 9.0\n'
        file.write(f'[[claims]]\nsays = "Real values are best."\n{claim}')
    said = study("show", root / "mine").stdout
    assert "  seed: 9, 10\n" in said
    assert "  estimator.temperature: 0.5, 1.5\n" in said
    assert "  claim: Real values are best.\n" in said
    assert "part_parameters" not in said


def test_a_run_that_nobody_trains_is_interrupted_not_running(root: Path) -> None:
    store = Store(root, "mine")
    member_id, row = next(iter(store.statuses().items()))
    store.write("members", member_id, [row | {"status": "running"}])
    assert "1 done, 1 interrupted" in study("list", root).stdout
    with only_writer(store.folder):
        assert "1 done, 1 running" in study("show", root / "mine").stdout
    with subprocess.Popen(["sleep", "60"]) as other:  # killed, so that its entry stays
        entry = _holder() | {"pid": other.pid}
        (store.folder / NAME).write_text(json.dumps(entry))
        assert is_held(store.folder)
        other.kill()
    assert not is_held(store.folder)
    (store.folder / NAME).write_text(json.dumps(entry | {"machine": "another"}))
    assert is_held(store.folder)


def test_the_file_that_is_shown_repeats_the_study(root: Path, tmp_path: Path) -> None:
    again = here("--file", root / "mine" / "study.toml", "--results", tmp_path / "again", "--executor", "local")
    assert again.returncode == 0, again.stderr
    assert set(Store(tmp_path / "again", "mine").ids()) == set(Store(root, "mine").ids())


def test_a_renamed_study_goes_on_under_its_new_name(root: Path, batch: Path) -> None:
    other = contents(root / "paper-real-valued")
    assert study("rename", root / "mine", "yours").returncode == 0
    assert not (root / "mine").exists()
    found = load_study(root / "yours")
    assert set(found.members["study"]) == {"yours"}
    assert (Store(root, "yours").description() or {})["study"] == "yours"
    words = ["--sweep", "neuron=real,stochastic", "--study", "yours", "--epochs", 1, "--data", batch]
    outcome = here(*words, "--results", root, "--executor", "local")
    assert "2 done" in outcome.stdout
    assert "to train" not in outcome.stdout
    assert contents(root / "paper-real-valued") == other


def test_a_name_may_have_any_letters(root: Path) -> None:
    assert study("rename", root / "mine", "étude").returncode == 0
    assert (root / "étude" / "study.toml").read_text().startswith('name = "étude"\nshows')


def test_a_study_is_deleted_when_that_is_meant_and_nothing_else(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Store(root, "copy")
    copy.create()
    assert len(take_over(copy, Store(root, "mine").ids()[:1], trust_dirty=True).usable) == 1
    lost = "it keeps the rows, and loses generators and training states"
    assert lost not in study("delete", root / "copy", "--yes").stdout, "the study that trained them has them"
    copy.create()
    assert len(take_over(copy, Store(root, "mine").ids()[:1], trust_dirty=True).usable) == 1
    other = contents(root / "paper-real-valued")
    for answer, deleted in (("n\n", False), ("\n", False), ("y\n", True)):
        asked = io.StringIO(answer)
        asked.isatty = lambda: True  # type: ignore[method-assign]
        monkeypatch.setattr("sys.stdin", asked)
        outcome = study("delete", root / "mine")
        assert "2 done" in outcome.stdout
        said = "copy has 1 run of this study, too: it keeps the rows, and loses generators and training states"
        assert said in outcome.stdout
        assert "Delete it for good? [y/N]" in outcome.stdout
        assert (outcome.returncode == 0, (root / "mine").exists()) == (deleted, not deleted)
    assert contents(root / "paper-real-valued") == other


def test_what_is_not_a_studys_is_never_removed(root: Path, tmp_path: Path) -> None:
    own, linked = root / "mine", tmp_path / "linked"
    linked.symlink_to(own)
    assert_refused(study("delete", own), "nobody here to ask whether to delete")
    assert_refused(study("delete", linked, "--yes"), "is a link: name the folder that it leads to")
    assert_refused(study("delete", root, "--yes"), "holds no study")
    assert_refused(study("rename", own, "../elsewhere"), "is no name of a folder")
    assert_refused(study("rename", own, "paper-real-valued"), "exists: choose another name")
    assert_refused(study("show", root / "nothing"), "holds no study")
    (own / "thesis.txt").write_text("chapter one")
    assert_refused(study("delete", own, "--yes"), "holds what is no study's (thesis.txt): move that away first")
    (own / "thesis.txt").unlink()
    with only_writer(own):
        assert_refused(study("delete", own, "--yes"), "")
    assert len(Store(root, "mine").ids()) == 2
