"""Numbers for binary images and preactivated outputs. Each file of a family declares its metrics in `names.METRICS`.

`scores` computes them together; a new file here is found by itself, and its columns come after the others'.
"""

from importlib import import_module
from pkgutil import iter_modules

FAMILIES = ("feature_distances", "classes", "copies", "bits", "preactivations", "gates")
"""The files that declare metrics, in the order of their columns."""
OTHERS = ("names", "measured", "extractor", "scores", "evaluation")
"""The files that declare none."""

for _name in (*FAMILIES, *sorted({m.name for m in iter_modules(__path__)} - {*FAMILIES, *OTHERS})):
    import_module(f"{__name__}.{_name}")
