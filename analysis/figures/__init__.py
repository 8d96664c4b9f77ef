"""The paper's figures and the study's own, each from Parquet alone: `FIGURES`, and `save` for what `draw` gives."""

from analysis.figures.critical_difference import draw_critical_difference
from analysis.figures.drawn import Drawn, Figure, save
from analysis.figures.evolution import evolution
from analysis.figures.figure_4 import figure_4
from analysis.figures.figure_8 import figure_8
from analysis.figures.interactions import interactions
from analysis.figures.samples import figure_1, figure_3, figure_5, figure_6, figure_7
from analysis.figures.scores import scores
from analysis.figures.search_history import search_history
from analysis.figures.search_importances import search_importances
from analysis.figures.search_parallel import search_parallel
from analysis.figures.search_pareto import search_pareto
from analysis.figures.search_samples import search_samples
from analysis.figures.search_slices import search_slices
from analysis.figures.training_curves import training_curves

__all__ = ["FIGURES", "Drawn", "Figure", "save"]

FIGURES: tuple[Figure, ...] = (
    Figure("figure-1", "Training images", "64 binarized digits to train on.", figure_1, of_searches=True),
    Figure(
        "figure-3",
        "DBN and SBN samples beside their preactivated outputs",
        "Grids of 64 generated digits, binary and as preactivated outputs.",
        figure_3,
    ),
    Figure(
        "figure-4",
        "Histograms of preactivated outputs",
        "Log density of the preactivated outputs of DBN, SBN and real-valued neurons.",
        figure_4,
    ),
    Figure(
        "figure-5",
        "The real-valued model: raw, thresholded and Bernoulli-sampled outputs",
        "Grids of the same 64 digits, raw and binarized in two ways.",
        figure_5,
    ),
    Figure("figure-6", "GAN and WGAN", "Grids of 64 digits of GAN and WGAN with DBN and SBN.", figure_6),
    Figure("figure-7", "The CNN", "Grids of 64 digits of the CNN with DBN, SBN and real-valued neurons.", figure_7),
    Figure(
        "figure-8",
        "Objectives with and without normalization in D",
        "Grids of 64 digits of WGAN-GP, WGAN and GAN with and without normalization in D, DBN and SBN.",
        figure_8,
    ),
    Figure("scores", "FID of every cell", "FID of each cell, all seeds, mean and confidence interval.", scores),
    Figure("interactions", "How factors interact", "FID by two factors at a time.", interactions),
    Figure(
        "critical-difference",
        "Which cells rank apart",
        "Mean ranks of the cells over seeds with the critical difference.",
        draw_critical_difference,
    ),
    Figure("training-curves", "Losses and FID by epoch", "Losses and FID of every seed by epoch.", training_curves),
    Figure("evolution", "Samples over the epochs", "Samples of the same z after a few epochs.", evolution),
    Figure(
        "search-history",
        "Trials in order",
        "Each trial's value in the order in which they started, with the best so far.",
        search_history,
        of_searches=True,
    ),
    Figure(
        "search-pareto",
        "The Pareto front",
        "The complete trials by two metrics, with those that none beats in both.",
        search_pareto,
        of_searches=True,
    ),
    Figure(
        "search-samples",
        "Samples of the best trials",
        "Grids of 64 digits of the best complete trials.",
        search_samples,
        of_searches=True,
    ),
    Figure(
        "search-importances",
        "Importances of parameters",
        "How much each parameter matters, by fANOVA and PED-ANOVA.",
        search_importances,
        of_searches=True,
    ),
    Figure(
        "search-slices",
        "Values by one parameter at a time",
        "A panel a parameter: each trial's value over its value of the parameter.",
        search_slices,
        of_searches=True,
    ),
    Figure(
        "search-parallel",
        "Parallel coordinates of the trials",
        "A line a complete trial through its values of all parameters to its value.",
        search_parallel,
        of_searches=True,
    ),
)
"""In the order of the report; `draw` gives None for a study that has nothing of a figure."""
