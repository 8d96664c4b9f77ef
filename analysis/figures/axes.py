"""Studies of a user's own: FID along each axis, and samples of each configuration side by side."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import labels
from analysis.figures.panels import CAPTION, LINE, Page, panel_size, tile, wrapped
from analysis.figures.picks import Pick, number, pick
from analysis.figures.registry import OWN, Drawn, figure
from analysis.figures.style import SMALL, chart, log_scale, set_ticks, value_axis
from analysis.labels import LOOKS, Look
from analysis.own_study import Axis, axes_of, name_of, names_apart, rows_of
from analysis.results.study import Study
from analysis.statistics.summaries import summarize
from study.store.schemas import FINISHED

MOST_PANELS, ACROSS = 6, 3
MOST_SAMPLES, SAMPLES_ACROSS, LARGEST = 12, 4, 2.3


@figure("axes", "FID along each axis of the study", section=OWN, order=1)
def axes(study: Study) -> Drawn | None:
    """A panel for each field that the study varies."""
    found, rows = axes_of(study), rows_of(study)
    scored = rows[rows["log_fid"].notna()]
    if not found or scored.empty:
        return None
    shown = found[:MOST_PANELS]
    columns = min(len(shown), 2 if len(shown) == 4 else ACROSS)
    height = -(-len(shown) // columns)
    drawing = chart(2.4 * height)
    grid = drawing.subplots(height, columns, squeeze=False)
    said = "a faint point for each run, geometric means with 95% intervals"
    sentences = [f"FID along each field that the study varies, {said}."]
    cautions = []
    for panel, axis in zip(grid.flat, shown, strict=False):
        sentence, left_out = _draw(panel, axis, rows)
        sentences.append(sentence)
        if left_out < 0:
            cautions.append(f"{labels.field(axis.name)}: its values are of unlike combinations of the other fields")
        if left_out > 0:
            what = f"combination{'s' * (left_out > 1)} of the other fields"
            cautions.append(
                f"{labels.field(axis.name)}: without {left_out} {what}, where a value has no run with an FID"
            )
    for panel in drawing.axes[len(shown) :]:
        panel.remove()
    missing = [f"{labels.field(axis.name)}: no room" for axis in found[MOST_PANELS:]]
    if left := int(rows["log_fid"].isna().sum()):
        missing.append(f"{left} runs without an FID")
    return Drawn(drawing, " ".join(sentences), missing, cautions)


def _draw(panel: Axes, axis: Axis, rows: pd.DataFrame) -> tuple[str, int]:
    """One axis: a line for each level of a second one where the first has numbers, points where it has names.

    Returns:
        What it shows, and how many combinations of the other fields are left out; -1 where a line has none with all
        values, so that they are compared across unlike ones.
    """
    at: dict[object, float] = {v: float(v) if axis.is_number else i for i, v in enumerate(axis.values)}
    rows = rows[rows[axis.name].isin(axis.values)]
    words, left_out = [], 0
    lines = list(_lines(axis, rows))
    for i, (name, look, planned) in enumerate(lines):
        own, without = _alike(axis, planned)
        left_out = -1 if without < 0 or left_out < 0 else left_out + without
        if own.empty:
            continue
        aside = 0.0 if axis.is_number else 0.12 * (i - (len(lines) - 1) / 2)
        xs, means = [], []
        for value, runs in own.groupby(axis.name, sort=False):
            x = at[value] + aside
            panel.plot(np.full(len(runs), x), np.exp(runs["log_fid"]), look.marker, color=look.colour, **FAINT)
            summary = summarize(_seeds(runs))
            xs.append(x)
            means.append(float(np.exp(summary.mean)))
            if summary.n > 1:
                panel.plot([x] * 2, np.exp([summary.low, summary.high]), color=look.colour, linewidth=0.9)
        order = np.argsort(xs)
        xs, means = list(np.array(xs)[order]), list(np.array(means)[order])
        style = look.line if axis.is_number else "none"
        panel.plot(xs, means, color=look.colour, linestyle=style, marker=look.marker, label=name or None)
        ticks = [name_of(axis.name, v) for v in axis.values if v in set(own[axis.name])]
        listed = ", ".join(f"{tick} {number(mean)}" for tick, mean in zip(ticks, means, strict=True))
        words.append(f"{name}: {listed}" if name else listed)
    if axis.is_number:
        log_scale(panel.xaxis)
        if len(axis.values) <= 6:
            set_ticks(panel.xaxis, [at[v] for v in axis.values], lambda x: f"{x:.4g}")
    else:
        panel.set(xticks=range(len(axis.values)))
        slanted = max(len(name_of(axis.name, v)) for v in axis.values) * len(axis.values) > 30
        named = [name_of(axis.name, v) for v in axis.values]
        panel.set_xticklabels(named, rotation=30 if slanted else 0, ha="right" if slanted else "center")
    panel.margins(x=0.12, y=0.1)
    panel.set_xlabel(labels.field(axis.name))
    value_axis(panel.yaxis, "FID")
    if axis.lines:
        panel.legend(title=labels.field(axis.lines), title_fontsize=SMALL, fontsize=SMALL, handlelength=2.4)
    return f"{labels.field(axis.name)}: {'; '.join(words)}.", left_out


def _alike(axis: Axis, rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The runs with an FID of those combinations of the other fields in which every value of the axis has one, and how
    many combinations there are beside: a value whose runs diverged in one of them would else look better for it.

    Where no combination has all values, as in a list of single configurations, these are all the runs with an FID, and
    -1.
    """
    scored = rows[rows["log_fid"].notna()]
    names = [n for n in axis.others if n != axis.lines]
    others = pd.Series([" ".join(row) for row in rows[names].astype(str).to_numpy()], index=rows.index)
    reached = scored.groupby(others)[axis.name].nunique()
    whole = reached.index[reached == rows[axis.name].nunique()]
    if not len(whole):
        return scored, -1 if names and len(scored) else 0
    return scored[others.loc[scored.index].isin(whole)], others.nunique() - len(whole)


