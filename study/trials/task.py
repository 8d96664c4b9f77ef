"""What a trial needs beside its cohort."""

from dataclasses import dataclass
from pathlib import Path

from binarygan.io.files import Place
from study.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Task:
    """Where a trial's data comes from and its results go. None of it affects a member's outcome."""

    results: Place
    study: str
    fidelity: str
    source: str
    """Name of the data set or path of a file."""
    root: Path | None
    device: str
    tensorboard: bool = False
    """Whether curves go to TensorBoard's files, too."""

    @property
    def store(self) -> Store:
        """Where its results go."""
        return Store(self.results, self.study)
