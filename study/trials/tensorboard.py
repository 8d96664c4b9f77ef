"""Curves for TensorBoard (`--tensorboard`), in <study>/tensorboard/<member_id>/."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from binarygan.metrics.names import columns
from study.trials.task import Task


@contextmanager
def boards_of(task: Task) -> Iterator[Callable[[int, Mapping[str, Any]], None]]:
    """A function that writes a run's losses and metrics after an epoch, if the task asks for that."""
    writers: dict[str, Any] = {}

    def write(epoch: int, row: Mapping[str, Any]) -> None:
        if not task.tensorboard:
            return
        from tensorboardX import SummaryWriter

        member_id = str(row["member_id"])
        if member_id not in writers:
            writers[member_id] = SummaryWriter(str(task.store.folder / "tensorboard" / member_id))
        for name in ("discriminator_loss", "generator_loss", *columns(light=True)):
            value = row.get(name)
            if value is not None and math.isfinite(value):
                writers[member_id].add_scalar(name, value, epoch)
        writers[member_id].flush()

    try:
        yield write
    finally:
        for writer in writers.values():
            writer.close()
