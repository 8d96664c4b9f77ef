"""Interaction plot: FID by one factor, a line for each level of another."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import labels
from analysis.figures.picks import number
from analysis.figures.registry import STATISTICS, Drawn, figure
from analysis.figures.style import SMALL, chart, value_axis
from analysis.labels import LOOKS, Look
from analysis.results.cells import trained
from analysis.results.fields import with_parameters
from analysis.results.study import Study
from analysis.statistics.anova import Anova, anova_of, factor_name, factors_of, of_one_kind
from analysis.statistics.summaries import Unavailable, summarize

MOST_LEVELS, MOST_PANELS = 8, 9


@dataclass(frozen=True)
class Crossing:
    """Two factors with the largest part of the design in which they are fully crossed.

    Every pair of levels was trained with every one of the same combinations of the other factors, so that
    differences between points are of these two factors alone.
    """

    across: str
    """On the x axis."""
    lines: str
    table: pd.DataFrame
    """Log FID: rows (level of `across`, level of `lines`, seed), a column for each combination of the other factors."""
    left_out: list[str]
    """Levels that are not crossed."""

    @property
    def title(self) -> str:
        """`objective × neuron`."""
        return f"{factor_name(self.across)} × {factor_name(self.lines)}"

    def levels(self, factor: str) -> list[str]:
        """In the order of all charts."""
        found = self.table.index.get_level_values(factor).unique()
        numbers = pd.to_numeric(pd.Series(found, index=found), errors="coerce").fillna(0)
        return sorted(found, key=lambda v: (labels.rank(factor, v), numbers[v], v))


@figure("interactions", "How factors interact", section=STATISTICS, order=2)
def interactions(study: Study) -> Drawn | None:
    """A panel for each pair of factors; lines that are not parallel are interactions."""
    members = with_parameters(trained(study.members))
    rows, apart = of_one_kind(members[(members["status"] == "done") & (members["fid"].astype(float) > 0)])
    factors = [f for f in factors_of(rows) if 1 < rows[f].nunique() <= MOST_LEVELS]
    pairs = list(combinations(factors, 2))
    crossings = {pair: found for pair in pairs if (found := cross(rows, *pair, factors)) is not None}
    if not crossings:
        return None
    missing = [
        *apart,
        *(f"{factor_name(a)} × {factor_name(b)}: not crossed" for a, b in pairs if (a, b) not in crossings),
    ]
    shown = list(crossings.values())[:MOST_PANELS]
    missing += [f"{c.title}: no room" for c in list(crossings.values())[MOST_PANELS:]]
    missing += [f"{c.title}: {', '.join(c.left_out)} left out, not crossed" for c in shown if c.left_out]
    columns = 2 if len(shown) == 4 else min(3, len(shown))
    height = -(-len(shown) // columns)
    figure = chart(2.3 * height)
    effects = anova_of(study)
    sentences = ["FID by two factors at a time, each point the geometric mean of runs that differ in nothing else."]
    for axes, crossing in zip(figure.subplots(height, columns, squeeze=False).flat, shown, strict=False):
        sentences.append(_draw(axes, crossing, _effect(effects, crossing)))
    for axes in figure.axes[len(shown) :]:
        axes.remove()
    return Drawn(figure, " ".join(sentences), missing)


def cross(rows: pd.DataFrame, a: str, b: str, factors: list[str]) -> Crossing | None:
    """The part of the design that crosses two factors in most cells; None where no two levels of each are crossed."""
    others = [f for f in factors if f not in (a, b)]
    values = rows[factors].astype(str)
    context = ["|".join(row) for row in values[others].to_numpy()]
    log_fid = np.log(rows["fid"].astype(float))
    frame = values[[a, b]].assign(context=context, seed=rows["seed"].astype(int), log_fid=log_fid)
    there = frame.groupby([a, b])["context"].agg(set).to_dict()
    best: tuple[int, tuple[str, ...], tuple[str, ...], set[str]] = (0, (), (), set())
    for of_a, of_b in product(_choices(frame[a]), _choices(frame[b])):
        common = set.intersection(*(there.get(pair, set()) for pair in product(of_a, of_b)))
        if (size := len(of_a) * len(of_b) * len(common)) > best[0]:
            best = size, of_a, of_b, common
    size, of_a, of_b, common = best
    if not size:
        return None
    inside = frame[frame[a].isin(of_a) & frame[b].isin(of_b) & frame["context"].isin(common)]
    across, lines = (b, a) if a == "neuron" else (a, b)  # neurons keep their colours
    table = inside.pivot_table(index=[across, lines, "seed"], columns="context", values="log_fid", aggfunc="mean")
    left_out = [_name(f, v) for f, kept in ((a, of_a), (b, of_b)) for v in sorted(set(frame[f]) - set(kept))]
    return Crossing(across, lines, table, left_out)


def _choices(values: pd.Series) -> Iterator[tuple[str, ...]]:
    """All sets of two or more of the levels, the largest first."""
    levels = sorted(values.unique())
    for size in range(len(levels), 1, -1):
        yield from combinations(levels, size)


def _effect(effects: Anova | Unavailable, crossing: Crossing) -> str:
    """The interaction in the analysis of variance; empty where there is none."""
    if isinstance(effects, Unavailable):
        return ""
    across, lines = factor_name(crossing.across), factor_name(crossing.lines)
    found = effects.table[effects.table["term"].isin([f"{across} × {lines}", f"{lines} × {across}"])]
    if found.empty:
        return ""
    row = found.iloc[0]
    p = f"p {row['p_holm']:.2g}" if row["p_holm"] >= 0.001 else "p < 0.001"
    return f"partial η² {row['partial_eta_squared']:.2f}, {p}"


def _draw(axes: Axes, crossing: Crossing, effect: str) -> str:
    """One panel, and the sentence about it."""
    across, lines = crossing.levels(crossing.across), crossing.levels(crossing.lines)
    ticks = [_name(crossing.across, level) for level in across]
    words, counts = [], set()
    for i, line in enumerate(lines):
        look = labels.look(line) if crossing.lines == "neuron" else LOOKS[i % len(LOOKS)]
        x = np.arange(len(across)) + 0.09 * (i - (len(lines) - 1) / 2)
        points = [_point(crossing, level, line) for level in across]
        counts |= {len(seeds) for _, seeds in points}
        means = np.exp([mean for mean, _ in points])
        for position, (_, seeds) in zip(x, points, strict=True):
            _draw_seeds(axes, position, seeds, look)
        name = _name(crossing.lines, line)
        axes.plot(x, means, color=look.colour, linestyle=look.line, marker=look.marker, label=name)
        listed = ", ".join(f"{tick} {number(mean)}" for tick, mean in zip(ticks, means, strict=True))
        words.append(f"{name}: {listed}")
    axes.set(xticks=range(len(across)), xticklabels=ticks)
    axes.margins(x=0.15, y=0.1)
    value_axis(axes.yaxis, "FID")
    axes.set_title(crossing.title, pad=13)
    count = "–".join(str(n) for n in sorted({min(counts), max(counts)}))
    note = f"{count} seed{'s' * (count != '1')}" + (f"; interaction: {effect}" if effect else "")
    axes.text(0.5, 1.02, note, transform=axes.transAxes, ha="center", va="bottom", fontsize=SMALL, color="0.3")
    axes.legend(handlelength=3.2, title=factor_name(crossing.lines))
    return f"{crossing.title} ({note}): {'; '.join(words)}."


def _point(crossing: Crossing, across: str, line: str) -> tuple[float, pd.Series]:
    """The mean log FID of a pair of levels, and each seed's mean over the other factors where it has all of them."""
    levels = crossing.table.index
    here = (levels.get_level_values(crossing.across) == across) & (levels.get_level_values(crossing.lines) == line)
    part = crossing.table[here]
    seeds = part.dropna().mean(axis=1)
    return float(seeds.mean() if len(seeds) else part.mean().mean()), seeds


def _draw_seeds(axes: Axes, position: float, seeds: pd.Series, look: Look) -> None:
    """A faint point for each seed, and the 95% interval of their mean."""
    dots = np.full(len(seeds), position)
    axes.plot(dots, np.exp(seeds), look.marker, color=look.colour, markersize=2.5, mfc="none", mew=0.5, alpha=0.7)
    summary = summarize(seeds)
    if summary.n > 1:
        axes.plot([position] * 2, np.exp([summary.low, summary.high]), color=look.colour, linewidth=0.9)


def _name(factor: str, value: str) -> str:
    """What charts call a level."""
    if value == "nan":
        return "has none"  # a part without this parameter
    if factor == "discriminator_norm":
        return labels.norm_in_d(value)
    return str(labels.choice(factor, value))
