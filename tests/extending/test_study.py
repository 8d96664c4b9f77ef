"""A grid of parts from outside, from command to report: trained, stored, resumed, sampled, reported."""

import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
from running import ROOT, command, write_digits

PLUGIN = Path(__file__).parent / "outside_parts.py"


def run(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The command that trains the outside grid on 128 digits: two iterations an epoch."""
    common = ["--data", str(tmp_path / "digits.npy"), "--results", str(tmp_path / "results")]
    return command("--plugin", PLUGIN, "--grid", "outside", "--executor", "local", *common, *options)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that was cut off after its first run, then gone on with."""
    folder = tmp_path_factory.mktemp("outside")
    write_digits(folder / "digits.npy", 128)
    first = run(folder, "--epochs", "2", "--only", "neuron=logistic")
    assert first.returncode == 0, first.stderr
    whole = run(folder, "--epochs", "2")
    assert whole.returncode == 0, whole.stderr
    assert "5 members, 4 trials to train" in whole.stdout
    again = run(folder, "--epochs", "2")
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


def test_a_neuron_from_outside_is_sampled_by_its_own_rule(results: Path) -> None:
    [[member]] = duckdb.sql(f"select member_id from '{results}/members/*.parquet' where neuron = 'logistic'").fetchall()
    out = results.parent / "samples.npy"
    words = [
        sys.executable,
        "-m",
        "binarygan.sample",
        member,
        "--results",
        str(results.parent),
        "-n",
        "64",
        "-o",
        str(out),
    ]
    unknown = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert unknown.returncode == 2
    subprocess.run([*words, "--plugin", str(PLUGIN)], check=True, cwd=ROOT)
    again = results.parent / "again.npy"
    subprocess.run([*words[:-1], str(again), "--plugin", str(PLUGIN), "--seed", "1"], check=True, cwd=ROOT)
    samples = np.load(out)
    assert set(np.unique(samples)) <= {0, 1}
    assert (samples != np.load(again)).any()


def test_the_report_has_the_figure_the_metric_and_the_labels(results: Path) -> None:
    out = results.parent / "report"
    words = [sys.executable, "-m", "analysis", "report", str(results), "--out", str(out)]
    outcome = subprocess.run([*words, "--plugin", str(PLUGIN)], capture_output=True, text=True, cwd=ROOT)
    assert outcome.returncode == 0, outcome.stderr
    assert (out / "ink-by-cell.png").stat().st_size > 1000
    page = (out / "report.html").read_text()
    assert "Ink of each configuration" in page
    for label in ("logistic", "hinge, R1", "deep MLP"):
        assert label in page
    tables = "\n".join(path.read_text() for path in (out / "tables").glob("*.csv"))
    assert "blank_share" in tables


def test_without_the_plugin_the_grid_is_unknown(tmp_path: Path) -> None:
    outcome = command("--grid", "outside", "--results", str(tmp_path))
    assert outcome.returncode == 2
    assert "'outside' is unknown" in outcome.stderr


def test_a_changed_source_is_another_run(results: Path) -> None:
    """The digest of a part's file is part of the identity: another file's runs are not taken for these."""
    folder = results.parents[1]
    changed = folder / "outside_parts.py"
    changed.write_text(PLUGIN.read_text().replace("self.temperature * torch.logit(v)", "2 * torch.logit(v)"))
    common = ["--data", str(folder / "digits.npy"), "--results", str(results.parent), "--epochs", "2", "--study", "b"]
    words = ["--plugin", changed, "--grid", "outside", "--executor", "local", "--only", "neuron=logistic", *common]
    outcome = command(*words, "--plan")
    assert outcome.returncode == 0, outcome.stderr
    assert "taken over" not in outcome.stdout
