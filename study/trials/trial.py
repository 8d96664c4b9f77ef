"""A trial: train a cohort into the store, epoch by epoch, from its checkpoint if it has one."""

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from binarygan.arithmetic.process import give_back, is_out_of_memory, keep_freed_memory, use_one_thread
from binarygan.cli.surroundings import ignore_backend
from binarygan.data.images import load_images
from binarygan.errors import UserError
from binarygan.metrics.evaluation import Evaluation, evaluate
from binarygan.metrics.scores import Reference, reference_of
from binarygan.plugins import load_plugins
from binarygan.training import checkpoints
from binarygan.training.gradient_quality import gradient_quality
from binarygan.training.trainer import Trainer
from study.design.cohorts import Cohort
from study.store import provenance
from study.store.store import Store
from study.trials.recording import LOSSES, divergence, keep_finished, new_row, record, resume
from study.trials.reports import Joined, Report, Row, replay
from study.trials.task import Task
from study.trials.trackers import trackers_of

log = logging.getLogger(__name__)

WRITERS = 4
"""How many members' files are written at the same time."""


def train_cohort(cohort: Cohort, task: Task, report: Report) -> None:
    """Train the cohort to its end. Each epoch is reported once, also those that the store had before.

    If the cohort does not fit into the device's memory, its halves are trained one after the other, each from the last
    whole epoch.

    Raises:
        Exception: the last error, after the row of each unfinished member says what went wrong.
    """
    if task.sources != (own := provenance.sources_digest()):
        raise UserError(
            f"the worker's sources in {provenance.SOURCES} (digest {own}) are not the command's ({task.sources}): "
            "install the same on every node, and change none while a study runs"
        )
    ignore_backend()
    load_plugins(task.plugins)
    store = task.store
    if replay(cohort, store, cohort.members[0].epochs, report):
        return
    parts, joined = [cohort], Joined(cohort, report)
    failure: Exception | None = None
    while parts:
        part = parts.pop(0)
        try:
            _train_part(part, task, store, joined.of(part))
            joined.end(part)
        except Exception as error:
            if is_out_of_memory(error) and len(part.members) > 1:
                parts = [*_split(part, store), *parts]
            else:
                failure = error.with_traceback(None)
        give_back()  # the memory that a failed part had on the device
    if failure is not None:
        raise failure


def _split(cohort: Cohort, store: Store) -> tuple[Cohort, Cohort]:
    """The cohort's halves, each with its part of the last checkpoint."""
    halves, middle = cohort.halves(), (len(cohort.members) + 1) // 2
    indices = (range(middle), range(middle, len(cohort.members)))
    folders = [store.checkpoints(half.cohort_id) for half in halves]
    checkpoints.split(store.checkpoints(cohort.cohort_id), dict(zip(folders, indices, strict=True)))
    log.warning("out of memory with %d members: going on with halves of them", len(cohort.members))
    return halves


def _train_part(cohort: Cohort, task: Task, store: Store, report: Report) -> None:
    rows = {m.member_id: new_row(m, task) for m in cohort.members}
    try:
        keep_finished(store, rows)
        _train(cohort, task, store, rows, report)
    except Exception as error:
        if is_out_of_memory(error) and len(cohort.members) > 1:
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        for member_id, row in rows.items():
            if row["status"] == "running":
                row |= {"status": "failed", "error": f"{reason} ({Path(frame.filename).name}:{frame.lineno})"}
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
    data.check_training(shared.train_images, split=shared.split, reference=shared.reference)
    images = torch.from_numpy(data.bits(shared.train_images))
    reference = reference_of(data, device, shared.reference)
    trainer = Trainer(cohort.members, images, device=device, engine=task.engine)
    for row in rows.values():
        if row["status"] == "running":
            row["engine"] = trainer.engine.name
    folder = store.checkpoints(cohort.cohort_id)
    try:
        if checkpoints.restore(trainer, folder):
            running = [i for i, row in rows.items() if row["status"] == "running"]
            if lacking := store.missing_epochs(running, trainer.epochs_done):
                raise checkpoints.DamagedCheckpointError(f"{folder} is of {trainer.epochs_done} epochs, but {lacking}")
            resume(store, rows, trainer.epochs_done, trainer.finite())
            replay(cohort, store, trainer.epochs_done, report)
    except checkpoints.DamagedCheckpointError as error:
        log.warning("starting again from the first epoch: %s", error)
        trainer = Trainer(cohort.members, images, device=device, engine=task.engine)
    for member_id, row in rows.items():
        store.write("members", member_id, [row])
    with trackers_of(task.trackers, store.folder) as tell:
        _train_epochs(cohort, trainer, store, rows, reference, tell, report, keep_state=task.keep_state)


