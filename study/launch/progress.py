"""Live progress: a bar on a terminal; elsewhere a plain line after an epoch, one in a quarter of a minute at most."""

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

QUIET_SECONDS = 15.0


class StudyProgress:
    """Counts the epochs of members within a `with` block.

    Args:
        members: how many this command trains.
        total: how many epochs these have, all together.
    """

    def __init__(self, *, members: int, total: int) -> None:
        self._members, self._total = members, total
        self._epochs = self._done = self._failed = 0
        self._start = self._said = time.monotonic()
        self._bar: Progress | None = None
        if sys.stdout.isatty():
            from rich import progress

            times = (progress.TimeElapsedColumn(), progress.TimeRemainingColumn())
            self._bar = progress.Progress(progress.TextColumn("{task.description}"), progress.BarColumn(), *times)
            self._task = self._bar.add_task(self._text(), total=total)
            self._bar.start()

    def epoch(self, members: int) -> None:
        """A cohort of so many members has done another epoch."""
        self._epochs += members
        self._show()

    def finished(self, members: int, *, failed: bool = False, skipped: int = 0) -> None:
        """A cohort ended. If it was stopped early, `skipped` epochs of its members are not to be trained."""
        self._total -= skipped
        if failed:
            self._failed += members
        else:
            self._done += members
        self._show()

    def __enter__(self) -> "StudyProgress":
        return self

    def __exit__(self, *_: object) -> None:
        """Print the last line."""
        with suppress(OSError):
            if self._bar:
                self._bar.stop()
            else:
                print(self._text(), flush=True)

    def _text(self) -> str:
        return f"{self._done}/{self._members} members done, {self._failed} failed, epochs {self._epochs}/{self._total}"

    def _show(self) -> None:
        """Print, if that is possible: training goes on though the terminal is closed, or the log's disk is full."""
        with suppress(OSError):
            if self._bar:
                self._bar.update(self._task, completed=self._epochs, description=self._text())
            elif time.monotonic() - self._said > QUIET_SECONDS:
                self._said = time.monotonic()
                elapsed = self._said - self._start
                left = elapsed / self._epochs * (self._total - self._epochs) if self._epochs else None
                eta = f", about {left:.0f} s left" if left is not None else ""
                print(f"{self._text()}, {elapsed:.0f} s{eta}", flush=True)
