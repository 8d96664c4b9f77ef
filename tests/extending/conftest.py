"""The parts from outside are registered while the tests of this folder run, and for no other test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.figures import FIGURES
from binarygan.config import PARTS
from binarygan.metrics.names import METRICS
from binarygan.plugins import load_plugins
from study.design.grids import GRIDS

collect_ignore = ["outside_parts.py"]  # pytest would import it to look for doctests


@pytest.fixture(autouse=True, scope="module")
def _outside_parts() -> Iterator[None]:
    registries = [*PARTS.values(), METRICS, FIGURES, GRIDS]
    before = [dict(registry._parts) for registry in registries]
    load_plugins([Path(__file__).parent / "outside_parts.py"])
    yield
    del sys.modules["plugin_outside_parts"]
    for registry, parts in zip(registries, before, strict=True):
        registry._parts = parts
