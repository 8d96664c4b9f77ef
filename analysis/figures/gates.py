"""FID against the share of a gated generator's blocks that are on, beside plain MLPs of that width."""

import numpy as np
from matplotlib.axes import Axes

from analysis import labels
from analysis.figures.registry import Drawn, figure
from analysis.figures.style import chart, value_axis
from analysis.results.study import Study
from analysis.statistics.gates import GATED, NARROW, Point, of_gates, points, sentence
from analysis.statistics.summaries import Summary


@figure("gates", "FID against the share of the generator that is on", section="gates")
def gates(study: Study) -> Drawn | None:
    """A line for each neuron, gated and plain: means with 95% intervals both ways, and every seed."""
    members, left = of_gates(study.members)
    found = points(members)
    if not any(architecture == GATED for _, architecture in found):
        return None
    picture = chart(3.1)
    axes = picture.subplots()
    for (neuron, architecture), own in found.items():
        _draw(axes, neuron, own, gated=architecture == GATED)
    axes.set_xlabel("share of the 1,024 hidden units that are on for an image (gated) or that there are (plain)")
    value_axis(axes.yaxis, "FID")
    picture.legend(loc="outside upper center", ncols=2, title="mean and 95% CI; small: a seed")
    neurons = {neuron for neuron, architecture in found if architecture == GATED}
    alone = [labels.neuron(neuron) for neuron in sorted(neurons) if (neuron, NARROW) not in found]
    missing = [f"{name}: no plain MLP of equal active width is done" for name in alone]
    missing += [f"{left} configurations of other settings"] if left else []
    few = any(point.fid.n < 2 for own in found.values() for point in own)
    cautions = ["Where there is one seed there is no interval."] if few else []
    return Drawn(picture, f"FID against the share of blocks that are on. {sentence(members)}", missing, cautions)


def _draw(axes: Axes, neuron: str, own: list[Point], *, gated: bool) -> None:
    look = labels.look(neuron)
    fill = look.colour if gated else "white"
    for point in own:
        seeds = point.shares.index.intersection(point.fids.index)
        axes.plot(
            point.shares[seeds], point.fids[seeds], look.marker, ms=2.5, mfc="none", mec=look.colour, mew=0.5, alpha=0.7
        )
    axes.errorbar(
        [point.share.mean for point in own],
        [point.fid.mean for point in own],
        xerr=_bars([point.share for point in own]) if gated else None,
        yerr=_bars([point.fid for point in own]),
        fmt=look.marker,
        linestyle="-" if gated else (0, (4, 2)),
        color=look.colour,
        markerfacecolor=fill,
        markersize=5,
        linewidth=1.1,
        elinewidth=0.8,
        capsize=2,
        label=f"{labels.neuron(neuron)}, {labels.part('architecture', GATED) if gated else 'plain MLP of that width'}",
    )


def _bars(of: list[Summary]) -> np.ndarray:
    """How far each interval reaches below and above its mean; 0 where there is none."""
    return np.nan_to_num([[s.mean - s.low for s in of], [s.high - s.mean for s in of]])
