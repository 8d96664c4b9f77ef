"""Figure 4: histograms of preactivated outputs, and the threshold seen close up."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import labels
from analysis.figures.picks import absence, number
from analysis.figures.registry import Drawn, figure
from analysis.figures.style import SMALL, chart
from analysis.results.cells import label, members_of
from analysis.results.study import Study
from binarygan.metrics.preactivations import HISTOGRAM_BINS, WIDE
from binarygan.paper import EXPERIMENTS, Cell

BIN = WIDE / HISTOGRAM_BINS
"""The paper's bins are about this wide; the store's are a quarter of it."""
FLOOR = 1e-6
"""The lowest share that is drawn."""
MOST_SEEDS = 100
"""Of a cell, read at most."""
WINDOW = (0.45, 0.55)
"""Of the close-up."""


@dataclass(frozen=True)
class Curve:
    """A cell's histograms: shares of all outputs in bins of `BIN`.

    The first `MOST_SEEDS` runs that are done are averaged; while none is, it is the first unfinished one's alone.
    """

    neuron: str
    shares: np.ndarray
    """(runs, bins)."""
    fine: np.ndarray
    """(runs, stored bins)."""
    name: str
    members: pd.DataFrame
    """Their rows."""

    @property
    def mean(self) -> np.ndarray:
        """Mean share of each bin, (bins,)."""
        return self.shares.mean(0)


def merged(counts: np.ndarray, width: float = BIN) -> np.ndarray:
    """Counts of equal bins over [0, 1] as shares of their sum, in bins `width` wide or as stored where that is wider.

    >>> merged(np.array([1, 1, 2, 0, 0, 0, 3, 1]), width=0.5).tolist()
    [0.5, 0.5]
    """
    most = max(1, round(width * len(counts)))
    together = max(n for n in range(1, most + 1) if len(counts) % n == 0)
    return counts.reshape(-1, together).sum(1) / counts.sum()


@figure("figure-4", "Histograms of preactivated outputs", section="neurons", order=4)
def figure_4(study: Study) -> Drawn | None:
    """Log share of preactivated outputs by value, three curves; first and last bins annotated."""
    cells = EXPERIMENTS["neurons"].cells
    curves = [curve for cell in cells if (curve := _curve(study, cell)) is not None]
    if not curves:
        return None
    figure = chart(3.0)
    whole, *close = figure.subplot_mosaic([["whole", c.neuron] for c in curves], width_ratios=[2.9, 1]).values()
    for curve in curves:
        _draw(whole, curve)
    lowest = min(float(c.mean[c.mean > 0].min()) for c in curves)
    bottom = max(FLOOR, 10 ** np.floor(np.log10(lowest)))
    whole.set(yscale="log", xlim=(0, 1), ylim=(bottom, 2), xlabel="preactivated output")
    whole.set_ylabel(f"density: share in a bin of {BIN}")
    whole.axvline(0.5, ymax=0.7, color="0.5", linewidth=0.6, linestyle=":")
    _annotate(whole, curves, 0, "first bin")
    _annotate(whole, curves, -1, "last bin")
    whole.legend(loc="upper center", handlelength=3.6, borderaxespad=0.2)
    for axes, curve in zip(close, curves, strict=True):
        _draw_close(axes, curve)
        axes.tick_params(labelbottom=axes is close[-1])
    close[0].set_title("around the threshold, linear; ± s.e.", fontsize=SMALL, color="0.3")
    close[-1].set_xlabel("preactivated output")
    missing = [f"{label(c)}: {absence(study, c)}" for c in cells if c.neuron not in {k.neuron for k in curves}]
    return Drawn(figure, _alt(curves, missing), missing)


def _curve(study: Study, cell: Cell) -> Curve | None:
    members = members_of(study.members, cell)
    done = members["status"] == "done"
    histograms = _stored(study, members[done].head(MOST_SEEDS))
    if not histograms:  # unfinished: one run alone
        histograms = dict(islice(_stored(study, members[~done]).items(), 1))
    if not histograms:
        return None
    shown = members.set_index("member_id").loc[list(histograms)]
    first = shown.iloc[0]
    seeds = f"{'first ' if done.sum() > MOST_SEEDS else ''}{len(shown)} seeds"
    seeds = f"seed {int(first['seed'])}" if len(shown) == 1 else seeds
    name = f"{labels.neuron(cell.neuron)}, {seeds}, epoch {int(first['epochs_done'])}"
    if first["status"] != "done":
        name += f" of {int(first['epochs'])}, {first['status']}"
    shares, fine = (np.stack([of(c) for c in histograms.values()]) for of in (merged, lambda c: c / c.sum()))
    return Curve(cell.neuron, shares, fine, name, shown)


def _stored(study: Study, members: pd.DataFrame) -> dict[str, np.ndarray]:
    """Counts by member_id of those that have a histogram, the finest where they differ in bins."""
    found = {i: h[1] for i in members["member_id"] if (h := study.histogram(i)) is not None and h[1].sum() > 0}
    bins = {len(counts) for counts in found.values()}
    return {i: counts for i, counts in found.items() if len(counts) == max(bins)}


def _draw(axes: Axes, curve: Curve) -> None:
    """Mean as a line, with gaps where a bin is empty; from the lowest seed to the highest as a band."""
    look = labels.look(curve.neuron)
    centres = (np.arange(curve.shares.shape[1]) + 0.5) / curve.shares.shape[1]
    mean = np.where(curve.mean > 0, curve.mean, np.nan)
    axes.plot(centres, mean, color=look.colour, linestyle=look.line, linewidth=1.1, label=curve.name)
    if len(curve.shares) > 1:
        low, high = (np.maximum(f(curve.shares, 0), FLOOR) for f in (np.min, np.max))
        axes.fill_between(centres, low, high, color=look.colour, alpha=0.25, linewidth=0)


def _draw_close(axes: Axes, curve: Curve) -> None:
    """The stored, finer bins around the threshold, over their mean; the paper's bin of the notch is shaded."""
    look = labels.look(curve.neuron)
    fine = curve.fine.mean(0)
    centres = (np.arange(len(fine)) + 0.5) / len(fine)
    inside = (centres > WINDOW[0]) & (centres < WINDOW[1])
    axes.axvspan(0.5 - BIN / 2, 0.5 + BIN / 2, color="0.85", linewidth=0)
    if fine[inside].sum() > 0:
        axes.plot(centres[inside], fine[inside] / fine[inside].mean(), color=look.colour, linestyle=look.line, lw=0.9)
    axes.set(xlim=WINDOW, ylim=(0, max(1.8, axes.get_ylim()[1])), xticks=[0.46, 0.48, 0.5, 0.52, 0.54], yticks=[0, 1])
    axes.text(0.03, 0.06, _notch(curve), transform=axes.transAxes, fontsize=SMALL)


