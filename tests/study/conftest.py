"""What several tests of studies train on."""

from pathlib import Path

import pytest
from running import write_digits


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """128 real digits: two iterations an epoch."""
    return write_digits(tmp_path_factory.mktemp("data") / "digits.npy", 128)
