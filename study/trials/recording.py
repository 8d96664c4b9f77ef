"""What a trial writes of its members: their rows, and an epoch's curve, samples and histogram."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.metrics.evaluation import Evaluation
from binarygan.metrics.extractor import extractors_digest
from binarygan.metrics.names import columns
from binarygan.metrics.preactivations import HISTOGRAM_BINS
from binarygan.model.neurons import slope_at
from study.design.cohorts import Cohort
from study.store import provenance
from study.store.schemas import FINISHED
from study.store.store import Store
from study.trials.task import Task

Row = dict[str, Any]
Report = Callable[[int, list[Row]], None]
"""Gets an epoch and its cohort's rows as they were then: status, losses, metrics, seconds so far."""
UNKNOWN: Row = {"status": "running", "error": None, "epochs_done": 0}
LOSSES = ("discriminator_loss", "generator_loss")
EDGES = np.linspace(0, 1, HISTOGRAM_BINS + 1).tolist()


def replay(cohort: Cohort, store: Store, epochs: int, report: Report) -> bool:
    """Report so many epochs from the store; whether it has them, to the members' ends where that is their last."""
    ended = [store.read("members", m.member_id) for m in cohort.members]
    last = epochs == cohort.members[0].epochs
    if last and not all(rows and rows[0]["status"] in FINISHED for rows in ended):
        return False
    curves = [{row["epoch"]: row for row in store.read("curves", m.member_id)} for m in cohort.members]
    seconds = [0.0] * len(curves)
    for epoch in range(1, epochs + 1):
        rows: list[Row] = []
        for i, (curve, stored) in enumerate(zip(curves, ended, strict=True)):
            row, member = curve.get(epoch, {}), stored[0] if stored else UNKNOWN
            seconds[i] += row.get("seconds", 0.0)
            diverged = member["status"] == "diverged" and epoch >= member["epochs_done"]
            status = {"status": "diverged" if diverged else "running", "error": member["error"]}
            rows.append(member if last and epoch == epochs else {**row, **status, "seconds": seconds[i]})
        report(epoch, rows)
    return True


def new_row(config: MemberConfig, task: Task) -> Row:
    """The row of a member that begins."""
    return {
        "study": task.study,
        "member_id": config.member_id,
        "cell_id": config.cell_id,
        "fidelity": task.fidelity,
        **config.to_dict(),
        "status": "running",
        "error": None,
        "seconds": 0.0,
        "epochs_done": 0,
        "extractors": extractors_digest(),
        "device": task.device,
        "versions": provenance.versions(),
        "git_commit": provenance.git_commit(),
        "started_at": datetime.now(UTC),
    }


def keep_finished(store: Store, rows: dict[str, Row]) -> None:
    """Enter what stands of members that are finished: their mates go on, they do not."""
    for member_id in rows:
        for stored in store.read("members", member_id):
            if stored["status"] in FINISHED:
                rows[member_id] = stored


def resume(store: Store, rows: dict[str, Row], epochs_done: int, finite: Mapping[str, Tensor]) -> None:
    """Go on from what the store has of the epochs before the checkpoint.

    A member that diverged in the last of them is found out again: the run may have been killed before its row said so.

    Args:
        finite: by network, which members' parameters in the checkpoint are.
    """
    for i, (member_id, row) in enumerate(rows.items()):
        if row["status"] != "running":
            continue
        curves = [c for c in store.read("curves", member_id) if c["epoch"] <= epochs_done]
        row["seconds"] = sum(c["seconds"] for c in curves)
        row["epochs_done"] = epochs_done
        for stored in store.read("members", member_id):
            row["started_at"] = stored["started_at"]
        if curves:
            row |= {k: curves[-1][k] for k in (*LOSSES, *columns(light=True))}
            row |= divergence(curves[-1], {network: bool(f[i]) for network, f in finite.items()}, epochs_done)


def record(store: Store, row: Row, epoch: int, numbers: Row, evaluation: Evaluation | None) -> None:
    """Write the epoch's curve, samples and histogram of one member, and enter it in its row.

    Args:
        numbers: losses and seconds of the epoch.
        evaluation: None for a member that diverged in it: its generator gives nothing that could be measured.
    """
    member_id = row["member_id"]
    key = {"member_id": member_id, "epoch": epoch}
    metrics = evaluation.metrics if evaluation else dict.fromkeys(columns(light=True))
    store.append("curves", member_id, {**key, "slope": slope_at(row["slope_rate"], epoch), **numbers, **metrics})
    if evaluation:
        store.append("samples", member_id, key | _samples(evaluation))
        store.append("histograms", member_id, {**key, "bin_edges": EDGES, "counts": evaluation.histogram.tolist()})
    losses = {name: numbers[name] for name in LOSSES}
    row |= {**losses, **metrics, "epochs_done": epoch, "seconds": row["seconds"] + numbers["seconds"]}


def divergence(numbers: Row, finite: dict[str, bool], epoch: int) -> Row:
    """What the row of a member says that diverged in this epoch; empty for one that did not.

    Args:
        finite: by network, whether its parameters are.
    """
    causes = [f"{n} is {numbers[n]}" for n in LOSSES if not math.isfinite(numbers[n])]
    causes += [f"the {network}'s parameters are not finite" for network, is_finite in finite.items() if not is_finite]
    return {"status": "diverged", "error": f"epoch {epoch}: {', '.join(causes)}"} if causes else {}


def _samples(evaluation: Evaluation) -> Row:
    bernoulli = evaluation.bernoulli_bits
    stepped = (evaluation.preactivated * 1024).round() / 1024
    return {
        "bits": np.packbits(evaluation.bits.numpy()).tobytes(),
        "bernoulli_bits": None if bernoulli is None else np.packbits(bernoulli.numpy()).tobytes(),
        "preactivated": stepped.flatten().numpy(),
    }
