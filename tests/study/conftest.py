"""What several tests of studies train on, and what keeps them quick and independent of this repository's state."""

from pathlib import Path

import pytest
from running import write_digits


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """128 real digits: two iterations an epoch."""
    return write_digits(tmp_path_factory.mktemp("data") / "digits.npy", 128)


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations take less time: what they measure is not what is tested."""
    monkeypatch.setattr("binarygan.metrics.evaluation.EVALUATION_SAMPLES", 256)


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows say that the code was committed, even while somebody changes it."""
    monkeypatch.setattr("study.store.provenance.git_commit", lambda: "0" * 40)
