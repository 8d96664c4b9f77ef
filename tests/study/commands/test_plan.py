"""What `--plan` prints of a grid before anything is timed."""

from pathlib import Path

import pytest

from binarygan.data.images import load_images
from binarygan.errors import counted
from study.commands.plan import show_plan
from study.design.grids import GRIDS
from study.options import parse
from study.store.store import Store


@pytest.mark.parametrize("grid", GRIDS)
def test_each_configuration_is_told_from_the_others(
    grid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = load_images("mnist")
    cells = GRIDS[grid].cells("as-described", data_digest=data.digest, train_images=60_000)
    options = parse(["--grid", grid, "--plan"])
    show_plan(Store(tmp_path, "s"), cells, cells, [], [], options, data, "cpu")
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"s: {counted(len(cells), 'cell')}, {counted(len(cells), 'member')}, 0 finished, 0 trials on cpu"
    told = {line.strip().partition(" ")[2] for line in lines}
    assert len(told) == len(lines) == len(cells)
