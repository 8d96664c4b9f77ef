"""Figures of a search against the numbers that they are drawn from."""

import re
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from made_figures import drawn
from made_search import by_learning_rate, made_search, noise, trials_in
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from analysis.figures import FIGURES
from analysis.figures.search.axes import plain
from analysis.figures.search.parallel import ABSENT, ordered
from analysis.results.study import Study
from analysis.search.importances import Importances, importances


@pytest.fixture(scope="module")
def one(search: Study) -> Study:
    """The search of two metrics, as if it had been of the first alone."""
    study = Study(search.folder, search.members)
    study.__dict__["description"] = search.description | {"metrics": ["fid"], "directions": ["minimize"]}
    return study


def points(axes: Axes, marker: str) -> list[tuple[float, float]]:
    """Of all lines with a marker, within the axes."""
    lines = [line for line in axes.lines if line.get_marker() == marker and line.get_transform() == axes.transData]
    return sorted((float(x), float(y)) for line in lines for x, y in line.get_xydata())


def above(axes: Axes) -> list[float]:
    """Places of the marks above the axes."""
    lines = [line for line in axes.lines if line.get_marker() == "x" and line.get_transform() != axes.transData]
    return sorted(float(x) for line in lines for x in np.asarray(line.get_xdata()))


def test_the_history_has_every_trial_and_the_best_so_far(one: Study) -> None:
    trials = trials_in(one)
    assert set(trials.counts) == {"complete", "stopped", "failed"}
    axes = drawn("search-history", one).figure.axes[0]
    assert points(axes, "o") == sorted((t.number, t.value()) for t in trials.complete)
    assert points(axes, "s") == sorted((t.number, t.value()) for t in trials.of("stopped"))
    assert above(axes) == [t.number for t in trials.of("failed")]
    [best] = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    lowest = [min(t.value() for t in trials.complete[: i + 1]) for i in range(len(trials.complete))]
    assert best.get_ydata().tolist() == pytest.approx([*lowest, lowest[-1]])
    assert best.get_xdata().tolist() == [*(t.number for t in trials.complete), 59]


