"""Studies and reports that several tests read or draw."""

from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from made_figures import grid, written
from made_reports import Report, once, report_of
from made_search import TWO, eventful, made_search
from made_study import MEMBERS, SCRIPT, paper_members, write_study

from analysis.figures import save
from analysis.report import contents
from analysis.results.load import load_study
from analysis.results.study import Study


@pytest.fixture(autouse=True)
def few_formats(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports that a test makes for itself have PNG files alone, but where it is marked `every_format`."""
    if request.node.get_closest_marker("every_format") is None:
        monkeypatch.setattr(contents, "save", partial(save, pdf=False))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three members: DBN, SBN and real-valued."""
    write_study(tmp_path / "s", MEMBERS)
    return tmp_path / "s"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The paper's grid, with samples of its first seed."""
    return written(tmp_path_factory.mktemp("whole"), grid(), samples_of_seeds=0)


@pytest.fixture(scope="session")
def grid_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The paper's grid with three seeds, a failure, a divergence and a run on its way; scripts in name and errors."""
    name = SCRIPT.replace("/", "\u2215")

    def make(home: Path) -> None:
        members = paper_members()
        members.loc[5, ["status", "error"]] = ["failed", SCRIPT]
        members.loc[7, "error"] = SCRIPT
        members.loc[9, ["status", "error"]] = ["diverged", "losses are not finite after epoch 3"]
        members.loc[20, "status"] = "running"
        write_study(home / name, members)
        text = '{"grid": "paper", "fidelity": "as-released", "quick": false, "cells": {}}'
        (home / name / "study.json").write_text(text)
        report_of(home / name, home / "out")

    home = once(tmp_path_factory, "grid-report", make)
    return Report(home / name, home / "out")


@pytest.fixture(scope="session")
def search(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Two metrics; trials that were stopped and that diverged."""

    def make(home: Path) -> None:
        made_search(home / "search-mlp", eventful, trials=60, metrics=TWO, samples=True)

    return load_study(once(tmp_path_factory, "search", make) / "search-mlp")


@pytest.fixture(scope="session")
def search_report(search: Study, tmp_path_factory: pytest.TempPathFactory) -> Report:
    home = once(tmp_path_factory, "search-report", lambda home: report_of(search.folder, home / "out"))
    return Report(search.folder, home / "out")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A: neurons, three seeds. B: neurons and objectives, two seeds, one number of one run changed, one failed."""
    a = paper_members(seeds=3, grid="paper-neurons")
    b = pd.concat([a[a["seed"] < 2], paper_members(seeds=2, grid="paper-objectives")], ignore_index=True)
    b.loc[0, "fid"] += 0.5
    b.loc[3, ["status", "error"]] = ["failed", SCRIPT]
    root = tmp_path_factory.mktemp("two")
    write_study(root / "A", a, samples=False)
    write_study(root / "B", b, samples=False)
    return root / "A", root / "B"
