"""Each example trains at small size by the command that its first lines and the documents give."""

import re
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, here, plugins_forgotten, write_digits

from study.store.store import Store
from study.store.study_file import NAME, read_study_file

FILES = sorted((ROOT / "examples").glob("*.toml"))
STUDIES = ROOT / "docs" / "studies.md"
SMALL = ["--executor", "local", "--epochs", 2, "--seeds", 1, "--set", "critic_schedule=constant"]


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("path", [f for f in FILES if not read_study_file(f).search], ids=lambda path: path.stem)
def test_an_example_trains_what_it_says(path: Path, batch: Path, tmp_path: Path) -> None:
    said = re.search(r"^#     python study/run\.py (.+)$", path.read_text(), re.MULTILINE)
    assert said is not None
    words = [str(ROOT / word) if (ROOT / word).is_file() else word for word in said[1].split()]
    with plugins_forgotten():
        outcome = here(*words, *SMALL, "--data", batch, "--results", tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    file = read_study_file(path)
    store = Store(tmp_path, file.name)
    kept = read_study_file(store.folder / NAME)
    assert {row["status"] for row in store.statuses().values()} == {"done"}
    assert len(store.statuses()) == len(kept.configurations)
    assert kept.claims == file.claims


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("path", [f for f in FILES if read_study_file(f).search], ids=lambda path: path.stem)
def test_an_example_of_a_search_is_planned(path: Path, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    data = write_digits(tmp_path / "d.npy", 128)
    outcome = here(
        "--file", path, "--plan", "--trials", 1, "--epochs", 2, "--data", data, "--results", tmp_path / "results"
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "estimator.temperature" in outcome.stdout
    assert not list((tmp_path / "results").iterdir())


def test_the_documents_show_the_files_that_ship() -> None:
    text = STUDIES.read_text()
    shown = re.findall(r"<!-- file: (\S+) -->\n```toml\n(.*?)```", text, re.DOTALL)
    assert shown
    for name, content in shown:
        assert content == (ROOT / name).read_text()
    for name in re.findall(r"examples/\w+\.\w+", text):
        assert (ROOT / name).is_file()


def test_the_programs_of_the_documents_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is made small, so that it takes seconds."""
    monkeypatch.chdir(ROOT)
    training, reading = re.findall(r"```python\n(.*?)```", STUDIES.read_text(), re.DOTALL)
    small = training.replace("epochs=2", "epochs=1, train_images=64").replace("10_000", "100")
    assert small.count("64") == small.count("(bits)") == 1
    found: dict[str, Any] = {}
    exec(small, found)
    assert found["bits"].shape == (100, 28, 28)
    exec(reading, found)
    assert found["study"].samples(found["member_id"]).bits.shape == (64, 28, 28)
    assert len(found["edges"]) == len(found["counts"]) + 1
