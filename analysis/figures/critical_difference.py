"""Critical-difference diagram: mean ranks of the cells over seeds, a bar over those not shown to differ."""

import textwrap

from matplotlib.axes import Axes

from analysis import labels
from analysis.figures.picks import number
from analysis.figures.registry import STATISTICS, Drawn, figure
from analysis.figures.style import SMALL, chart
from analysis.results.cells import trained
from analysis.results.study import Study
from analysis.statistics.hypotheses import ALPHA
from analysis.statistics.ranks import Ranks, critical_difference
from analysis.statistics.summaries import Unavailable

ROW, LINE, BAR = 0.19, 0.11, 0.09
"""Inches between labels, for each line more of a label, and between bars."""
WIDE = 38
"""Letters in a line of a label."""
HEAD = 0.62
"""Inches above the axis of ranks."""


@figure("critical-difference", "Which cells rank apart", section=STATISTICS, order=3)
def draw_critical_difference(study: Study) -> Drawn | None:
    """Demšar's diagram of FID ranks; rank 1, the best, at the left."""
    ranks = critical_difference(trained(study.members), "fid")
    if isinstance(ranks, Unavailable):
        return None
    table = ranks.table.reset_index(drop=True)
    cells = study.cells.set_index("cell_id")
    keys = list(zip(table["cell_id"].astype(str), table["binarization"].astype(str), strict=True))
    names = [str(cells["name"][cell_id]) + labels.BINARIZATIONS[kind] for cell_id, kind in keys]
    looks = [labels.look(str(cells["neuron"][cell_id]), kind) for cell_id, kind in keys]
    left = -(-len(table) // 2)
    means = [f"{rank:.2f}" for rank in table["mean_rank"]]
    written = [
        f"{name}  {m}" if i < left else f"{m}  {name}" for i, (name, m) in enumerate(zip(names, means, strict=True))
    ]
    written = [textwrap.fill(words, WIDE) for words in written]
    row = ROW + LINE * max(words.count("\n") for words in written)
    levels = bar_levels(ranks.groups)
    first_label = 0.22 + BAR * (max(levels, default=-1) + 1)
    height = HEAD + first_label + row * left + 0.02
    figure = chart(height, layout=None)
    axes = figure.add_axes((0.34, 0, 0.32, 1))
    axes.set_axis_off()
    axes.set(xlim=(1, len(table)), ylim=(height - HEAD, -HEAD))  # inches below the axis of ranks
    _axis(axes, ranks, len(table))
    for (first, last), level in zip(ranks.groups, levels, strict=True):
        y = 0.12 + BAR * level
        ends = [table["mean_rank"][first] - 0.06, table["mean_rank"][last] + 0.06]
        axes.plot(ends, [y, y], color="black", linewidth=2.4, solid_capstyle="butt", clip_on=False)
    for i, rank in enumerate(table["mean_rank"]):
        on_left = i < left
        y = first_label + row * (i if on_left else len(table) - 1 - i)
        edge = 1 - 0.02 * len(table) if on_left else len(table) * 1.02
        look = looks[i]
        axes.plot([rank, rank, edge], [0, y, y], color="0.35", linewidth=0.6, clip_on=False)
        axes.plot([rank], [0], look.marker, color=look.colour, markersize=4, clip_on=False, zorder=4)
        words = textwrap.indent(written[i], "" if on_left else " ") + " " * on_left
        axes.text(edge, y, words, ha="right" if on_left else "left", va="center", fontsize=7)
    return Drawn(figure, _alt(ranks, names), cautions=list(ranks.notes))


def bar_levels(groups: tuple[tuple[int, int], ...]) -> list[int]:
    """How far down each bar lies, so that no two overlap.

    >>> bar_levels(((0, 2), (1, 4), (3, 5)))
    [0, 1, 0]
    """
    ends: list[int] = []
    levels = []
    for first, last in groups:
        level = next((k for k, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        levels.append(level)
    return levels


def _axis(axes: Axes, ranks: Ranks, count: int) -> None:
    """The axis of ranks, its numbers, the critical difference as a length, and Friedman's test."""
    axes.plot([1, count], [0, 0], color="black", linewidth=0.8, clip_on=False)
    step = -(-(count - 1) // 12)
    for tick in range(1, count + 1, step):
        axes.plot([tick, tick], [0, -0.05], color="black", linewidth=0.8, clip_on=False)
        axes.text(tick, -0.07, str(tick), ha="center", va="bottom", fontsize=7)
    end = min(1 + ranks.critical_difference, count)
    axes.plot([1, 1, 1, end, end, end], [-0.34, -0.26, -0.30, -0.30, -0.26, -0.34], color="black", linewidth=1.0)
    longer = " (longer than the axis)" if end == count else ""
    p = "p < 0.001" if ranks.p < 0.001 else f"p {ranks.p:.2g}"
    words = f"CD {ranks.critical_difference:.2f}{longer}; Friedman {p}; {len(ranks.seeds)} seeds; mean ranks of FID"
    axes.text(1, -0.37, words, ha="left", va="bottom", fontsize=SMALL)


def _alt(ranks: Ranks, names: list[str]) -> str:
    listed = "; ".join(f"{n} {r:.2f}" for n, r in zip(names, ranks.table["mean_rank"], strict=True))
    apart = [f"{names[a]} to {names[b]}" for a, b in ranks.groups]
    return (
        f"Critical-difference diagram of FID over {len(ranks.seeds)} seeds. Mean ranks, 1 the best: {listed}. "
        f"CD {number(ranks.critical_difference)} at level {ALPHA:g}; Friedman's p {ranks.p:.1g}. "
        f"Not shown to differ: {'; '.join(apart) or 'none'}."
    )
