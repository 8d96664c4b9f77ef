"""Two results folders side by side."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_study import write_study
from made_up import runs
from scipy import stats

from analysis.__main__ import main
from analysis.compare.compare import difference, match

SEEDS = pd.Index([0, 1, 2, 3], name="seed")
A = pd.Series([10.0, 12.0, 11.0, 13.0], SEEDS)
B = pd.Series([11.0, 12.5, 12.5, 13.0], SEEDS)


@pytest.mark.parametrize(
    ("a", "b", "same", "how"),
    [
        (A, B.iloc[::-1], True, "paired, 4 seeds"),
        (A, B, False, "Welch"),
        (A, B.iloc[1:], False, "Welch"),
        (A.iloc[:2], B.iloc[2:], True, "Welch"),
    ],
)
def test_the_same_cell_is_paired_by_seed_and_others_are_welchs(
    a: pd.Series, b: pd.Series, same: bool, how: str
) -> None:
    found = difference(a, b, same=same)
    reference = stats.ttest_ind(b, a, equal_var=False) if how == "Welch" else stats.ttest_rel(b.sort_index(), a)
    interval = reference.confidence_interval(0.95)
    assert (found.mean, found.p) == pytest.approx((b.mean() - a.mean(), reference.pvalue))
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.note == how


def test_one_seed_gives_no_interval() -> None:
    found = difference(A.iloc[:1], B, same=True)
    assert found.mean == pytest.approx(B.mean() - 10)
    assert np.isnan([found.low, found.high, found.p]).all()
    assert "one seed" in found.note
    assert "no finished seed" in difference(A.iloc[:0], B, same=True).note


def test_cells_are_matched_by_id_and_then_by_what_they_are() -> None:
    same, sbn, cnn = runs({}), runs({"neuron": "stochastic"}), runs({"architecture": "cnn"})
    described = runs({"neuron": "stochastic", "fidelity": "as-described"})
    pairs, only_a, only_b = match(pd.concat([same, sbn, cnn]), pd.concat([described, same]))
    exact, alike = pairs
    assert (exact.a, exact.b, exact.unlike) == (same["cell_id"][0], same["cell_id"][0], "")
    assert (alike.a, alike.b) == (sbn["cell_id"][0], described["cell_id"][0])
    assert alike.unlike == (
        "fidelity as-released → as-described; norm in G affine → batch; slope rate 1 → 1.1; split all → train; "
        "images 70,000 → 60,000; norm on G's output affine → none"
    )
    assert (only_a, only_b) == ([cnn["cell_id"][0]], [])


def test_side_by_side(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["compare", *map(str, folders), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "3 in both; 0 in both with other settings; 0 in A alone; 4 in B alone" in printed
    assert "6 in both: 4 equal in every number, 2 not" in printed
    assert {p.name for p in out.iterdir()} == {"compare.html", "tables"}
    table = pd.read_csv(out / "tables" / "differences-fid.csv")
    assert table["cell"].tolist()[:2] == ["WGAN-GP, MLP, DBN", "WGAN-GP, MLP, SBN"]
    assert (table["n_a"][0], table["n_b"][0]) == (2, 2)  # pairs alone
    only = pd.read_csv(out / "tables" / "only.csv")
    assert only["in"].tolist() == ["B"] * 4
    members = pd.read_csv(out / "tables" / "members.csv")
    assert sorted(members["differing"]) == [1, 1]
    [changed] = members[members["status_b"].str.startswith("done")].to_dict("records")
    assert table["ratio"][0] == pytest.approx((changed["fid_b"] / changed["fid_a"]) ** 0.5)  # one pair of two
    text = (out / "compare.html").read_text()
    assert len(text) < 1_000_000
    assert "<script>document" not in text


def test_what_unlike_extractors_measured_is_left_out_and_said(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    members = pd.read_parquet(folders[1] / "members").drop(columns="started_at")
    write_study(other, members.assign(extractors="0123456789abcdef"), samples=False)
    assert main(["compare", str(folders[0]), str(other), "--out", str(tmp_path / "out")]) == 0
    assert "the runs were measured by different feature extractors" in capsys.readouterr().out
    found = {p.stem for p in (tmp_path / "out" / "tables").iterdir()}
    assert {n for n in found if n.startswith("differences-")} == {"differences-isolated_pixel_rate"}


def test_a_folder_with_itself_is_equal(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, _ = folders
    assert main(["compare", str(a), str(a), "--out", str(tmp_path / "out")]) == 0
    assert "9 in both: 9 equal in every number, 0 not" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "out" / "tables" / "differences-fid.csv")
    assert table["ratio"].tolist() == [1.0] * 4
    assert table["p"].isna().all()
    assert table["how"].tolist() == ["paired, 3 seeds: all pairs are equal"] * 4


def test_what_cannot_be_compared_is_one_line(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = folders
    assert main(["compare", str(a), str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["compare", str(a), str(b), "--out", str(b / "x")]) == 2
    assert "lies inside the results" in capsys.readouterr().err
    assert not (b / "x").exists()
