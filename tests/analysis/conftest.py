"""Studies that several tests read or draw."""

from pathlib import Path

import pytest
from made_figures import grid, written
from made_study import MEMBERS, write_study

from analysis.results.load import Study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three members: DBN, SBN and real-valued."""
    write_study(tmp_path / "s", MEMBERS)
    return tmp_path / "s"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The paper's grid, with samples of its first seed."""
    return written(tmp_path_factory.mktemp("whole"), grid(), samples_of_seeds=0)
