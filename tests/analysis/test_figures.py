"""Figures against what they are drawn from: pixels, numbers in their alt texts, and files."""

import re
from collections.abc import Callable
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_up import made_up
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image
from scipy import stats

from analysis import figures
from analysis.figures.drawn import Drawn
from analysis.figures.evolution import spread
from analysis.figures.figure_4 import merged
from analysis.figures.interactions import cross
from analysis.figures.naming import cells_of
from analysis.figures.style import COLUMN, OUTPUTS, PAGE
from analysis.load import Study, load_anchors
from study.schemas import SCHEMAS

DRAW: dict[str, Callable[[Study], Drawn | None]] = {
    f.name: f.draw for f in figures.FIGURES if not f.name.startswith("search-")
}
"""Those of searches: test_search_figures.py."""
CELLS = [
    *({"objective": o, "neuron": n, "discriminator_norm": d} for o, n, d in product(
        ("wgan-gp", "wgan", "gan"), ("deterministic", "stochastic"), ("affine", "none"))),
    {"objective": "wgan-gp", "neuron": "real"},
    *({"objective": "wgan-gp", "architecture": "cnn", "neuron": n} for n in ("deterministic", "stochastic", "real")),
]  # fmt: skip
"""The paper's grid."""
WGAN_GP = {"objective": "wgan-gp", "discriminator_norm": "none"}


def images(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (64, 28, 28)).astype(np.uint8)


def written(folder: Path, members: pd.DataFrame, epochs: tuple[int, ...] = (1, 2), samples_of_seeds: int = 9) -> Study:
    """A study of these members with curves, samples and histograms, all of them by the order of the rows."""
    rows: dict[str, list[dict[str, Any]]] = {"curves": [], "samples": [], "histograms": []}
    for order, member in enumerate(members.to_dict("records")):
        key = {"member_id": member["member_id"]}
        for epoch in epochs:
            rows["curves"].append({**key, "epoch": epoch, "discriminator_loss": -order, "fid": 100.0 / epoch})
            if member["seed"] > samples_of_seeds:
                continue
            bits = np.packbits(images(1000 * order + epoch)).tobytes()
            grey = np.float32(np.arange(64 * 784) % 1025 / 1024)
            bernoulli = bits if member["neuron"] == "real" else None
            rows["samples"].append(
                {**key, "epoch": epoch, "bits": bits, "bernoulli_bits": bernoulli, "preactivated": grey}
            )
        counts = np.random.default_rng(order).integers(1, 1000, 1000)
        rows["histograms"].append({**key, "epoch": epochs[-1], "bin_edges": np.linspace(0, 1, 1001), "counts": counts})
    for table, content in rows.items():
        (folder / table).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(content, schema=SCHEMAS[table]), folder / table / "all.parquet")
    return Study(folder, members)


