"""Trackers: programs of other people that show a run's losses and metrics, epoch by epoch (`--log`).

A tracker is a class with the methods of `Tracker`; a plugin adds one with `@TRACKERS.named("name")`. The store has all
that a tracker is told, so nothing is lost where one fails.
"""

import importlib.util
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import Any, ClassVar, Protocol

from binarygan.errors import UserError
from binarygan.io.files import AnyPath
from binarygan.metrics.names import columns
from binarygan.registry import Registry

log = logging.getLogger(__name__)
Row = Mapping[str, Any]


class Tracker(Protocol):
    """What is told of one run. `folder` is the study's; `row` is the run's, as in `members/`."""

    package: ClassVar[str]
    """What has to be installed."""

    def __init__(self, folder: AnyPath, row: Row) -> None: ...

    def epoch(self, epoch: int, numbers: Mapping[str, float]) -> None:
        """The finite losses and metrics after an epoch, by column."""

    def close(self, status: str) -> None:
        """The run ended, or its trial did: `running` is a run that was interrupted."""

    @staticmethod
    def writes_beside(folder: AnyPath) -> bool:
        """Whether it writes files into the study's folder, which must then be on a disk."""
        return True


TRACKERS: Registry[type[Tracker]] = Registry("tracker")


@TRACKERS.named("tensorboard")
class TensorBoard(Tracker):
    """Event files in <study>/tensorboard/<member_id>/."""

    package = "tensorboardX"

    def __init__(self, folder: AnyPath, row: Row) -> None:
        from tensorboardX import SummaryWriter

        self.writer = SummaryWriter(str(folder / "tensorboard" / row["member_id"]))

    def epoch(self, epoch: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, epoch)
        self.writer.flush()

    def close(self, status: str) -> None:
        self.writer.close()


@TRACKERS.named("mlflow")
class MLflow(Tracker):
    """A run of the experiment <study>, at `MLFLOW_TRACKING_URI` or in files in <study>/mlflow/.

    Files, not a database: each run has a folder of its own, so that trials on all nodes can write at the same time.
    """

    package = "mlflow"
    ENDED: ClassVar = {"done": "FINISHED", "running": "KILLED", "stopped": "KILLED"}

    def __init__(self, folder: AnyPath, row: Row) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        if not uri:
            os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
            uri = Path(str(folder / "mlflow")).as_uri()
        from mlflow.entities import Param
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(tracking_uri=uri)
        with suppress(MlflowException):  # it exists: another trial was faster
            self.client.create_experiment(row["study"])
        found = self.client.get_experiment_by_name(row["study"])
        experiment = found.experiment_id if found else ""
        known = self.client.search_runs([experiment], f"tags.member_id = '{row['member_id']}'")
        if known:
            self.run = known[0].info.run_id
            self.client.set_terminated(self.run, "RUNNING")
            return
        tags = {"member_id": row["member_id"], "cell_id": row["cell_id"]}
        self.run = self.client.create_run(experiment, run_name=row["member_id"], tags=tags).info.run_id
        self.client.log_batch(self.run, params=[Param(k, str(v)) for k, v in settings_of(row).items()])

    def epoch(self, epoch: int, numbers: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time())
        self.client.log_batch(self.run, metrics=[Metric(k, v, now, epoch) for k, v in numbers.items()])

    def close(self, status: str) -> None:
        self.client.set_terminated(self.run, self.ENDED.get(status, "FAILED"))

    @staticmethod
    def writes_beside(folder: AnyPath) -> bool:
        return not os.environ.get("MLFLOW_TRACKING_URI")


@TRACKERS.named("wandb")
class WandB(Tracker):
    """A run of the project `WANDB_PROJECT` (default: binarygan) in the group <study>, its files in <study>/wandb/.

    Offline, unless `WANDB_MODE` or `WANDB_API_KEY` is set: `wandb sync` sends the files later.
    """

    package = "wandb"

    def __init__(self, folder: AnyPath, row: Row) -> None:
        import wandb

        mode: Any = os.environ.get("WANDB_MODE") or ("online" if os.environ.get("WANDB_API_KEY") else "offline")
        settings = wandb.Settings(silent=True, console="off", disable_git=True, disable_code=True)
        (folder / "wandb").mkdir(parents=True, exist_ok=True)
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "binarygan"),
            mode=mode,
            group=row["study"],
            id=row["member_id"],
            name=row["member_id"],
            config=settings_of(row),
            dir=str(folder),
            resume="allow",
            reinit="create_new",
            settings=settings,
        )

    def epoch(self, epoch: int, numbers: Mapping[str, float]) -> None:
        self.run.log(dict(numbers), step=epoch)

    def close(self, status: str) -> None:
        self.run.finish(exit_code=int(status not in ("done", "running", "stopped")))


def settings_of(row: Row) -> dict[str, Any]:
    """The fields of a run's configuration, and the code that trains it."""
    from binarygan.config import MemberConfig

    names = (*MemberConfig.__dataclass_fields__, "fidelity", "git_commit")
    return {name: row[name] for name in names if row.get(name) is not None}


def check_trackers(names: Sequence[str], folder: AnyPath) -> None:
    """A UserError where a tracker is unknown, not installed, or cannot write where the results are."""
    for name in names:
        tracker = TRACKERS[name]
        if importlib.util.find_spec(tracker.package) is None:
            raise UserError(f"--log {name} needs the package {tracker.package}: pip install 'binarygan-study[{name}]'")
        if not isinstance(folder, Path) and tracker.writes_beside(folder):
            raise UserError(f"--log {name} writes to a disk, not to {folder}: leave it out")


@contextmanager
def trackers_of(names: Sequence[str], folder: AnyPath) -> Iterator[Callable[[int, Row], None]]:
    """A function that tells the trackers of a run's losses and metrics after an epoch.

    A tracker that fails for a run is told no more of it; the log says so, and the run goes on.
    """
    open_: dict[tuple[str, str], Tracker] = {}
    failed: set[tuple[str, str]] = set()
    rows: dict[str, Row] = {}

    def tell(epoch: int, row: Row) -> None:
        member_id = str(row["member_id"])
        rows[member_id] = row
        wanted = ("discriminator_loss", "generator_loss", *columns(light=True))
        numbers = {n: float(row[n]) for n in wanted if row.get(n) is not None and math.isfinite(row[n])}
        for key in ((name, member_id) for name in names):
            if key not in failed:
                with _told(key, failed):
                    if key not in open_:
                        open_[key] = TRACKERS[key[0]](folder, row)
                    open_[key].epoch(epoch, numbers)

    try:
        yield tell
    finally:
        for key, tracker in open_.items():
            with _told(key, failed):
                tracker.close(str(rows[key[1]]["status"]))


@contextmanager
def _told(key: tuple[str, str], failed: set[tuple[str, str]]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever a tracker does, the run goes on
        failed.add(key)
        reason = str(error).strip().partition("\n")[0]
        log.warning("--log %s gets no more of run %s: %s: %s", *key, type(error).__name__, reason)
