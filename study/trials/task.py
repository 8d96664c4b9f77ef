"""What a trial needs besides its cohort."""

from dataclasses import dataclass, field
from pathlib import Path

from binarygan.io.files import AnyPath
from binarygan.plugins import Plugin
from study.store.provenance import sources_digest
from study.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Task:
    """The same for all trials of a command; it goes to their processes. No field affects the outcome of a run."""

    results: AnyPath
    study: str
    fidelity: str
    """The variant that the rows name."""
    source: str
    """The data set: its name, or the absolute path of a file."""
    root: Path | None
    """Folder of torchvision's data sets."""
    device: str
    engine: str = "auto"
    plugins: tuple[Plugin, ...] = ()
    """What a trial loads before all else, on whichever node."""
    trackers: tuple[str, ...] = ()
    """Which are told of each epoch."""
    keep_state: bool = False
    """Whether finished runs keep what a run of more epochs goes on from."""
    sources: str = field(default_factory=sources_digest)
    """Of the code of the command: a trial runs the same."""

    @property
    def store(self) -> Store:
        """The store that the trial writes into."""
        return Store(self.results, self.study)
