"""The paper's figures and the study's own, each from Parquet alone: `FIGURES`, and `save` for what `draw` gives."""

from analysis.figures.critical_difference import draw_critical_difference
from analysis.figures.drawn import Drawn, Figure, save
from analysis.figures.evolution import evolution
from analysis.figures.figure_4 import figure_4
from analysis.figures.figure_8 import figure_8
from analysis.figures.interactions import interactions
from analysis.figures.samples import figure_1, figure_3, figure_5, figure_6, figure_7
from analysis.figures.scores import scores
from analysis.figures.search.history import search_history
from analysis.figures.search.importances import search_importances
from analysis.figures.search.parallel import search_parallel
from analysis.figures.search.pareto import search_pareto
from analysis.figures.search.samples import search_samples
from analysis.figures.search.slices import search_slices
from analysis.figures.training_curves import training_curves

__all__ = ["FIGURES", "Drawn", "Figure", "save"]

FIGURES: tuple[Figure, ...] = (
    Figure("figure-1", "Training images", figure_1, of_searches=True),
    Figure(
        "figure-3",
        "DBN and SBN samples beside their preactivated outputs",
        figure_3,
    ),
    Figure(
        "figure-4",
        "Histograms of preactivated outputs",
        figure_4,
    ),
    Figure(
        "figure-5",
        "The real-valued model: raw, thresholded and Bernoulli-sampled outputs",
        figure_5,
    ),
    Figure("figure-6", "GAN and WGAN", figure_6),
    Figure("figure-7", "The CNN", figure_7),
    Figure(
        "figure-8",
        "Objectives with and without normalization in D",
        figure_8,
    ),
    Figure("scores", "FID of every cell", scores),
    Figure("interactions", "How factors interact", interactions),
    Figure(
        "critical-difference",
        "Which cells rank apart",
        draw_critical_difference,
    ),
    Figure("training-curves", "Losses and FID by epoch", training_curves),
    Figure("evolution", "Samples over the epochs", evolution),
    Figure(
        "search-history",
        "Trials in order",
        search_history,
        of_searches=True,
    ),
    Figure(
        "search-pareto",
        "The Pareto front",
        search_pareto,
        of_searches=True,
    ),
    Figure(
        "search-samples",
        "Samples of the best trials",
        search_samples,
        of_searches=True,
    ),
    Figure(
        "search-importances",
        "Importances of parameters",
        search_importances,
        of_searches=True,
    ),
    Figure(
        "search-slices",
        "Values by one parameter at a time",
        search_slices,
        of_searches=True,
    ),
    Figure(
        "search-parallel",
        "Parallel coordinates of the trials",
        search_parallel,
        of_searches=True,
    ),
)
"""In the order of the report; `draw` gives None for a study that has nothing of a figure."""
