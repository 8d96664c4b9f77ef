"""What a trial makes of a metric from outside the packages."""

from pathlib import Path
from typing import Any

import pytest
from cohorts import cohort, table, train

from analysis.results.load import load_study
from binarygan.errors import UserError
from binarygan.metrics.names import METRICS, metric
from study.commands.studies import rename_study
from study.commands.summary import summarize
from study.publish import publish
from study.store.store import Store
from study.store.take_over import measured_otherwise, take_over


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


def darkest(samples: Any, reference: Any) -> float:
    return float(samples.images.flatten(1).sum(1).max())


def test_its_numbers_outlive_commands_that_do_not_know_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a study that is renamed, published, gone on with, or taken over, without its plugin."""
    with monkeypatch.context() as known:
        known.setattr(METRICS, "_parts", dict(METRICS._parts))
        metric("darkest", "darkest", "an example", "target", light=True)(darkest)
        store = train(tiny, tmp_path, cohort(tiny, 1, epochs=2))
        value = table(store, "members")["darkest"].item()
        assert value > 0
    store.append("curves", store.ids()[0], store.read("curves", store.ids()[0])[-1] | {"darkest": None})
    other = _neighbour(tmp_path)
    assert len(take_over(other, store.ids(), trust_dirty=True).usable) == 1
    rename_study(str(tmp_path / "s"), "named")
    publish([tmp_path / "named"], tmp_path / "published" / "one")
    rename_study(str(tmp_path / "published" / "one"), "two")
    metric("darkest", "darkest", "an example", "target", light=True)(darkest)
    for folder in (other.folder, tmp_path / "named", tmp_path / "published" / "two"):
        study = load_study(Path(str(folder)))
        assert study.members["darkest"].tolist() == [value]
        assert study.curves()["darkest"].iloc[0] > 0


def _neighbour(root: Path) -> Store:
    store = Store(root, "other")
    store.create()
    return store


def test_a_run_that_it_did_not_measure_as_it_is_now_is_not_taken_over(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = cohort(tiny, 1, epochs=1)
    plain = train(tiny, tmp_path, whole, "plain")
    ids = plain.ids()
    metric("darkest", "darkest", "an example", "target", light=True)(darkest)
    assert not take_over(_neighbour(tmp_path), ids, trust_dirty=True).usable
    said = "warning: 1 run of 1 done without darkest as its plugin is now: a study of another name trains them anew\n"
    summarize(plain, whole.members)
    assert said in capsys.readouterr().out
    assert measured_otherwise({"versions": "[no JSON"}) == measured_otherwise({"versions": None}) == ["darkest"]
    measured = train(tiny, tmp_path / "second", whole)
    assert len(take_over(_neighbour(tmp_path / "second"), ids, trust_dirty=True).usable) == 1
    summarize(measured, whole.members)
    assert "warning" not in capsys.readouterr().out
    monkeypatch.setattr("binarygan.metrics.names.source_digest", lambda _: "0123")
    third = Store(tmp_path / "second", "third")
    third.create()
    assert not take_over(third, ids, trust_dirty=True).usable
    summarize(measured, whole.members)
    assert said in capsys.readouterr().out
