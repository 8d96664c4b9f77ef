"""Tables against hand computations."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from made_up import column, known, made_up
from scipy import stats

from analysis.results.anchors import load_anchors
from analysis.statistics.summaries import summarize
from analysis.tables import formats
from analysis.tables.entries import first
from analysis.tables.provenance_tables import reservations
from analysis.tables.rows import OURS, beside, rows_of
from analysis.tables.statistics_tables import differences_table
from analysis.tables.tables import HEADLINE, SECTIONS, means, scores

ANCHORS = load_anchors().members
REAL = {"objective": "wgan-gp", "neuron": "real"}


def of_seeds(fids: list[float], statuses: list[str], **choices: object) -> pd.DataFrame:
    metrics = {"fid": fids, "fid_bernoulli": [f + 1 for f in fids], "recall": 0.8}
    members = made_up(seeds=len(fids), statuses=statuses, metrics=metrics, **(REAL | choices))  # type: ignore[arg-type]
    return members.assign(**metrics)  # of runs that failed, too: a mean must leave them out by their status


def test_numbers_are_over_the_seeds_that_are_done() -> None:
    rows = rows_of(
        of_seeds([10.0, 14.0, 99.0, 98.0, 1.0], ["done", "done", "failed", "diverged", "stopped"]), ANCHORS.iloc[:0]
    )
    table = scores(rows, "t", "T")
    assert column(table, "cell") == ["WGAN-GP, MLP, real-valued, threshold", "WGAN-GP, MLP, real-valued, Bernoulli"]
    half = stats.t.ppf(0.975, 1) * np.std([10, 14], ddof=1) / math.sqrt(2)
    assert column(table, "FID") == [f"{m:.1f} [0.0, {m + half:.1f}]" for m in (12, 13)]  # cut at 0
    assert column(table, "done") == ["2 of 5, 1 failed, 1 diverged, 1 stopped early"] * 2
    assert column(table, "FID of each seed") == ["10, 14", "11, 15"]
    assert "Counted apart, in no mean: 1 failed, 1 diverged, 1 stopped early." in table.notes


def test_means_at_once_are_the_summaries() -> None:
    members = of_seeds([10.0, 14.0, float("nan"), 11.5, 12.5], ["done"] * 5)
    [row, _] = rows_of(members, ANCHORS.iloc[:0])
    for name, entry in zip(("fid", "recall", "kid"), row.means(["fid", "recall", "kid"]), strict=True):
        summary = summarize(members[name])
        wanted = [summary.mean, summary.low, summary.high, summary.sd, summary.n]
        assert list(entry.parts.values()) == pytest.approx(wanted, nan_ok=True)


def test_of_one_seed_and_of_none_it_is_said_what_cannot_be_said() -> None:
    table = scores(rows_of(of_seeds([10.0], ["done"]), ANCHORS.iloc[:0]), "t", "T")
    assert column(table, "FID") == ["10", "11"]
    assert column(table, "FID, IQM") == ["–", "–"]
    assert any("2 of 2 rows rest on one seed: no spread" in note for note in table.notes)
    table = scores(rows_of(of_seeds([10.0], ["failed"]), ANCHORS.iloc[:0]), "t", "T")
    assert column(table, "done") == ["0 of 1, 1 failed"] * 2
    assert set(column(table, "FID")) == set(column(table, "FID of each seed")) == {"–"}


def test_anchors_follow_with_real_images_last() -> None:
    rows = rows_of(of_seeds([10.0], ["done"]), ANCHORS)
    assert [row.source for row in rows] == [OURS] * 2 + ["released code"] * 8 + ["real images"]
    near = beside(rows[:2], rows)
    assert [(row.source, row.fields["output"]) for row in near[2:]] == [
        ("released code", "real-valued, threshold"),
        ("released code", "real-valued, Bernoulli"),
        ("real images", "–"),
    ]


def test_settings_unlike_the_papers_are_named() -> None:
    members = pd.concat(
        [
            of_seeds([10.0], ["done"]),
            of_seeds([11.0], ["done"], slope_rate=1.05, learning_rate=2e-4),
            of_seeds([12.0], ["done"], epochs=1, train_images=6400),
        ],
        ignore_index=True,
    )
    rows = rows_of(members, ANCHORS.iloc[:0])
    settings = {row.fields["settings"] for row in rows}
    assert settings == {
        "epochs 20, images 70,000",
        "slope rate 1.05, learning rate 0.0002, epochs 20, images 70,000",
        "epochs 1, images 6,400",
    }
    assert "unlike the paper" in [c.label for c in scores(rows, "t", "T").columns]


def test_every_metric_stands_in_a_section_and_a_long_table_says_what_it_leaves_out() -> None:
    rows = rows_of(of_seeds([10.0], ["done"]), ANCHORS)
    for name, (title, numbers) in SECTIONS.items():
        table = means(rows, name, title, numbers)
        assert len(table.rows) == 11
        assert len(table.columns) == 3 + len(numbers)
        assert first(table, 11) is table
        short = first(table, 3)
        assert len(short.rows) == 3
        assert short.notes[-1] == f"The first 3 of 11 rows; tables/{name}.csv has all of them."
    assert set(HEADLINE) < {n for _, numbers in SECTIONS.values() for n in numbers}


def test_csv_has_every_part_and_seed() -> None:
    rows = rows_of(of_seeds([10.0, 14.0], ["done", "done"]), ANCHORS)
    frame = pd.read_csv(io.StringIO(formats.comma_separated(scores(rows, "t", "T"))))
    ours = frame[frame["source"] == OURS]
    assert ours["fid"].tolist() == [12, 13]
    assert ours["fid_sd"].round(4).tolist() == [2.8284, 2.8284]
    assert ours[["members", "done", "failed"]].to_numpy().tolist() == [[2, 2, 0]] * 2
    assert ours["fid_seeds"].tolist() == ["0: 10.0; 1: 14.0", "0: 11.0; 1: 15.0"]
    assert ours[["objective", "architecture", "output"]].to_numpy().tolist() == [
        ["WGAN-GP", "MLP", "real-valued, threshold"],
        ["WGAN-GP", "MLP", "real-valued, Bernoulli"],
    ]


def test_runs_that_cannot_be_trained_again_are_told() -> None:
    members = of_seeds([10.0, 11.0], ["done", "done"])
    commit, old = "5cb735c52fbd143f04db7a60250b6432c356e2ff", '{"torch": "2.11.0"}'
    whole = members.assign(git_commit=commit, device="cpu", engine="analytic", versions=old)
    assert reservations(whole) == ()
    n = len(members)
    [said] = reservations(whole.assign(git_commit=[f"{commit}-dirty", *[commit] * (n - 1)]))
    assert said.startswith(f"1 of {n} runs of this study were trained by uncommitted code")
    on_a_gpu = whole.assign(device="NVIDIA H200")
    assert reservations(on_a_gpu) == ()
    [said] = reservations(on_a_gpu.assign(engine=None))
    assert said.startswith(f"{n} of {n} runs of this study began on a GPU from PyTorch 2.11's")


def test_pairs_share_their_draws_where_one_kind_of_device_made_them() -> None:
    cells = [made_up(metrics={"fid": f}, objective="wgan-gp", neuron=n) for f, n in ((9, "deterministic"), (8, "real"))]
    frame = pd.concat(cells, ignore_index=True).assign(device="cpu")
    names = {cell_id: cell_id for cell_id in frame["cell_id"]}
    assert "so their latents and order of data" in known(differences_table(frame, names)).notes[0]
    frame.loc[frame["seed"] == 1, "device"] = "NVIDIA H200"
    assert "(NVIDIA H200, cpu) it drew other latents" in known(differences_table(frame, names)).notes[0]
