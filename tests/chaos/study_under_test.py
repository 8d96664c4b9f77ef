"""A study's folder: what must hold of it at any moment, and at its end."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from binarygan.data.images import load_images
from study.store.schemas import SCHEMAS

ROOT = Path(__file__).parents[2]
MEASURED = ["seconds", "evaluation_seconds", "started_at", "git_commit"]
"""Columns that two runs need not share; the commit, since somebody may commit between them."""


def write_digits(path: Path, count: int = 64) -> Path:
    """So many real digits: 64 make one iteration an epoch."""
    np.save(path, load_images("mnist").bits(count).reshape(-1, 28, 28))
    return path


def run(words: Sequence[str], environment: Mapping[str, str] | None = None, status: int = 0) -> None:
    """Run a command to its end, which must be this one."""
    outcome = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert outcome.returncode == status, outcome.stdout + outcome.stderr


def tables(results: Path) -> dict[str, pd.DataFrame]:
    """Every row of every table, in order, without what is measured by a clock."""
    found = {}
    for name in SCHEMAS:
        frame = pd.read_parquet(results / "s" / name)
        keys = ["member_id"] if name == "members" else ["member_id", "epoch"]
        frame = frame.sort_values(keys).reset_index(drop=True)
        assert not frame.duplicated(keys).any(), f"{name} has a row twice"
        found[name] = frame.drop(columns=MEASURED, errors="ignore")
    return found


def assert_readable(results: Path) -> int:
    """Every Parquet file is whole, at this very moment; how many there are."""
    count = 0
    for path in sorted((results / "s").glob("*/*.parquet")):
        with path.open("rb") as file:  # by its name it would be opened twice, and may be replaced in between
            pq.read_table(file)
        count += 1
    return count


def assert_equal(results: Path, expected: dict[str, pd.DataFrame]) -> None:
    """Every member once, bit for bit as in the undisturbed run, and nothing left over."""
    for name, frame in tables(results).items():
        pd.testing.assert_frame_equal(frame, expected[name], check_exact=True, obj=name)
    left = [p for p in (results / "s").rglob("*") if p.is_file() and (".partial" in str(p) or "epoch-" in p.name)]
    assert not left, f"left over: {left}"
