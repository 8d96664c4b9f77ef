"""One trial: trains a cohort into the store, an epoch at a time, going on from its checkpoint where there is one."""

import gc
import logging
import math
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from binarygan import checkpoints
from binarygan.data import load_images
from binarygan.errors import UserError
from binarygan.evaluation import Evaluation, evaluate
from binarygan.extractor import extractors_digest
from binarygan.memory import keep_freed_memory
from binarygan.metrics.names import columns
from binarygan.metrics.preactivations import HISTOGRAM_BINS
from binarygan.neurons import slope_at
from binarygan.scores import Reference, reference_of
from binarygan.threads import use_one_thread
from binarygan.training import EpochLosses, Trainer
from study import provenance
from study.plan import Cohort
from study.results import FINISHED, Store
from study.task import Task
from study.tensorboard import Boards, boards_of

Row = dict[str, Any]
Report = Callable[[int, list[Row]], None]
"""Gets an epoch and its cohort's rows as they were then: status, losses, metrics, seconds so far."""
UNKNOWN: Row = {"status": "running", "error": None, "epochs_done": 0}
log = logging.getLogger(__name__)
EDGES = np.linspace(0, 1, HISTOGRAM_BINS + 1).tolist()


def train_cohort(cohort: Cohort, task: Task, report: Report) -> None:
    """Train to the end; every epoch is reported, those too that the store had before.

    Where the device's memory does not hold the cohort its halves are trained one after the other, each from the last
    whole epoch.

    Raises:
        Exception: whatever went wrong last, after each unfinished member's row says so.
    """
    store = task.store
    if _replay(cohort, store, cohort.members[0].epochs, report):
        return
    parts = [cohort]
    failure: Exception | None = None
    while parts:
        part = parts.pop(0)
        try:
            _train_part(part, task, store, report)
        except torch.OutOfMemoryError as error:
            if len(part.members) > 1:
                parts = [*_split(part, store), *parts]
            else:
                failure = error.with_traceback(None)
        except Exception as error:
            failure = error.with_traceback(None)
        gc.collect()  # what a failed part had on the device
        torch.cuda.empty_cache()
    if failure is not None:
        raise failure


def _split(cohort: Cohort, store: Store) -> tuple[Cohort, Cohort]:
    """The cohort's halves, with the last checkpoint shared out between them."""
    halves, middle = cohort.halves(), (len(cohort.members) + 1) // 2
    places = (range(middle), range(middle, len(cohort.members)))
    folders = [store.checkpoints(half.cohort_id) for half in halves]
    checkpoints.split(store.checkpoints(cohort.cohort_id), dict(zip(folders, places, strict=True)))
    log.warning("out of memory with %d members: going on with halves of them", len(cohort.members))
    return halves


def _train_part(cohort: Cohort, task: Task, store: Store, report: Report) -> None:
    rows = {m.member_id: _new_row(m.member_id, cohort, task, i) for i, m in enumerate(cohort.members)}
    try:
        _train(cohort, task, store, rows, report)
    except Exception as error:
        if isinstance(error, torch.OutOfMemoryError) and len(cohort.members) > 1:
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        for member_id, row in rows.items():
            if row["status"] == "running":
                row |= {"status": "failed", "error": f"{reason} ({Path(place.filename).name}:{place.lineno})"}
                store.write("members", member_id, [row])
        raise


def _train(cohort: Cohort, task: Task, store: Store, rows: dict[str, Row], report: Report) -> None:
    use_one_thread()
    keep_freed_memory()
    device = torch.device(task.device)
    shared = cohort.members[0]
    data = load_images(task.source, root=task.root)
    if data.digest != shared.data_digest:
        raise UserError(f"{task.source} changed since the study was planned: digest {data.digest}")
    images = torch.from_numpy(data.bits(shared.train_images))
    reference = reference_of(data, device)
    trainer = Trainer(cohort.members, images, device=device)
    folder = store.checkpoints(cohort.cohort_id)
    try:
        if checkpoints.restore(trainer, folder):
            _take_over(store, rows, trainer.epochs_done)
            _replay(cohort, store, trainer.epochs_done, report)
    except checkpoints.DamagedCheckpointError as error:
        log.warning("starting again from the first epoch: %s", error)
        trainer = Trainer(cohort.members, images, device=device)
    for member_id, row in rows.items():
        store.write("members", member_id, [row])
    with boards_of(task) as boards:
        _train_epochs(cohort, trainer, store, rows, reference, boards, report)


