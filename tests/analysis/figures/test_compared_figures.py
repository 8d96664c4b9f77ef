"""The figures of our own sections: a row for each configuration, and the estimators' gradients by epoch."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_figures import drawn
from made_up import runs

from analysis.figures import FIGURES, scores
from analysis.results.study import Study
from study.store.schemas import SCHEMAS

ESTIMATORS: tuple[dict[str, Any], ...] = (
    {"fid": 12.0},
    {"estimator": "reinmax", "fid": 10.0},
    {"estimator": "identity", "fid": 20.0},
    {"estimator": "gst", "statuses": ["failed"] * 3},
    {"neuron": "deterministic", "fid": 11.0},
)
SBN = {"neuron": "stochastic", "discriminator_norm": "none"}


def test_configurations_stand_by_neuron_the_lowest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study(tmp_path, runs(*ESTIMATORS, **SBN))
    found = drawn("estimators", study)
    axes = found.figure.axes[0]
    papers = "sigmoid-adjusted (the paper's)"
    lines = [label.get_text() for label in axes.get_yticklabels()]
    assert lines == ["DBN", papers, "SBN", "ReinMax", papers, "identity"]
    bands = sorted(
        np.mean(patch.get_extents().transformed(axes.transData.inverted()).intervaly) for patch in axes.patches
    )
    assert np.allclose(bands, [1, 4])
    assert axes.get_ylabel() == "estimator"
    assert f"DBN, {papers}: 11.0 [10.5, 11.5], 3 seeds" in found.alt
    assert found.missing == ["gapped straight-through with SBN: no FID (3 failed)"]
    monkeypatch.setattr(scores, "MOST_OF_GROUP", 1)
    shorter = drawn("estimators", study)
    lines = [label.get_text() for label in shorter.figure.axes[0].get_yticklabels()]
    assert lines == ["DBN", papers, "SBN", "ReinMax", papers]
    assert shorter.missing[-1] == "1 estimators of higher FID with SBN: the table has them"


def test_gradients_are_means_of_the_seeds_that_are_done(tmp_path: Path) -> None:
    members = runs(*ESTIMATORS[:2], statuses=["done", "done", "diverged"], **SBN)
    rows = [
        {"member_id": m["member_id"], "epoch": e, "gradient_cosine": (m["seed"] + 1) / 10, "gradient_variance": 1.0 * e}
        for m in members.to_dict("records")
        for e in (1, 2)
        if m["estimator"] == "reinmax"
    ]
    (tmp_path / "curves").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMAS["curves"]), tmp_path / "curves" / "all.parquet")
    found = drawn("estimators-gradients", Study(tmp_path, members))
    cosine, variance = (axes.lines[0] for axes in found.figure.axes)
    np.testing.assert_allclose(cosine.get_ydata(), [0.15, 0.15])
    np.testing.assert_allclose(variance.get_ydata(), [1, 2])
    assert [len(c.get_segments()) for c in found.figure.axes[0].collections] == [2]
    assert "SBN, ReinMax: cosine 0.150, variance 2.00 at the end." in found.alt
    assert found.missing == ["sigmoid-adjusted with SBN: not measured"]


def test_a_study_without_gradients_has_no_figure_of_them(tmp_path: Path) -> None:
    assert FIGURES["estimators-gradients"].draw(Study(tmp_path, runs(*ESTIMATORS, **SBN))) is None
