"""A made-up search on disk: cells drawn from a declared space, numbers of our choosing."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from made_study import SCRIPT
from made_up import MNIST

from analysis.results.anchors import load_anchors
from analysis.results.load import load_study
from analysis.results.study import Study
from analysis.search.trials import Trials, trials_of
from binarygan.config import MemberConfig
from study.design.spaces import SPACES
from study.store.schemas import SCHEMAS

Numbers = Callable[[MemberConfig], Mapping[str, Any]]
"""From a run to columns of its row: `fid`, or `status` and `error`, …"""
TWO = ("fid", "seconds")
START = pd.Timestamp("2025-01-01", tz="UTC")


def made_search(
    folder: Path,
    numbers: Numbers,
    *,
    space: str = "mlp",
    trials: int = 40,
    seeds: int = 2,
    metrics: tuple[str, ...] = ("fid",),
    directions: tuple[str, ...] = (),
    said: Mapping[str, Any] = MappingProxyType({}),
    samples: bool = False,
) -> Study:
    """Write runs and study.json of a search whose trials are drawn at random, a minute apart."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    drawing = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    optuna.logging.set_verbosity(before)
    rows = []
    for number in range(trials):
        cell = SPACES[space].draw(drawing.ask(), "as-described", data_digest=MNIST, train_images=60_000, epochs=3)
        for seed in range(seeds):
            member = replace(cell, seed=seed)
            ids = {"member_id": member.member_id, "cell_id": member.cell_id, "study": folder.name}
            plain = {"fidelity": "as-described", "status": "done", "epochs_done": 3, "seconds": 60.0, "device": "cpu"}
            started = START + pd.Timedelta(minutes=number, seconds=seed)
            rows.append({**member.to_dict(), **ids, **plain, "started_at": started, **numbers(member)})
    description = {
        "study": folder.name,
        "search": space,
        "metrics": list(metrics),
        "directions": list(directions or ["minimize"] * len(metrics)),
        "sampler": "tpe",
        "scheduler": "asha",
        "trials": trials,
        "seeds": seeds,
        "fidelity": "as-described",
        "quick": False,
        "epochs": 3,
        "space": SPACES[space].to_dict(),
        **said,
    }
    write(folder, "members", rows)
    if samples:
        write(folder, "samples", [row | {"member_id": m["member_id"]} for m in rows for row in [_donated()]])
    (folder / "study.json").write_text(json.dumps(description))
    return load_study(folder)


def trials_in(study: Study) -> Trials:
    """Its trials, which there must be."""
    found = trials_of(study)
    assert isinstance(found, Trials), found
    return found


def write(folder: Path, table: str, rows: list[dict[str, Any]]) -> None:
    """All rows of a table in one file."""
    (folder / table).mkdir(parents=True, exist_ok=True)
    plain = [{k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in rows]
    pq.write_table(pa.Table.from_pylist(plain, schema=SCHEMAS[table]), folder / table / "all.parquet")


def _donated() -> dict[str, Any]:
    """The samples of a released run, as if after the third epoch."""
    anchors = load_anchors()
    [donor] = anchors.members[anchors.members["neuron"].eq("real")]["member_id"]
    [row] = pq.read_table(anchors.folder / "samples" / f"{donor}.parquet", partitioning=None).to_pylist()
    return row | {"epoch": 3}


def noise(member: MemberConfig, purpose: str = "") -> float:
    """Standard normal, always the same for a run."""
    digest = int(member.member_id, 16)
    return float(np.random.default_rng([digest, len(purpose)]).normal())


def by_learning_rate(member: MemberConfig) -> dict[str, Any]:
    """FID decided by the learning rate alone, best at 10 ** -3.5."""
    distance = np.log10(member.learning_rate) + 3.5
    return {"fid": 10 * float(np.exp(distance**2 + 0.05 * noise(member)))}


def eventful(member: MemberConfig) -> dict[str, Any]:
    """The same, seconds by critic steps; large critic schedules are stopped, high learning rates of WGAN diverge."""
    found = by_learning_rate(member)
    found["seconds"] = 20.0 * member.critic_steps + 0.3 * member.batch_size + member.seed
    if member.objective == "wgan" and member.learning_rate > 1e-3:
        lost = {"status": "diverged", "error": f"losses are not finite after epoch 1 {SCRIPT}", "epochs_done": 1}
        return {**lost, "seconds": found["seconds"]}
    if member.critic_steps > 7:
        return {**found, "status": "stopped", "error": "stopped by asha after epoch 1", "epochs_done": 1}
    return found
