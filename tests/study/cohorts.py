"""Small cohorts, trained into a store without Ray, and studies compared."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from binarygan.data.images import load_images
from binarygan.paper import paper_config
from study.design.cohorts import Cohort
from study.store.schemas import SCHEMAS
from study.store.store import Store
from study.trials.reports import Report
from study.trials.task import Task
from study.trials.trial import train_cohort

MEASURED = ["seconds", "evaluation_seconds", "started_at", "git_commit"]
"""What a clock measured, and the commit, since somebody may commit between two runs."""


def cohort(source: Path, seeds: int, epochs: int = 2) -> Cohort:
    data = load_images(str(source))
    fields = {"objective": "gan", "data": data.name, "data_digest": data.digest, "train_images": 128, "epochs": epochs}
    members = [paper_config(fidelity="as-released", seed=s, critic_schedule="constant", **fields) for s in range(seeds)]
    return Cohort(tuple(members))


def train(
    source: Path,
    root: Path,
    whole: Cohort,
    study: str = "s",
    *,
    report: Report | None = None,
    **settings: Any,
) -> Store:
    store = Store(root, study)
    store.create()
    given = {"fidelity": "as-released", "source": str(source), "root": None, "device": "cpu"}
    task = Task(results=root, study=study, **given, **settings)
    train_cohort(whole, task, report or (lambda *_: None))
    return store


def table(store: Store, name: str) -> pd.DataFrame:
    """A table's rows in order, each once, without what two runs need not share."""
    keys = ["member_id"] if name == "members" else ["member_id", "epoch"]
    rows = [row for member_id in store.ids() for row in store.read(name, member_id)]
    frame = pa.Table.from_pylist(rows, schema=SCHEMAS[name]).to_pandas().sort_values(keys).reset_index(drop=True)
    assert not frame.duplicated(keys).any(), f"{name} has a row twice"
    return frame.drop(columns=MEASURED, errors="ignore")


def assert_same(store: Store, expected: Store) -> None:
    """Both studies hold the same rows, bit for bit."""
    for name in SCHEMAS:
        pd.testing.assert_frame_equal(table(store, name), table(expected, name), check_exact=True, obj=name)
