"""A metric from outside the packages: what it takes to add one, and what is refused."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from members import small, tiny_reference, trained_in_name

from analysis import labels
from analysis.tables.tables import SECTIONS
from binarygan.errors import UserError
from binarygan.metrics import evaluation
from binarygan.metrics.measured import ImageSet
from binarygan.metrics.names import METRICS, OF_GATES, OF_IMAGES, OF_PREACTIVATED, Metric, columns, metric
from binarygan.metrics.preactivations import of_histogram
from study.search.search import BETTER, EACH_EPOCH
from study.store.schemas import SCHEMAS

OUTSIDE = """
from binarygan.metrics.names import metric

calls = []

def rows(images):
    calls.append(images)
    return images.images.any(2).sum(1)

@metric("inked_rows", "rows", "rows with ink an image", "target", light=True, most=28)
def inked_rows(samples, reference):
    return float(samples.of(rows).float().mean() - 0 * reference.of(rows).float().mean())

@metric("tallest", "tallest", "rows of the tallest image", "higher", counted=True)
def tallest(samples, reference):
    return float(samples.of(rows).max())

@metric("preactivated_zeros", "zeros", "share of the first bin", "target", light=True, of="preactivated")
def zeros(histogram):
    return float(histogram.counts[0] / histogram.counts.sum())
"""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is registered is forgotten again."""
    monkeypatch.setattr(METRICS, "_parts", dict(METRICS._parts))


@pytest.fixture
def outside(registry: None, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "outside.py").write_text(OUTSIDE)
    return runpy.run_path(str(tmp_path / "outside.py"))


@pytest.mark.usefixtures("small_population")
def test_a_metric_from_outside_is_measured_and_has_its_columns(
    outside: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "EVALUATION_SAMPLES", 64)
    member, reference = trained_in_name(small(neuron="real"), epochs=1), tiny_reference()
    full, light = (evaluation.evaluate(member, 0, reference, full=f).metrics for f in (True, False))
    assert (list(full), list(light)) == (list(columns(light=False)), list(columns(light=True)))
    assert {name for name, value in full.items() if value is None} == {m.name for m in OF_GATES}
    assert {"inked_rows", "inked_rows_bernoulli", "preactivated_zeros"} <= light.keys() < full.keys()
    assert {"tallest", "tallest_bernoulli"} <= full.keys() - light.keys()
    assert len(outside["calls"]) == 5, "once for each set of samples and once for the reference"


def test_what_was_imported_before_knows_it(registry: None, tmp_path: Path) -> None:
    before, tables = SCHEMAS["members"].names, dict(SECTIONS)
    (tmp_path / "outside.py").write_text(OUTSIDE)
    runpy.run_path(str(tmp_path / "outside.py"))
    names = SCHEMAS["members"].names
    assert [n for n in names if n in before] == before, "the other columns stay in order"
    assert set(names) - set(before) == {
        *("inked_rows", "inked_rows_bernoulli", "tallest", "tallest_bernoulli", "preactivated_zeros"),
    }
    assert set(columns(light=True)) < set(SCHEMAS["curves"].names)
    assert labels.COLUMNS["inked_rows"] == "rows"
    assert labels.MEANINGS["inked_rows"] == "rows with ink an image"
    assert BETTER["tallest"] == "higher"
    assert "inked_rows" in EACH_EPOCH
    assert "tallest" not in EACH_EPOCH
    others = tables.get("others", ("", ()))[1]
    assert SECTIONS["others"][1] == (*others, "inked_rows", "tallest")


def test_a_notebooks_cell_may_run_again(registry: None) -> None:
    for value in (1.0, 2.0):

        @metric("again", "again", "an example", "target")
        def again(samples: Any, reference: Any, value: float = value) -> float:
            return value

    assert METRICS["again"].measure(None, None) == 2.0


def test_two_lambdas_are_not_one(registry: None) -> None:
    metric("again", "again", "an example", "target")(lambda *_: 1.0)
    with pytest.raises(UserError, match="results have a column 'again' already"):
        metric("again", "again", "an example", "target")(lambda *_: 2.0)


def half(*_: Any) -> float:
    return 0.5


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fid", "results have a column 'fid' already"),
        ("seed", "results have a column 'seed' already"),
        ("status", "results have a column 'status' already"),
        ("epoch", "results have a column 'epoch' already"),
        ("fid_bernoulli", "no ending _bernoulli"),
        ("two words", "letters, digits and _ alone"),
    ],
)
def test_a_name_that_is_taken_is_refused(registry: None, name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        metric(name, "label", "meaning", "lower")(half)


def test_columns_may_not_take_a_metrics_name_either(registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METRICS, "_others", set(METRICS._others))
    with pytest.raises(UserError, match="metric 'fid': results have a column 'fid_bernoulli' already"):
        METRICS.reserve(["fid_bernoulli"])


def test_a_wrong_declaration_is_refused(registry: None) -> None:
    with pytest.raises(UserError, match="better is one of lower, higher, target"):
        metric("new", "new", "an example", "less")(half)
    with pytest.raises(UserError, match="light=True"):
        metric("new", "new", "an example", "lower", of="preactivated")(half)
    with pytest.raises(TypeError, match="lightly"):
        metric("new", "new", "an example", "lower", lightly=True)(half)
    with pytest.raises(UserError, match="metric 'precison' is unknown: did you mean 'precision'"):
        METRICS["precison"]


@pytest.mark.parametrize("result", [None, torch.tensor(0.5), float("inf"), 1.01, -0.01, "0.5", True, [0.5]])
def test_a_result_that_is_no_number_is_one_clear_line(result: Any) -> None:
    made = Metric("new", "new", "an example", "target", most=1, compute=lambda *_: result)
    with pytest.raises(UserError, match=r"metric 'new' gave .*: it must give a number from 0 to 1, or NaN") as error:
        made.measure(None, None)
    assert str(error.value).count("\n") == 0


@pytest.mark.parametrize("result", [0, 1, 0.5, 1 + 1e-9, -1e-9, float("nan")])
def test_rounding_and_nan_are_no_error(result: float) -> None:
    made = Metric("new", "new", "an example", "target", most=1, compute=lambda *_: result)
    assert made.measure(None, None) == pytest.approx(result, nan_ok=True)


@pytest.mark.parametrize(
    "images", [lambda: torch.zeros(64, 28, 28, dtype=torch.bool), lambda: torch.ones(64, 28, 28, dtype=torch.bool)]
)
def test_what_a_collapsed_generator_gives_is_in_range(images: Callable[[], torch.Tensor]) -> None:
    samples, reference = ImageSet(images()), tiny_reference()
    for one in OF_IMAGES:
        one.measure(samples, reference)
    for values in (torch.zeros(1), torch.ones(3), torch.tensor([])):
        counts = torch.histc(values, 1000, 0, 1).long()
        assert len(of_histogram(counts)) == len(OF_PREACTIVATED)
