"""The figures of a report, each from Parquet alone. A file of this folder that registers a figure is all it takes."""

from importlib import import_module
from pkgutil import walk_packages

from analysis.figures.registry import FIGURES, Drawn, Figure, figure, in_order, save

__all__ = ["FIGURES", "Drawn", "Figure", "figure", "in_order", "save"]

for module in walk_packages(__path__, f"{__name__}."):
    import_module(module.name)
