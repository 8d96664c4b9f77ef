"""What a trial knows of a run: the content of its row, and the curve, samples and histogram that each epoch writes."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import torch
from torch import Tensor

from binarygan.config import MemberConfig
from binarygan.metrics.evaluation import Evaluation
from binarygan.metrics.extractor import extractors_digest
from binarygan.metrics.names import columns, outside
from binarygan.metrics.preactivations import HISTOGRAM_BINS
from binarygan.training.schedules import slope_at
from study.store import provenance
from study.store.schemas import FINISHED
from study.store.store import Store
from study.trials.reports import Row
from study.trials.task import Task

LOSSES = ("discriminator_loss", "generator_loss")
EDGES = np.linspace(0, 1, HISTOGRAM_BINS + 1).tolist()


def new_row(config: MemberConfig, task: Task) -> Row:
    """The row of a run that begins."""
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
        "extractors": extractors_digest(config.reference),
        "device": torch.cuda.get_device_name() if task.device == "cuda" else task.device,
        "versions": provenance.versions() if not (own := outside()) else _with_metrics(own),
        "git_commit": provenance.git_commit(),
        "started_at": datetime.now(UTC),
    }


def _with_metrics(digests: dict[str, str]) -> str:
    """The versions, and which files measured what no package here does."""
    return json.dumps(json.loads(provenance.versions()) | {f"metric {name}": d for name, d in digests.items()})


def keep_finished(store: Store, rows: dict[str, Row]) -> None:
    """Replace the rows of members that are finished by those in the store: the others go on without them."""
    for member_id in rows:
        for stored in store.read("members", member_id):
            if stored["status"] in FINISHED:
                rows[member_id] = stored


def resume(store: Store, rows: dict[str, Row], epochs_done: int, finite: Mapping[str, Tensor]) -> None:
    """Bring the rows of running members to where the checkpoint is, from the curves in the store.

    The command may have been killed before it wrote that a member diverged, so the last epoch is checked again.

    Args:
        finite: for each network, which members' parameters in the checkpoint are finite.
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
            row |= {k: curves[-1].get(k) for k in (*LOSSES, *columns(light=True))}
            row |= divergence(curves[-1], {network: bool(f[i]) for network, f in finite.items()}, epochs_done)


def record(store: Store, row: Row, epoch: int, numbers: Row, evaluation: Evaluation | None) -> None:
    """Write a run's curve, samples and histogram of an epoch, and update its row (in memory).

    Args:
        numbers: losses and seconds of the epoch.
        evaluation: None where the run diverged in this epoch, so that nothing of its generator can be measured.
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
    """What changes in the row of a run that diverged in this epoch; empty if it did not.

    Args:
        finite: for each network, whether all its parameters are finite.
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
