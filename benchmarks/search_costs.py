"""What Ray, Optuna and the store cost a search beside its training: `python benchmarks/search_costs.py`.

Searches of 100, 300 and 1,000 trials through the real Ray Tune, OptunaSearch, journal and store, whose trials train
nothing: each writes one member with an epoch's rows, samples and histogram, as a real one does. The cost is linear
where seconds, files and megabytes a trial stay the same.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from binarygan.data.images import load_images
from study.design.cohorts import Cohort
from study.design.spaces import SPACES
from study.launch.progress import StudyProgress
from study.options import SearchOptions
from study.search.search import Search
from study.search.storage import JOURNAL, storage_of
from study.search.trials import Trials
from study.store.store import Store
from study.trials.task import Task


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", nargs="+", type=int, default=[100, 300, 1000])
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    for trials in arguments.trials:
        with tempfile.TemporaryDirectory() as scratch:
            rows.append(costs(Path(scratch), trials, arguments.sampler))
        print(json.dumps(rows[-1]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def costs(scratch: Path, count: int, sampler: str) -> dict[str, float]:
    """Of a search of so many trials, in all and for each."""
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    from study.launch.search import run_search

    data = load_images("mnist")
    fields = {"data": data.name, "data_digest": data.digest, "train_images": 128, "epochs": 1, "dtype": "float32"}
    search = Search(space=SPACES["mlp"], metrics=("fid",), seeds=1, fidelity="as-described", fields=fields)
    store = Store(scratch, "s")
    store.create()
    trials = Trials(storage_of(None, store.folder), "s", search)
    task = Task(results=scratch, study="s", fidelity="as-described", source="mnist", root=None, device="cpu")
    progress, asked = StudyProgress(members=count, total=count), SearchOptions(sampler=sampler)
    start = time.perf_counter()
    run_search(search, trials, task, progress, count=count, asked=asked, resources={"cpu": 1}, train=trivial())
    seconds = time.perf_counter() - start
    assert trials.counts().complete == count
    files = [p for p in store.folder.rglob("*") if p.is_file()]
    return {
        "trials": count,
        "seconds": round(seconds, 1),
        "seconds a trial": round(seconds / count, 4),
        "files a trial": round(len(files) / count, 2),
        "MB a trial": round(sum(p.stat().st_size for p in files) / count / 1e6, 4),
        "of them Optuna's journal, kB a trial": round((store.folder / JOURNAL).stat().st_size / count / 1e3, 2),
    }


def trivial() -> Callable[..., None]:
    """Stands for training; defined in here, so that Ray sends it to its workers as it is."""

    def train(cohort: Cohort, task: Task, report: Callable[[int, list[dict[str, Any]]], None]) -> None:
        import torch

        from binarygan.metrics.evaluation import Evaluation
        from study.trials.recording import new_row, record

        rows = []
        for member in cohort.members:
            row = new_row(member, task)
            task.store.write("members", member.member_id, [row])
            evaluation = Evaluation(
                bits=torch.rand(64, 28, 28) > 0.8,
                bernoulli_bits=None,
                preactivated=torch.rand(64, 28, 28),
                histogram=torch.zeros(1000, dtype=torch.int64),
                metrics={"fid": member.learning_rate},
            )
            numbers = dict.fromkeys(("discriminator_loss", "generator_loss", "seconds", "evaluation_seconds"), 0.0)
            record(task.store, row, 1, numbers, evaluation)
            row["status"] = "done"
            task.store.write("members", member.member_id, [row])
            rows.append(row)
        report(1, rows)

    return train


if __name__ == "__main__":
    main()