def _notch(curve: Curve) -> str:
    """The seeds' mean notch and its standard error: they scatter no less than each was measured with."""
    notch, error = (curve.members[f"preactivated_notch{end}"].to_numpy(float) for end in ("", "_error"))
    name = labels.neuron(curve.neuron)
    if np.isnan(notch).any() or np.isnan(error).any():
        return f"{name}: notch not measured"
    of_one = np.sqrt(np.mean(error**2))
    spread = max(notch.std(ddof=1), of_one) if len(notch) > 1 else of_one
    words = f"{name}: notch {notch.mean():.3f} ± {spread / np.sqrt(len(notch)):.3f}"
    return words.replace("-0", "−0")


def _annotate(axes: Axes, curves: list[Curve], index: int, text: str) -> None:
    """The shares of the first or last bin as a list beside it, each with a line to its own marker."""
    ordered = sorted(curves, key=lambda c: -c.mean[index])
    first = index == 0
    x_bin, x_text, side = (BIN / 2, 0.1, "left") if first else (1 - BIN / 2, 0.9, "right")
    style: Any = {"xycoords": "data", "textcoords": "axes fraction", "va": "center", "ha": side, "fontsize": SMALL}
    axes.text(x_text, 0.955, text, transform=axes.transAxes, va="center", ha=side, fontsize=SMALL, color="0.3")
    for rank, curve in enumerate(ordered):
        look, share = labels.look(curve.neuron), float(curve.mean[index])
        words = f"{labels.neuron(curve.neuron)} {number(share)}"
        y = 0.955 - 0.065 * (rank + 1)
        if share < axes.get_ylim()[0]:
            axes.text(x_text, y, words, transform=axes.transAxes, va="center", ha=side, fontsize=SMALL)
            continue
        line = {"arrowstyle": "-", "color": look.colour, "linewidth": 0.6}
        arrow = {**line, "shrinkA": 1, "shrinkB": 2, "relpos": (not first, 0.5)}
        axes.annotate(words, (x_bin, share), (x_text, y), arrowprops=arrow, **style)
        axes.plot([x_bin], [share], look.marker, color=look.colour, markersize=3.5, clip_on=False, zorder=5)


def _alt(curves: list[Curve], missing: list[str]) -> str:
    parts = ["Histograms of preactivated outputs from 0 to 1, density on a logarithmic scale."]
    for curve in curves:
        bins = (np.arange(curve.shares.shape[1]) + 0.5) / curve.shares.shape[1]
        middle = curve.mean[(bins > 0.3) & (bins < 0.7)].sum()
        parts.append(
            f"{curve.name}: {number(float(curve.mean[0]))} of the outputs lie in the first bin, "
            f"{number(float(curve.mean[-1]))} in the last, {number(float(middle))} between 0.3 and 0.7."
        )
    notches = "; ".join(_notch(curve) for curve in curves)
    parts.append(f"Panels beside it show the density from {WINDOW[0]} to {WINDOW[1]}, around the threshold. {notches}.")
    parts += [f"Missing: {'; '.join(missing)}."] if missing else []
    return " ".join(parts)
