"""A power cut at any step of any write of a trial: `python tests/chaos/power_cuts.py` cuts at all of them.

Each trial runs in a fork, which ends at its step as if the machine were off: what was not flushed is half there, and a
rename whose folder was not flushed is lost, if it is to be. Then the trial runs again, in another fork, to its end.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
from study_under_test import assert_equal, assert_readable, tables, write_digits

from binarygan.data.images import load_images
from binarygan.io import files
from binarygan.metrics import evaluation
from binarygan.paper import paper_config
from study.design.cohorts import Cohort
from study.store.resume import tidy
from study.store.store import Store
from study.trials.task import Task
from study.trials.trial import train_cohort

STEPS = ("open", "write", "flush", "rename", "flush the folder", "flush the folder, rename lost", "go on")
"""The cut comes before each."""
OFF, SAMPLES = 137, 128
"""Exit status of a cut; samples of an evaluation, which is not what is tested here."""


@dataclass(frozen=True)
class Cut:
    """Before a step of the n-th write, counted from 0."""

    write: int
    step: int


def trial(data: Path, results: Path, cut: Cut | None = None) -> int:
    """Train in a fork; its exit status: 0, or `OFF` where it was cut."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if cut:
                _install(cut)
            evaluation.EVALUATION_SAMPLES = SAMPLES
            _train(data, results)
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def count_writes(data: Path, results: Path) -> int:
    """Of an undisturbed trial in this process, so that its forks have what it has read and measured of the data."""
    few = mock.patch.object(evaluation, "EVALUATION_SAMPLES", SAMPLES)
    with few, mock.patch.object(os, "replace", wraps=os.replace) as replaced:
        _train(data, results)
    return replaced.call_count


def survive(data: Path, results: Path, cut: Cut, expected: dict[str, pd.DataFrame]) -> None:
    """Cut a trial, look at what is there, run it again to its end, compare."""
    assert trial(data, results, cut) == OFF, "it was not cut"
    assert_readable(results)
    assert trial(data, results) == 0, f"after {cut} it does not go on"
    assert_equal(results, expected)


def all_cuts(writes: int) -> Iterator[Cut]:
    """Every step of every write."""
    return (Cut(write, step) for write in range(writes) for step in range(len(STEPS)))


def _train(data: Path, results: Path) -> None:
    images = load_images(str(data))
    fields = {"data": images.name, "data_digest": images.digest, "train_images": 64, "epochs": 2}
    member = paper_config(fidelity="as-released", objective="wgan", critic_schedule="constant", **fields)
    store = Store(results, "s")
    store.create()
    tidy(store)
    given: dict[str, Any] = {"fidelity": "as-released", "source": str(data), "root": None, "device": "cpu"}
    task = Task(results=results, study="s", keep_state=True, **given)
    train_cohort(Cohort((member,)), task, lambda *_: None)


def _install(cut: Cut) -> None:
    """Stand in front of the calls that a write makes."""
    done = {"writes": 0, "flushes": 0, "path": Path(), "before": None}
    opened, replaced, flushed = Path.open, os.replace, os.fsync

    def reached(step: str) -> bool:
        return done["writes"] == cut.write and STEPS[cut.step] == step

    def open_(self: Path, mode: str = "r", *words: Any, **more: Any) -> Any:
        if files.PARTIAL in self.name and "w" in mode:
            if reached("open"):
                os._exit(OFF)
            done["flushes"], done["path"] = 0, self
            file = opened(self, mode, *words, **more)
            if reached("write"):
                os._exit(OFF)
            return file
        return opened(self, mode, *words, **more)

    def fsync(handle: int) -> None:
        if done["flushes"] == 0 and reached("flush"):
            os.truncate(done["path"], Path(done["path"]).stat().st_size // 2)
            os._exit(OFF)
        if done["flushes"] == 1:
            if reached("flush the folder"):
                os._exit(OFF)
            if reached("flush the folder, rename lost"):
                replaced(done["target"], done["path"])
                if done["before"] is not None:
                    Path(done["target"]).write_bytes(done["before"])
                os._exit(OFF)
        flushed(handle)
        done["flushes"] += 1
        if done["flushes"] == 2:
            if reached("go on"):
                os._exit(OFF)
            done["writes"] += 1

    def replace(source: Any, target: Any, **more: Any) -> None:
        if reached("rename"):
            os._exit(OFF)
        done["target"] = target
        done["before"] = Path(target).read_bytes() if Path(target).exists() else None
        replaced(source, target, **more)

    patches: dict[str, Callable[..., Any]] = {"replace": replace, "fsync": fsync}
    for name, function in patches.items():
        setattr(os, name, function)
    Path.open = open_  # type: ignore[method-assign]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="power-cuts-") as scratch:
        data = write_digits(Path(scratch) / "digits.npy")
        writes = count_writes(data, Path(scratch) / "undisturbed")
        expected = tables(Path(scratch) / "undisturbed")
        cuts = list(all_cuts(writes))
        for i, cut in enumerate(cuts):
            survive(data, Path(scratch) / f"cut-{i}", cut, expected)
            print(f"write {cut.write} of {writes}, before: {STEPS[cut.step]}: nothing lost", flush=True)
    print(f"{len(cuts)} power cuts, nothing lost")


if __name__ == "__main__":
    main()