FAINT: Any = {"markersize": 2.5, "mfc": "none", "mew": 0.5, "alpha": 0.6, "linestyle": "none"}


def _lines(axis: Axis, rows: pd.DataFrame) -> Iterator[tuple[str, Look, pd.DataFrame]]:
    """Each level of the second axis: its name, its look and its runs, in the order of all charts."""
    if not axis.lines:
        yield "", LOOKS[0], rows
        return
    order = {str(v): i for i, v in enumerate(rows[axis.lines].drop_duplicates())}
    for i, value in enumerate(sorted(order, key=lambda v: (labels.rank(axis.lines, v), _float(v), v))):
        look = labels.look(value) if axis.lines == "neuron" else LOOKS[i % len(LOOKS)]
        own = rows[rows[axis.lines].astype(str) == value]
        yield name_of(axis.lines, own[axis.lines].iloc[0]), look, own


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _seeds(runs: pd.DataFrame) -> pd.Series:
    """Mean log FID of each seed that all of these configurations have; of each run where there is no such seed."""
    table = runs.pivot_table(index="seed", columns="cell_id", values="log_fid", aggfunc="mean").dropna()
    return table.mean(axis=1) if len(table) else runs["log_fid"]


@figure("axes-samples", "Samples of each configuration", section=OWN, order=2)
def axes_samples(study: Study) -> Drawn | None:
    """64 samples of the first seed of each configuration that has any."""
    if not axes_of(study):
        return None
    found: list[tuple[str, Pick]] = []
    missing = []
    for cell in study.cells.to_dict("records"):
        members = study.members[study.members["cell_id"] == cell["cell_id"]]
        ordered = members.assign(unfinished=~members["status"].isin(FINISHED)).sort_values(["unfinished", "seed"])
        one = pick(study, ordered)
        if one is None:
            missing.append(f"{cell['name']}: no samples yet")
        elif len(found) < MOST_SAMPLES:
            found.append((cell["cell_id"], one))
        else:
            missing.append(f"{cell['name']}: no room")
    if not found:
        return None
    names = names_apart(study)
    columns = min(len(found), SAMPLES_ACROSS)
    size = panel_size(columns, 0.02, 0.02, LARGEST)
    captions = [wrapped(f"{names[cell_id]}, {one.caption('bits')}", size) for cell_id, one in found]
    height = CAPTION + LINE * (max(map(len, captions)) - 1)
    page = Page(-(-len(found) // columns), columns, top=0.02, caption=height, largest=LARGEST)
    parts = ["Grids of 8 by 8 generated digits, white on black, one for each configuration."]
    for i, (cell_id, one) in enumerate(found):
        page.draw(i // columns, i % columns, tile(one.samples.bits), caption="\n".join(captions[i]))
        parts.append(f"{names[cell_id]} ({one.which}): {one.describe('bits')}.")
    return Drawn(page.figure, " ".join(parts), missing)
