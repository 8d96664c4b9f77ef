"""The notebook of the examples runs, and says what it shows."""

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from running import ROOT

NOTEBOOK = ROOT / "examples" / "published_study.ipynb"


def printed(notebook: Any) -> list[str]:
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    return [o.text for o in outputs if o.output_type == "stream" and o.name == "stdout"]


@pytest.mark.parametrize("folder", [".", "examples"])
def test_it_prints_what_it_shows_and_draws_its_figures(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the repository and from its own folder, which is what Jupyter takes."""
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a command that ran in this process has set it
    shown = nbformat.read(NOTEBOOK, 4)
    run = nbformat.read(NOTEBOOK, 4)
    for cell in run.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(run, timeout=300, resources={"metadata": {"path": str(ROOT / folder)}}).execute()
    assert printed(run) == printed(shown) != []
    figures = [o for cell in run.cells for o in cell.get("outputs", ()) if "image/png" in o.get("data", {})]
    assert len(figures) == 3
