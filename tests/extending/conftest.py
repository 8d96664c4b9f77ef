"""The parts from outside are registered while the tests of this folder run, and for no other test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import plugins_forgotten

from binarygan.plugins import load_plugins

collect_ignore = ["outside_parts.py"]  # pytest would import it to look for doctests


@pytest.fixture(autouse=True, scope="module")
def _outside_parts() -> Iterator[None]:
    with plugins_forgotten():
        load_plugins([Path(__file__).parent / "outside_parts.py"])
        yield
