"""What a trial makes of a metric from outside the packages."""

from pathlib import Path

import pytest
from cohorts import cohort, table, train

from analysis.results.load import load_study
from binarygan.errors import UserError
from binarygan.metrics.names import METRICS, metric
from study.store.store import Store


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("binarygan.metrics.evaluation.EVALUATION_SAMPLES", 64)
    monkeypatch.setattr(METRICS, "_parts", dict(METRICS._parts))


def test_its_values_are_stored_and_read(tiny: Path, tmp_path: Path) -> None:
    metric("darkest", "darkest", "ink of the darkest image", "target", light=True)(
        lambda samples, reference: float(samples.images.flatten(1).sum(1).max())
    )
    store = train(tiny, tmp_path, cohort(tiny, 1, epochs=1))
    assert table(store, "members")["darkest"].item() == table(store, "curves")["darkest"].item() > 0
    study = load_study(store.folder)
    assert study.members["darkest"].item() == study.curves()["darkest"].item() > 0
    assert not study.problems


def test_a_wrong_result_fails_the_run_and_says_which_metric(tiny: Path, tmp_path: Path) -> None:
    metric("broken", "broken", "an example", "target", light=True)(lambda samples, reference: None)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="metric 'broken' gave None"):
        train(tiny, tmp_path, cohort(tiny, 1, epochs=1))
    row = table(Store(tmp_path, "s"), "members").iloc[0]
    assert row["status"] == "failed"
    assert row["error"].startswith("UserError: metric 'broken' gave None: it must give a number from 0 to inf, or NaN")
