"""Curves for TensorBoard, where they are asked for: one run a member, in <study>/tensorboard/."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from binarygan.metrics.names import columns
from study.trials.task import Task


class Boards:
    """Writers of the members of a trial."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, Any] = {}

    def write(self, epoch: int, row: Mapping[str, Any]) -> None:
        """Enter a member's losses and metrics after an epoch."""
        from tensorboardX import SummaryWriter

        member_id = str(row["member_id"])
        if member_id not in self._writers:
            self._writers[member_id] = SummaryWriter(str(self._folder / member_id))
        for name in ("discriminator_loss", "generator_loss", *columns(light=True)):
            value = row.get(name)
            if value is not None and math.isfinite(value):
                self._writers[member_id].add_scalar(name, value, epoch)
        self._writers[member_id].flush()

    def close(self) -> None:
        """Finish the files."""
        for writer in self._writers.values():
            writer.close()


@contextmanager
def boards_of(task: Task) -> Iterator[Boards | None]:
    """Writers where the task wants them; its results are on a disk then."""
    if not task.tensorboard:
        yield None
        return
    folder = task.store.folder / "tensorboard"
    boards = Boards(Path(str(folder)))
    try:
        yield boards
    finally:
        boards.close()