def test_the_best_so_far_rises_where_higher_is_better(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", lambda m: {"recall": noise(m)}, metrics=("recall",), directions=("maximize",))
    axes = drawn("search-history", study).figure.axes[0]
    [best] = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    values = [t.value() for t in trials_in(study).complete]
    assert best.get_ydata().tolist()[:-1] == pytest.approx(np.maximum.accumulate(values).tolist())


def test_slices_have_each_trial_at_its_own_value(one: Study) -> None:
    trials = trials_in(one)
    panels = {axes.get_xlabel(): axes for axes in drawn("search-slices", one).figure.axes}
    for parameter in trials.varied:
        axes = panels[parameter.label]
        [dots] = [c.get_offsets() for c in axes.collections if len(c.get_offsets()) > 1]
        complete = [t for t in trials.complete if parameter.name in t.params]
        assert [y for _, y in dots.tolist()] == [t.value() for t in complete]
        places = [x for x, _ in dots.tolist()]
        params = [t.params[parameter.name] for t in complete]
        wanted = [parameter.choices.index(p) for p in params] if parameter.categorical else params
        assert places == pytest.approx(wanted, abs=0.25 if parameter.categorical else 0)
        assert (axes.get_xscale() == "log") == parameter.log
        lost = [t for t in trials.of("failed") if parameter.name in t.params]
        assert len(above(axes)) == len(lost)


def test_parallel_lines_go_through_every_value_and_the_best_are_on_top(one: Study) -> None:
    trials = trials_in(one)
    [axes] = drawn("search-parallel", one).figure.axes
    [lines] = axes.collections
    by_value = sorted(trials.complete, key=lambda t: -t.value())
    parameters = ordered(trials)
    for trial, line in zip(by_value, lines.get_segments(), strict=True):
        for parameter, (_, y) in zip(parameters, line, strict=False):
            if parameter.name not in trial.params:
                assert y == ABSENT
                continue
            value = trial.params[parameter.name]
            if parameter.categorical:
                place = parameter.choices.index(value) / (len(parameter.choices) - 1)
            elif parameter.log:
                place = np.log(value / parameter.low) / np.log(parameter.high / parameter.low)
            else:
                place = (value - parameter.low) / (parameter.high - parameter.low)
            assert y == pytest.approx(place, abs=0.03 if parameter.categorical else 1e-9)
    ends = [line[-1][1] for line in lines.get_segments()]
    assert ends == sorted(ends, reverse=True)
    assert (ends[0], ends[-1]) == (1, 0)
    widths = lines.get_linewidths()
    assert max(widths[:-5]) < min(widths[-5:])
    lightness = [float(np.dot(to_rgb(c), (0.2126, 0.7152, 0.0722))) for c in lines.get_colors()]
    assert lightness == sorted(lightness, reverse=True), "in greyscale the best are the darkest"
    assert parameters[-1].name == "learning_rate", "what decides stands beside the value"


def test_importances_are_bars_of_the_tables_numbers(one: Study) -> None:
    found = importances(trials_in(one), 0)
    assert isinstance(found, Importances)
    [axes] = drawn("search-importances", one).figure.axes
    fanova, ped = ([bar.get_width() for bar in bars] for bars in axes.containers)
    assert fanova == pytest.approx(np.nan_to_num([r.fanova for r in found.rows]))
    assert ped == pytest.approx(np.nan_to_num([r.ped_anova for r in found.rows]))
    names = [t.get_text() for t in axes.get_yticklabels()]
    assert names[0] == "learning rate"
    assert any(re.fullmatch(r"clip value \(\d+ trials\)", n) for n in names)


def test_the_front_is_drawn_through_its_trials(search: Study, one: Study) -> None:
    trials = trials_in(search)
    [axes] = drawn("search-pareto", search).figure.axes
    front = {(t.value(1), t.value(0)) for t in trials.all if t.number in trials.front}
    shown = [line for line in axes.lines if line.get_label() == "on the front, with its number"]
    assert set(map(tuple, shown[0].get_xydata())) == front
    [line] = [line for line in axes.lines if line.get_linestyle() == "-"]
    corners = line.get_xydata()
    assert front <= set(map(tuple, corners))
    assert (np.diff(corners[:, 0]) >= 0).all()
    assert (np.diff(corners[:, 1]) <= 0).all()
    assert ((np.diff(corners, axis=0) != 0).sum(axis=1) == 1).all(), "a staircase"
    assert all(corners[1::2, 1] == corners[:-1:2, 1]), "what is between two trials is no better than the left one"
    assert FIGURES["search-pareto"].draw(one) is None, "one metric has none"
    others = [line for line in axes.lines if line.get_label() == "complete trial"]
    assert len(others[0].get_xydata()) == len(trials.complete) - len(front)


def test_samples_are_of_the_best_trials_in_order(one: Study) -> None:
    trials = trials_in(one)
    found = drawn("search-samples", one)
    titles = [t.get_text() for t in found.figure.texts if t.get_text().startswith("Trial")]
    assert titles == [f"Trial {t.number}" for t in trials.ranked[:4]]
    assert f"Trial {trials.best().number} (seed 0, epoch 3): FID" in found.alt


def test_texts_from_files_are_no_formulas() -> None:
    figure = mpl.figure.Figure()
    for text in ("$x$", "$\\frac", "a$b$c$", "<script>alert('boo')</script> and more"):
        figure.text(0, 0, plain(text))
    figure.savefig(Path("/dev/null"), format="png")
    assert plain("$x$") == r"\$x\$"
    assert len(plain("x" * 50)) == 14


@pytest.mark.parametrize("name", ["search-history", "search-slices", "search-pareto", "search-importances"])
def test_words_do_not_run_into_each_other(name: str, search: Study) -> None:
    figure = drawn(name, search).figure
    FigureCanvasAgg(figure).draw()
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.canvas.get_width_height()
    ticks = [(axis, tick) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in axis.majorTicks]
    beyond = {
        tick.label1
        for axis, tick in ticks
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    boxes = []
    for text in set(figure.findobj(Text)) - beyond:
        if not text.get_visible() or not text.get_text().strip():
            continue
        box = text.get_window_extent(renderer)
        boxes.append((text, box))
        assert -1 <= box.x0 <= box.x1 <= width + 1, text
        assert -1 <= box.y0 <= box.y1 <= height + 1, text
    assert len(boxes) > 5
    for (a, box_a), (b, box_b) in combinations(boxes, 2):
        wide = min(box_a.x1, box_b.x1) - max(box_a.x0, box_b.x0)
        high = min(box_a.y1, box_b.y1) - max(box_a.y0, box_b.y0)
        assert min(wide, high) < 2, (a, b)


def test_a_category_with_long_choices_is_turned(tmp_path: Path) -> None:
    long = {"name": "CategoricalDistribution", "attributes": {"choices": ["rmsprop", "adam", "another one yet"]}}
    study = made_search(tmp_path / "s", by_learning_rate, trials=12, said={"space": {"optimizer": long | {"when": {}}}})
    panel = drawn("search-slices", study).figure.axes[0]
    assert {label.get_rotation() for label in panel.get_xticklabels()} == {25}
    assert [label.get_text() for label in panel.get_xticklabels()] == ["rmsprop", "adam", "another one y…"]
