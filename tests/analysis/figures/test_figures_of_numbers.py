"""Histograms, scores, interactions, ranks and curves against the numbers that they are drawn from."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from made_figures import WGAN_GP, drawn, grid, written
from made_up import made_up
from scipy import stats

from analysis.figures.figure_4 import merged
from analysis.figures.interactions import cross
from analysis.results.anchors import load_anchors
from analysis.results.cells import cells_of
from analysis.results.study import Study


def test_histograms_are_merged_as_numpy_counts_them() -> None:
    values = np.random.default_rng(0).beta(0.3, 0.5, 20_000)
    fine = np.histogram(values, 1000, (0, 1))[0]
    by_hand = np.histogram(values, 250, (0, 1))[0] / len(values)
    np.testing.assert_allclose(merged(fine), by_hand, rtol=1e-12)
    assert len(merged(np.ones(7, int))) == 7


def test_figure_4_averages_the_seeds_that_are_done_and_no_others(tmp_path: Path) -> None:
    members = made_up(
        neuron="stochastic", **WGAN_GP, statuses=["done", "running", "done"], metrics={"preactivated_notch": 0.02}
    ).assign(preactivated_notch_error=0.03, epochs_done=2)
    study = written(tmp_path, members)
    stored = [np.random.default_rng(order).integers(1, 1000, 1000) for order in (0, 2)]
    first, last = (np.mean([c[part].sum() / c.sum() for c in stored]) for part in (slice(4), slice(-4, None)))
    found = drawn("figure-4", study)
    assert (
        f"SBN, 2 seeds, epoch 2: {first:.5f} of the outputs lie in the first bin, {last:.5f} in the last" in found.alt
    )
    assert "SBN: notch 0.020 ± 0.021" in found.alt  # 0.03 / sqrt(2)
    assert found.missing == [f"WGAN-GP, MLP, {n}: not trained yet" for n in ("DBN", "real-valued")]
    words = [t.get_text() for t in found.figure.axes[0].texts]
    assert f"SBN {first:.5f}" in words


def test_figure_4_shows_an_unfinished_seed_alone_while_none_is_done(tmp_path: Path) -> None:
    members = made_up(neuron="stochastic", **WGAN_GP, statuses=["running"] * 3, metrics={}).assign(epochs_done=2)
    assert "SBN, seed 0, epoch 2 of 20, running: " in drawn("figure-4", written(tmp_path, members)).alt


def test_scores_are_scipys_and_count_everyone(tmp_path: Path) -> None:
    fids = [12.0, 15.0, 11.0, 99.0, 99.0, 5.0]
    statuses = ["done", "done", "done", "running", "diverged", "stopped"]
    members = made_up(neuron="deterministic", **WGAN_GP, seeds=6, statuses=statuses, metrics={"fid": fids})
    low, high = stats.t.interval(0.95, 2, loc=np.mean(fids[:3]), scale=stats.sem(fids[:3]))
    found = drawn("scores", Study(tmp_path, members))
    words = f"12.7 [{low:.2f}, {high:.1f}], 3 seeds; 1 running, 1 diverged, 1 stopped"
    assert f"WGAN-GP, MLP, DBN: {words}; the released code: 10.5." in found.alt
    assert words in [t.get_text() for t in found.figure.axes[0].texts]
    seeds = [line for line in found.figure.axes[0].lines if line.get_marker() == "o"]
    assert [sorted(line.get_xdata()) for line in seeds] == [sorted(fids[:3])]


def test_scores_hold_forty_cells_and_say_so(tmp_path: Path) -> None:
    cells = [
        made_up(neuron="deterministic", objective="wgan-gp", learning_rate=1e-4 * (i + 1), metrics={"fid": 10.0 + i})
        for i in range(43)
    ]
    found = drawn("scores", Study(tmp_path, pd.concat(cells, ignore_index=True)))
    assert len(found.figure.axes[0].get_yticks()) == 40
    assert found.missing == ["3 cells of the highest FID: a page holds 40"]
    assert "learning rate 0.0043" not in found.alt


def test_cells_of_one_name_are_told_apart_by_what_differs() -> None:
    same = [
        made_up(neuron=n, objective="wgan-gp", fidelity="as-described", slope_rate=rate, metrics={})
        for n, rate in (("deterministic", 1.0), ("deterministic", 1.1), ("stochastic", 1.1))
    ]
    names = cells_of(pd.concat(same, ignore_index=True))["name"].tolist()
    assert names == ["WGAN-GP, MLP, DBN, slope rate 1", "WGAN-GP, MLP, DBN, slope rate 1.1", "WGAN-GP, MLP, SBN"]
    both = pd.concat(
        [made_up(neuron="real", objective="gan", fidelity=f, metrics={}) for f in ("as-described", "as-released")]
    )
    assert cells_of(both)["name"].nunique() == 2


def test_interactions_compare_fully_crossed_cells_alone() -> None:
    """CNN and real-valued runs are of WGAN-GP only: they may not enter a mean over objectives."""
    rows = grid()
    factors = ["objective", "neuron", "architecture", "discriminator_norm"]
    found = cross(rows, "objective", "neuron", factors)
    assert found is not None
    assert found.left_out == ["real-valued"]
    binary = rows[(rows["architecture"] == "mlp") & (rows["neuron"] != "real")].assign(log=lambda r: np.log(r["fid"]))
    by_hand = binary.groupby(["objective", "neuron"])["log"].mean()
    ours = found.table.mean(axis=1).groupby(level=["objective", "neuron"]).mean()
    pd.testing.assert_series_equal(ours.sort_index(), by_hand.sort_index(), check_names=False)
    networks = cross(rows, "neuron", "architecture", factors)
    assert networks is not None
    assert networks.table.shape == (2 * 3 * 3, 1), "WGAN-GP without norm in D alone"
    assert cross(rows, "objective", "architecture", factors) is None


def test_the_interaction_plot_names_geometric_means(whole: Study) -> None:
    fid = whole.members.set_index(["objective", "neuron", "architecture", "discriminator_norm"])["fid"].sort_index()
    cells = [fid["wgan", "deterministic", "mlp", norm] for norm in ("affine", "none")]
    expected = stats.gmean(np.concatenate(cells))
    found = drawn("interactions", whole)
    assert re.search(
        rf"objective × neuron \(3 seeds; interaction: partial η² [^)]*\): DBN: [^;]* WGAN {expected:.1f},", found.alt
    )
    assert "objective × network: not crossed" in found.missing


def test_ranks_of_the_diagram_are_scipys(whole: Study) -> None:
    found = drawn("critical-difference", whole)
    fid = whole.members.pivot_table(index="seed", columns="cell_id", values="fid")
    ranks = stats.rankdata(fid, axis=1).mean(axis=0)  # a real-valued cell once, by threshold
    stated = re.findall(r" (\d+\.\d\d)(?=;|\.)", found.alt.split("1 the best: ")[1].split("CD")[0])
    np.testing.assert_allclose(sorted(map(float, stated)), sorted(ranks), atol=0.0051)
    words = " ".join(t.get_text() for t in found.figure.axes[0].texts)
    assert "3 seeds" in words


def test_training_curves_draw_every_seed_and_the_mean_of_those_done(tmp_path: Path) -> None:
    statuses = ["done", "done", "running"]
    members = made_up(neuron="deterministic", **WGAN_GP, statuses=statuses, metrics={"fid": [10.0, 20.0, 90.0]})
    found = drawn("training-curves", written(tmp_path, members, epochs=(1, 2, 3)))
    losses = found.figure.axes[0]
    [seeds] = losses.collections
    assert [line[:, 1].tolist() for line in seeds.get_segments()] == [[-i] * 3 for i in range(3)]
    [mean] = [line for line in losses.lines if len(line.get_xdata()) == 3 and line.get_linestyle() == "-"]
    assert mean.get_ydata().tolist() == [-0.5] * 3
    assert "WGAN-GP, MLP, DBN: 2 done, 1 running, FID at the end 10.0 to 20.0." in found.alt


def test_curves_without_fid_say_not_measured() -> None:
    found = drawn("training-curves", load_anchors())
    assert [t.get_text() for t in found.figure.axes[2].texts] == ["not measured"]
