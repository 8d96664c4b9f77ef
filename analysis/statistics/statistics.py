"""Statistics over seeds: what figures, tables and claims take from here. scipy and statsmodels do the arithmetic.

The replicate is a training seed. With one seed a cell each function says what cannot be said (`Unavailable`, or a
note beside NaN). Members that are not done enter no mean.
"""

from analysis.statistics.anova import FACTORS, Anova, anova
from analysis.statistics.differences import Difference, compare_to_baseline, holm, is_ratio, paired
from analysis.statistics.ranks import Ranks, critical_difference
from analysis.statistics.summaries import Summary, Unavailable, by_binarization, finished, summarize

__all__ = [
    "FACTORS",
    "Anova",
    "Difference",
    "Ranks",
    "Summary",
    "Unavailable",
    "anova",
    "by_binarization",
    "compare_to_baseline",
    "critical_difference",
    "finished",
    "holm",
    "is_ratio",
    "paired",
    "summarize",
]