def grid(**more: Any) -> pd.DataFrame:
    """The paper's grid: FIDs that differ from cell to cell."""
    cells = [
        made_up(metrics={"fid": 10.0 + 5 * i, "fid_bernoulli": 12.0 + 5 * i}, **({"epochs": 2} | more | cell))
        for i, cell in enumerate(CELLS)
    ]
    return pd.concat(cells, ignore_index=True).assign(epochs_done=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return written(tmp_path_factory.mktemp("whole"), grid(), samples_of_seeds=0)


def drawn(name: str, study: Study) -> Drawn:
    found = DRAW[name](study)
    assert found is not None
    return found


def picture(figure: Drawn) -> np.ndarray:
    """The figure's own pixels, before any palette."""
    buffer = BytesIO()
    figure.figure.savefig(buffer, format="png", dpi="figure")
    return np.asarray(Image.open(buffer).convert("L"))


def panel(figure: Drawn, index: int) -> np.ndarray:
    """What the picture shows where its axes number `index` are."""
    page = picture(figure)
    box = figure.figure.axes[index].get_position()
    height, width = page.shape
    top, bottom = round((1 - box.y1) * height), round((1 - box.y0) * height)
    return page[top:bottom, round(box.x0 * width) : round(box.x1 * width)]


def as_grid(bits: np.ndarray) -> np.ndarray:
    return np.block([[bits[8 * row + column] for column in range(8)] for row in range(8)])


@pytest.mark.parametrize("name", DRAW)
def test_files_are_small_and_hold_their_fonts(name: str, whole: Study, tmp_path: Path) -> None:
    if name == "figure-1":
        whole = load_anchors()
    found = drawn(name, whole)
    figures.save(found, tmp_path, name)
    png, pdf = ((tmp_path / f"{name}.{ending}").read_bytes() for ending in ("png", "pdf"))
    assert len(png) < 500_000
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    width = found.figure.get_size_inches()[0]
    assert width <= (COLUMN if name == "figure-1" else PAGE) + 0.01
    assert Image.open(BytesIO(png)).size[0] == round(width * found.figure.dpi)
    assert (found.alt[0].isupper(), found.alt[-1]) == (True, ".")
    assert re.search(r"\d", found.alt)


@pytest.mark.parametrize("name", ["figure-3", "scores"])
def test_the_same_study_gives_the_same_bytes(name: str, whole: Study, tmp_path: Path) -> None:
    contents = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        figures.save(drawn(name, whole), folder, name)
        contents.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert len(contents[0]) == 2
    assert contents[0] == contents[1]


@pytest.mark.parametrize("name", DRAW)
def test_a_study_that_has_nothing_of_a_figure_gets_none(name: str, tmp_path: Path) -> None:
    members = made_up(objective="wgan", architecture="cnn", neuron="real", seeds=1, statuses=["running"], metrics={})
    assert DRAW[name](Study(tmp_path, members)) is None


def test_panels_show_the_stored_bits_pixel_for_pixel(whole: Study) -> None:
    """Each bit is a square of whole pixels; DBN's own, and SBN's beside it."""
    found = drawn("figure-3", whole)
    for axes, neuron in ((0, "deterministic"), (2, "stochastic")):
        members = whole.members
        chosen = (members["objective"] == "wgan-gp") & (members["architecture"] == "mlp") & (members["seed"] == 0)
        [order] = members.index[chosen & (members["neuron"] == neuron) & (members["discriminator_norm"] == "none")]
        expected = as_grid(images(1000 * order + 2)) * 255
        shown = panel(found, axes)
        scale = len(shown) // 224
        assert shown.shape == (224 * scale, 224 * scale)
        np.testing.assert_array_equal(shown, np.kron(expected, np.ones((scale, scale))))


def test_preactivated_outputs_keep_their_grey(whole: Study) -> None:
    shown = panel(drawn("figure-5", whole), 0)
    scale = len(shown) // 224
    expected = as_grid((np.arange(64 * 784) % 1025 / 1024).reshape(64, 28, 28))
    assert np.abs(shown[::scale, ::scale] / 255 - expected).max() < 1 / 128


def test_the_first_seed_is_shown_and_not_the_best(tmp_path: Path) -> None:
    members = made_up(neuron="deterministic", **WGAN_GP, epochs=2, metrics={"fid": [30.0, 10.0, 20.0]})
    found = drawn("figure-3", written(tmp_path, members.assign(epochs_done=2)))
    assert "seed 0, epoch 2), samples: FID 30.0" in found.alt
    assert found.missing == ["WGAN-GP, MLP, SBN: not trained yet"]


def test_finished_members_come_first_and_unfinished_ones_say_how_far(tmp_path: Path) -> None:
    make = {"metrics": {"fid": 10.0}, "epochs": 20, "neuron": "deterministic", **WGAN_GP}
    members = made_up(statuses=["running", "done", "done"], **make).assign(epochs_done=[2, 20, 20])
    assert "(seed 1, epoch 2 of 20)" in drawn("figure-3", written(tmp_path / "a", members)).alt
    members = made_up(statuses=["failed", "running", "running"], **make).assign(epochs_done=2)
    assert "(seed 0, epoch 2 of 20, failed)" in drawn("figure-3", written(tmp_path / "b", members)).alt


def test_a_fid_of_another_epoch_is_not_given_to_the_samples(tmp_path: Path) -> None:
    members = made_up(neuron="deterministic", **WGAN_GP, epochs=20, metrics={"fid": 10.0}).assign(epochs_done=20)
    assert "FID" not in drawn("figure-3", written(tmp_path, members)).alt


def test_missing_cells_of_figure_8_are_named(tmp_path: Path) -> None:
    members = grid(seeds=1)
    half = members[members["discriminator_norm"] == "none"]
    missing = drawn("figure-8", written(tmp_path, half)).missing
    assert len(missing) == 6
    assert "WGAN, MLP, SBN, norm in D: not trained yet" in missing


@pytest.mark.parametrize("name", ["figure-6", "figure-8"])
def test_captions_stay_above_their_own_panels(name: str, tmp_path: Path) -> None:
    """A diverged member with FID has the longest of them."""
    members = grid(statuses=["diverged", "failed", "stopped"], epochs=20).assign(epochs_done=3, fid=1234.5)
    found = drawn(name, written(tmp_path, members, epochs=(1, 3)))
    renderer = FigureCanvasAgg(found.figure).get_renderer()
    panels = [axes.get_window_extent(renderer) for axes in found.figure.axes]
    captions = [t for t in found.figure.texts if "diverged" in t.get_text()]
    assert len(captions) == len(panels)
    assert any("FID 1234" in t.get_text() for t in captions)
    for caption in captions:
        box = caption.get_window_extent(renderer)
        [own] = [p for p in panels if abs(p.x0 - box.x0) < 3 and 0 <= box.y0 - p.y1 < 10]
        assert box.x1 <= own.x1 + 1
        assert not any(box.overlaps(p) for p in panels)


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
    """CNN and real-valued members are of WGAN-GP only: they may not enter a mean over objectives."""
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


def test_epochs_are_spread_with_both_ends() -> None:
    for last, count in product((2, 5, 6, 7, 20, 100), (2, 4, 6)):
        epochs = list(range(1, last + 1))
        chosen = spread(epochs, count)
        assert chosen == sorted(set(chosen))
        assert (chosen[0], chosen[-1], len(chosen)) == (1, last, min(count, last))


def test_evolution_shows_each_epoch_in_its_column(whole: Study) -> None:
    found = drawn("evolution", whole)
    captions = [t.get_text() for t in found.figure.texts]
    assert captions.count("seed 0, epoch 1") == captions.count("epoch 2") == 6
    cell = {"objective": "wgan-gp", "architecture": "mlp", "neuron": "deterministic", "discriminator_norm": "none"}
    order = (whole.members[list(cell)] == pd.Series(cell)).all(axis=1).idxmax()
    expected = np.block([[images(1000 * order + 2)[4 * row + column] for column in range(4)] for row in range(4)])
    shown = panel(found, 1)
    scale = len(shown) // 112
    np.testing.assert_array_equal(shown[::scale, ::scale], expected * 255)


def test_series_are_told_apart_without_colour() -> None:
    looks = list(OUTPUTS.values())
    assert len({look.marker for look in looks}) == len({str(look.line) for look in looks}) == len(looks)
    greys = sorted(np.dot(to_rgb(looks[i].colour), (0.2126, 0.7152, 0.0722)) for i in range(3))
    assert np.diff(greys).min() > 0.2, "DBN, SBN and real-valued stay apart in greyscale"