def _train_epochs(
    cohort: Cohort,
    trainer: Trainer,
    store: Store,
    rows: dict[str, Row],
    reference: Reference,
    boards: Boards | None,
    report: Report,
) -> None:
    shared, folder = cohort.members[0], store.checkpoints(cohort.cohort_id)
    while trainer.epochs_done < shared.epochs:
        start = time.perf_counter()
        losses = trainer.train_epoch()
        finite = trainer.finite().tolist()
        trained = time.perf_counter()
        full = trainer.epochs_done == shared.epochs
        evaluations = [evaluate(trainer, i, reference, full=full) for i in range(len(cohort.members))]
        end, share = time.perf_counter(), 1 / len(cohort.members)
        seconds = {"seconds": share * (end - start), "evaluation_seconds": share * (end - trained)}
        for i, member in enumerate(cohort.members):
            row = rows[member.member_id]
            if row["status"] == "running":
                _record(store, trainer, i, row, losses, evaluations[i], finite[i], seconds)
                if boards:
                    boards.write(trainer.epochs_done, row)
        if trainer.epochs_done < shared.epochs:
            checkpoints.save(trainer, folder)
        else:
            checkpoints.save_generators(trainer, folder)
        # Rows come last: a member is never done without its other files.
        for member_id, row in rows.items():
            if trainer.epochs_done == shared.epochs and row["status"] == "running":
                row["status"] = "done"
            store.write("members", member_id, [row])
        report(trainer.epochs_done, [dict(row) for row in rows.values()])


def _replay(cohort: Cohort, store: Store, epochs: int, report: Report) -> bool:
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


def _new_row(member_id: str, cohort: Cohort, task: Task, place: int) -> Row:
    config = cohort.members[place]
    device = torch.cuda.get_device_name() if task.device == "cuda" else "cpu"
    return {
        "study": task.study,
        "member_id": member_id,
        "cell_id": config.cell_id,
        "fidelity": task.fidelity,
        **config.to_dict(),
        "status": "running",
        "error": None,
        "seconds": 0.0,
        "epochs_done": 0,
        "extractors": extractors_digest(),
        "device": device,
        "versions": provenance.versions(),
        "git_commit": provenance.git_commit(),
        "started_at": datetime.now(UTC),
    }


def _take_over(store: Store, rows: dict[str, Row], epochs_done: int) -> None:
    """Go on from what the store has of the epochs before the checkpoint."""
    for member_id, row in rows.items():
        curves = store.read("curves", member_id, before_epoch=epochs_done + 1)
        stored = store.read("members", member_id)
        row["seconds"] = sum(c["seconds"] for c in curves)
        row["epochs_done"] = epochs_done
        if stored:
            row["started_at"] = stored[0]["started_at"]
        if curves:
            row |= {k: curves[-1][k] for k in ("discriminator_loss", "generator_loss", *columns(light=True))}
        if stored and stored[0]["status"] == "diverged":
            row |= {k: stored[0][k] for k in ("status", "error", "epochs_done")}


def _record(
    store: Store,
    trainer: Trainer,
    place: int,
    row: Row,
    losses: EpochLosses,
    evaluation: Evaluation,
    finite: bool,
    seconds: dict[str, float],
) -> None:
    """Write the epoch's curve, samples and histogram of one member, and enter it in its row."""
    config, epoch, member_id = trainer.configs[place], trainer.epochs_done, row["member_id"]
    numbers: dict[str, float | None] = {
        "discriminator_loss": float(losses.discriminator_loss[place]),
        "generator_loss": float(losses.generator_loss[place]),
        **evaluation.metrics,
    }
    curve = {
        "member_id": member_id,
        "epoch": epoch,
        "slope": slope_at(config.slope_rate, epoch),
        **seconds,
        **numbers,
    }
    stepped = (evaluation.preactivated * 1024).round() / 1024
    bernoulli = evaluation.bernoulli_bits
    samples = {
        "member_id": member_id,
        "epoch": epoch,
        "bits": np.packbits(evaluation.bits.numpy()).tobytes(),
        "bernoulli_bits": None if bernoulli is None else np.packbits(bernoulli.numpy()).tobytes(),
        "preactivated": stepped.flatten().numpy(),
    }
    counts = {
        "member_id": member_id,
        "epoch": epoch,
        "bin_edges": EDGES,
        "counts": evaluation.histogram.tolist(),
    }
    for table, entry in (("curves", curve), ("samples", samples), ("histograms", counts)):
        store.write(table, member_id, [*store.read(table, member_id, before_epoch=epoch), entry])
    row |= {**numbers, "epochs_done": epoch, "seconds": row["seconds"] + seconds["seconds"]}
    if not (finite and all(math.isfinite(float(numbers[k] or 0)) for k in ("discriminator_loss", "generator_loss"))):
        row |= {"status": "diverged", "error": f"losses or parameters are not finite after epoch {epoch}"}
