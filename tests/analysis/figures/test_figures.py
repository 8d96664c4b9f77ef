"""Figures against the samples that they are drawn from, and as files."""

import re
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_figures import WGAN_GP, as_grid, drawn, grid, images, panel, written
from made_gates import gate_study
from made_own import own_study
from made_study import paper_members, write_rows
from made_up import made_up
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image

from analysis import figures
from analysis.experiments import EXPERIMENTS
from analysis.figures import FIGURES
from analysis.figures.registry import OWN
from analysis.figures.samples import spread
from analysis.figures.style import COLUMN, PAGE
from analysis.labels import LOOKS
from analysis.results.anchors import load_anchors
from analysis.results.study import Study

OUR_OWN = [e.name for e in EXPERIMENTS if not e.cells]
TWICE = ("figure-3", "figure-4", "scores", "training-curves", "interactions", "search-slices", "axes")
"""One of each kind, drawn again under a user's settings; the registry gives all figures the same style."""
OF_A_USER = {"image.origin": "lower", "text.usetex": True, "axes.facecolor": "red", "savefig.bbox": "tight"}
OF_A_USER |= {"axes.formatter.use_locale": True, "font.family": ["cursive"], "lines.linewidth": 9, "figure.dpi": 50}
"""What a user's matplotlibrc may say: no figure heeds it."""


@pytest.mark.parametrize("name", FIGURES)
def test_files_are_small_hold_their_fonts_and_are_the_same_again(
    name: str, whole: Study, search: Study, tmp_path: Path
) -> None:
    study = search if name.startswith("search-") else load_anchors() if name == "figure-1" else whole
    study = gate_study(tmp_path / "gates") if name == "gates" else study
    study = own_study(tmp_path / "own") if FIGURES[name].section == OWN else study
    if (section := FIGURES[name].section) in OUR_OWN and name != "gates":
        study = Study(tmp_path / "s", members := paper_members(grid=section, seeds=2))
        (study.folder / "curves").mkdir(parents=True)
        rows = [
            {"member_id": i, "epoch": e, "gradient_cosine": 0.5, "gradient_variance": 1.0}
            for i in members["member_id"]
            for e in (1, 2)
        ]
        write_rows(study.folder, "curves", "all", rows)
    contents = []
    for folder in (tmp_path / "one", tmp_path / "two")[: 2 if name in TWICE else 1]:
        folder.mkdir()
        with rc_context(OF_A_USER if contents else {}):
            found = drawn(name, study)
            figures.save(found, folder, name)
        contents.append([path.read_bytes() for path in sorted(folder.iterdir())])
    pdf, png = contents[0]
    assert contents[-1] == contents[0]
    assert len(png) < 500_000
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    width = found.figure.get_size_inches()[0]
    assert width <= (COLUMN if name == "figure-1" else PAGE) + 0.01
    assert Image.open(BytesIO(png)).size[0] == round(width * found.figure.dpi)
    assert (found.alt[0].isupper(), found.alt[-1]) == (True, ".")
    assert re.search(r"\d", found.alt)


@pytest.mark.parametrize("name", FIGURES)
def test_a_study_that_has_nothing_of_a_figure_gets_none(name: str, tmp_path: Path) -> None:
    members = made_up(
        objective="wgan", architecture="cnn", neuron="real", data_digest="0", seeds=1, statuses=["running"], metrics={}
    )
    assert FIGURES[name].draw(Study(tmp_path, members)) is None


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
    """A diverged run with FID has the longest of them."""
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
    looks = list(LOOKS)
    assert len({look.marker for look in looks}) == len({str(look.line) for look in looks}) == len(looks)
    greys = sorted(np.dot(to_rgb(looks[i].colour), (0.2126, 0.7152, 0.0722)) for i in range(3))
    assert np.diff(greys).min() > 0.2, "DBN, SBN and real-valued stay apart in greyscale"