def _train_epochs(
    cohort: Cohort,
    trainer: Trainer,
    store: Store,
    rows: dict[str, Row],
    reference: Reference,
    tell: Callable[[int, Row], None],
    report: Report,
    *,
    keep_state: bool,
) -> None:
    shared, folder = cohort.members[0], store.checkpoints(cohort.cohort_id)
    if not _any_running(rows):  # the command was killed after all members diverged, before it said so
        checkpoints.save_generators(trainer, folder)
        checkpoints.forget_epochs(folder)
        return
    while trainer.epochs_done < shared.epochs:
        going = [row["status"] == "running" for row in rows.values()]
        numbers, lost, evaluations = _next_epoch(trainer, reference, going)
        epoch = trainer.epochs_done
        with ThreadPoolExecutor(WRITERS) as writers:
            written = [
                writers.submit(record, store, row, epoch, numbers[i], evaluations[i])
                for i, row in enumerate(rows.values())
                if going[i]
            ]
        for one in written:
            one.result()
        for i, row in enumerate(rows.values()):
            if going[i]:
                row |= lost[i]
                tell(epoch, row)
        if epoch == shared.epochs:
            _finish(store, rows, epoch)
        ended = epoch == shared.epochs or not _any_running(rows)
        (checkpoints.save_generators if ended else checkpoints.save)(trainer, folder)
        if keep_state and epoch == shared.epochs:
            checkpoints.save_state(trainer, folder)
        # The rows are written after all else, so that no member is done without its other files; the checkpoint before
        # the last epoch is kept until then.
        for member_id, row in rows.items():
            store.write("members", member_id, [row])
        if ended:
            checkpoints.forget_epochs(folder)
        report(epoch, [dict(row) for row in rows.values()])  # a scheduler may end the trial here
        if ended:
            return


def _next_epoch(
    trainer: Trainer, reference: Reference, going: Sequence[bool]
) -> tuple[list[Row], list[Row], list[Evaluation | None]]:
    """Train one more epoch and evaluate the members that are running and did not diverge in it.

    Returns:
        For each member: its losses, what is said of its gradient and its seconds; what changes in its row if it
        diverged; its evaluation.
    """
    members, start = range(len(going)), time.perf_counter()
    losses = trainer.train_epoch()
    finite = {network: f.tolist() for network, f in trainer.finite().items()}
    trained, epoch = time.perf_counter(), trainer.epochs_done
    qualities = gradient_quality(trainer)
    numbers: list[Row] = [
        {name: float(getattr(losses, name)[i]) for name in LOSSES} | {n: of[i] for n, of in qualities.items()}
        for i in members
    ]
    lost = [divergence(numbers[i], {n: f[i] for n, f in finite.items()}, epoch) for i in members]
    full = epoch == trainer.configs[0].epochs
    evaluations = [evaluate(trainer, i, reference, full=full) if going[i] and not lost[i] else None for i in members]
    end, share = time.perf_counter(), 1 / max(1, sum(going))
    seconds = {"seconds": share * (end - start), "evaluation_seconds": share * (end - trained)}
    return [own | seconds for own in numbers], lost, evaluations


def _finish(store: Store, rows: dict[str, Row], epoch: int) -> None:
    """Mark the running members as done; a RuntimeError if the store lacks one of their epochs."""
    done = [row for row in rows.values() if row["status"] == "running"]
    if lacking := store.missing_epochs([row["member_id"] for row in done], epoch):
        raise RuntimeError(f"{lacking}: another process wrote here, too; run the same command again")
    for row in done:
        row["status"] = "done"


def _any_running(rows: dict[str, Row]) -> bool:
    return any(row["status"] == "running" for row in rows.values())
