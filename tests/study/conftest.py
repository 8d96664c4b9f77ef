"""What keeps tests of studies quick, and independent of this repository's state."""

import shutil
from pathlib import Path

import pytest
from running import ROOT


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations take less time: what they measure is not what is tested."""
    monkeypatch.setattr("binarygan.metrics.evaluation.EVALUATION_SAMPLES", 256)
    monkeypatch.setattr("binarygan.training.gradient_quality.EXAMPLES", 1)
    monkeypatch.setattr("binarygan.training.gradient_quality.SAMPLES", 2)


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows say that the code was committed, even while somebody changes it."""
    monkeypatch.setattr("study.store.provenance.git_commit", lambda: "0" * 40)


@pytest.fixture
def checkouts(tmp_path: Path) -> tuple[Path, Path]:
    """Another checkout than the one that is installed, and a user's folder with files of our packages' names."""
    called, user = tmp_path / "B", tmp_path / "user"
    for package in ("binarygan", "study"):
        shutil.copytree(ROOT / package, called / package, ignore=shutil.ignore_patterns("__pycache__"))
    user.mkdir()
    for name in ("study.py", "binarygan.py"):
        (user / name).write_text("raise SystemExit('this is no part of the project')\n")
    return called, user
