"""A grid of parts from outside, from command to report: trained, stored, resumed, sampled, reported."""

import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
from running import assert_refused, command, here, plugins_forgotten

from analysis.__main__ import main as analysis
from analysis.figures import FIGURES
from binarygan.cli.sample import main as sample
from binarygan.config import MemberConfig
from binarygan.metrics.names import METRICS
from binarygan.model.neurons import NEURONS
from binarygan.plugins import load_plugins
from study.design.grids import GRIDS
from study.store.store import Store, config_of
from study.store.take_over import trained_elsewhere

PLUGIN = Path(__file__).parent / "outside_parts.py"


@pytest.fixture(scope="module")
def results(batch: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that was cut off after its first run, then gone on with."""
    folder = tmp_path_factory.mktemp("outside")
    options = ["--plugin", PLUGIN, "--grid", "outside", "--executor", "local", "--epochs", 2]
    options += ["--data", batch, "--results", folder / "results"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("binarygan.metrics.evaluation.EVALUATION_SAMPLES", 256)
        first, whole, again = (here(*options, *more) for more in (["--only", "neuron=logistic"], [], []))
    assert first.returncode == 0, first.stderr
    assert whole.returncode == 0, whole.stderr
    assert "5 members, 4 trials to train" in whole.stdout
    assert "5 done" in again.stdout
    assert "to train" not in again.stdout
    return folder / "results" / "outside"


def test_every_part_is_stored_with_its_parameters_and_source(results: Path) -> None:
    rows = duckdb.sql(
        "select neuron, estimator, objective, architecture, generator_norm, part_parameters, part_sources, engine, "
        f"status, epochs_done, blank_share from '{results}/members/*.parquet' order by part_parameters"
    ).fetchall()
    assert {row[8:10] for row in rows} == {("done", 2)}
    named = {name for row in rows for name in row[:5]}
    assert named >= {"logistic", "clipped-identity", "hinge-r1", "deep-mlp", "rms"}
    assert '{"neuron.temperature": 0.5}' in {row[5] for row in rows}
    assert all(len(row[6]) > 20 for row in rows)
    assert {row[2]: row[7] for row in rows}["hinge-r1"] == "reference"
    assert {row[3]: row[7] for row in rows}["deep-mlp"] == "reference"
    assert {row[0]: row[7] for row in rows}["logistic"] == "analytic"
    assert all(0 <= row[10] <= 1 for row in rows)


def test_a_neuron_from_outside_is_sampled_by_its_own_rule(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [[member]] = duckdb.sql(f"select member_id from '{results}/members/*.parquet' where neuron = 'logistic'").fetchall()
    drawn = []
    for seed in (0, 1):
        out = results.parent / f"samples-{seed}.npy"
        words = [member, "--results", results.parent, "-n", 64, "-o", out, "--seed", seed]
        assert here(*words, "--plugin", PLUGIN, program=sample).returncode == 0
        drawn.append(np.load(out))
    assert set(np.unique(drawn[0])) <= {0, 1}
    assert (drawn[0] != drawn[1]).any()
    monkeypatch.delitem(NEURONS._parts, "logistic")
    assert_refused(here(*words, program=sample), member)


def test_the_report_has_the_figure_the_metric_and_the_labels(results: Path) -> None:
    out = results.parent / "report"
    outcome = here("report", results, "--out", out, "--plugin", PLUGIN, program=analysis)
    assert outcome.returncode == 0, outcome.stderr
    assert (out / "ink-by-cell.png").stat().st_size > 1000
    page = (out / "report.html").read_text()
    assert "Ink of each configuration" in page
    for label in ("logistic", "hinge, R1", "deep MLP"):
        assert label in page
    tables = "\n".join(path.read_text() for path in (out / "tables").glob("*.csv"))
    assert "blank_share" in tables


def test_without_the_plugin_the_grid_is_unknown(tmp_path: Path) -> None:
    assert_refused(command("--grid", "outside", "--results", tmp_path), "'outside' is unknown")


def test_a_changed_source_is_another_run(results: Path, tmp_path: Path) -> None:
    """The digest of a part's file is part of the identity: another file's runs are not taken for these."""
    changed = tmp_path / "outside_parts.py"
    changed.write_text(PLUGIN.read_text().replace("self.temperature * torch.logit(v)", "2 * torch.logit(v)"))
    known = [config_of(row) for row in Store(results.parent, "outside").statuses().values()]
    common = {f: getattr(known[0], f) for f in ("data", "data_digest", "train_images", "epochs", "dtype")}

    def elsewhere() -> list[MemberConfig]:
        cells = GRIDS["outside"].cells("as-described", **common)
        found = trained_elsewhere(Store(results.parent, "b"), [c.member_id for c in cells], trust_dirty=True)
        return [c for c in cells if c.member_id in found.usable]

    assert len(elsewhere()) == 5
    with plugins_forgotten():
        del sys.modules["plugin_outside_parts"], FIGURES._parts["ink-by-cell"]
        del GRIDS._parts["outside"], METRICS._parts["blank_share"]
        load_plugins([changed])
        assert elsewhere() == []
