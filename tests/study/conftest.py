"""What keeps tests of studies quick, and independent of this repository's state."""

import pytest


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
