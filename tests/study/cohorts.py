"""Small cohorts, trained into a store without Ray."""

from pathlib import Path
from typing import Any

import pandas as pd

from binarygan.data.images import load_images
from binarygan.paper import paper_config
from study.design.cohorts import Cohort
from study.store.store import Store
from study.trials.reports import Report
from study.trials.task import Task
from study.trials.trial import train_cohort

MEASURED = ["seconds", "evaluation_seconds", "started_at"]


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
    keys = ["member_id"] if name == "members" else ["member_id", "epoch"]
    frame = pd.read_parquet(store.folder / name).sort_values(keys).reset_index(drop=True)
    return frame.drop(columns=MEASURED, errors="ignore")
