"""Curves for TensorBoard (`--tensorboard`), in <study>/tensorboard/<member_id>/."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from binarygan.metrics.names import columns
from study.trials.task import Task

NAMES = ("discriminator_loss", "generator_loss", *columns(light=True))


class Boards:
    """Writes the curves of a trial's members, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, Any] = {}

    def write(self, epoch: int, row: Mapping[str, Any]) -> None:
        """Write a member's losses and metrics after an epoch."""
        from tensorboardX import SummaryWriter

        member_id = str(row["member_id"])
        if member_id not in self._writers:
            self._writers[member_id] = SummaryWriter(str(self._folder / member_id))
        for name in NAMES:
            value = row.get(name)
            if value is not None and math.isfinite(value):
                self._writers[member_id].add_scalar(name, value, epoch)
        self._writers[member_id].flush()

    def close(self) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()


@contextmanager
def boards_of(task: Task) -> Iterator[Boards | None]:
    """The writer if the task asks for one, else None. The options make sure that results are on a disk then."""
    if not task.tensorboard:
        yield None
        return
    boards = Boards(Path(str(task.store.folder)) / "tensorboard")
    try:
        yield boards
    finally:
        boards.close()
