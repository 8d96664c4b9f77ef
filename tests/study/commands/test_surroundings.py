"""A study in surroundings that ended others: not installed, one core of the machine, no home, a notebook's settings."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from running import FEW_SAMPLES

from study.store.provenance import sources_digest
from study.store.store import Store

NOT_INSTALLED = """
import sys

sys.meta_path[:] = [f for f in sys.meta_path if "__editable__" not in getattr(f, "__module__", "")]
"""
"""A sitecustomize.py: every process, Ray's workers among them, finds the project by its own folder or not at all."""


@pytest.fixture
def called(checkouts: tuple[Path, Path], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that calls the other checkout's `study/run.py` in the user's folder, on one core."""
    checkout, user = checkouts
    site, temporary = tmp_path / "site", tmp_path / ("t" * 80)
    for folder in (site, temporary):
        folder.mkdir()
    (site / "sitecustomize.py").write_text(NOT_INSTALLED)
    (user / "few_samples.py").write_text(FEW_SAMPLES)
    own = os.environ | {
        "HOME": "/proc/self",  # where nobody can write
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONIOENCODING": "latin-1",
        "PYTHONPATH": str(site),
        "RAY_AIR_LOCAL_CACHE_DIR": "/nowhere",
        "TMPDIR": str(temporary),
    }
    core = {min(os.sched_getaffinity(0))}

    def call(*options: object) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, str(checkout / "study" / "run.py"), "--plugin", "few_samples.py", *map(str, options)]
        return subprocess.run(
            words,
            cwd=user,
            env=own,
            capture_output=True,
            text=True,
            encoding="latin-1",
            preexec_fn=lambda: os.sched_setaffinity(0, core),
        )

    return call


@pytest.mark.long
def test_a_study_is_trained_by_the_code_that_is_called_one_run_at_a_time(
    called: Callable[..., subprocess.CompletedProcess[str]], checkouts: tuple[Path, Path], batch: Path
) -> None:
    checkout, user = checkouts
    (checkout / "study" / "own.py").write_text("here = True\n")
    there = {p.name for p in user.iterdir()}
    options = (
        "--grid",
        "paper-neurons",
        "--only",
        "neuron=deterministic",
        "--seeds",
        2,
        "--epochs",
        1,
        "--data",
        batch,
    )
    planned = called(*options, "--plan")
    assert (planned.returncode, "1 at a time" in planned.stdout) == (0, True), planned
    outcome = called(*options)
    assert outcome.returncode == 0, outcome
    rows = pd.DataFrame(Store(user / "results", "paper-neurons").statuses().values()).sort_values("started_at")
    assert list(rows["status"]) == ["done", "done"]
    [digest] = {json.loads(v)["sources"] for v in rows["versions"]}
    assert digest not in ("", sources_digest())
    first, second = rows["started_at"]
    assert (second - first).total_seconds() >= rows["seconds"].iloc[0]
    assert {p.name for p in user.iterdir()} - there == {"results"}
