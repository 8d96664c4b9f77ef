"""The commands that chaos comes upon: what each is, what may happen to it, and what must hold at its end."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from faults import OF_DISKS, OF_PROCESSES, Fault, interrupt, kill_driver
from optuna.trial import TrialState
from study_under_test import ROOT, assert_equal, run, tables

from study.search.storage import storage_of
from study.store.store import Store

MOMENTS = ROOT / "tests" / "chaos" / "moments.py"
TRIALS = 5
Words = Callable[[Path, Path], list[str]]
"""The command for a file of data and a folder of results; it writes the study `s` there."""


def _study(*options: object) -> Words:
    def words(data: Path, results: Path) -> list[str]:
        same = ["--study", "s", "--data", data, "--results", results, "--plugin", MOMENTS]
        return [sys.executable, str(ROOT / "study" / "run.py"), *map(str, (*options, *same))]

    return words


def _equal(results: Path, expected: dict[str, pd.DataFrame]) -> None:
    assert_equal(results, expected)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A command, done when it ends with `status`."""

    words: Words
    faults: tuple[Fault, ...] = (*OF_PROCESSES, *OF_DISKS)
    moments: tuple[str, ...] = ("a trial's write",)
    """Kinds of moments.py at which it may be killed, of which it has `calls`, or more."""
    calls: int = 12
    training: str = ""
    """What its trainings meet, undisturbed or not: a condition of moments.py."""
    status: int = 0
    skews: bool = False
    """Whether the clock may be off: then there is no Ray, whose clocks are the machine's."""
    local: bool = True
    """Whether its undisturbed run can do without Ray."""
    haste: float = 1
    """How soon faults come, as a part of the usual time."""
    home: tuple[str, ...] = ()
    """A study `home` that it begins with: options of a command."""
    whole: Words | None = None
    """The command that gives what is expected, where it is another one."""
    check: Callable[[Path, dict[str, pd.DataFrame]], None] = _equal

    def is_over(self, results: Path) -> bool:
        """Whether nothing is left to be done, where the command has ended as it should."""
        rows = tables(results)["members"] if self.status else None
        return rows is None or not {"running", "failed"} & set(rows["status"])


def prepare(scenario: Scenario, data: Path, results: Path) -> None:
    """Make the study that it begins with."""
    if scenario.home:
        words = [*_study(*scenario.home)(data, results), "--study", "home", "--executor", "local"]
        run(words)


def expect(scenario: Scenario, data: Path, results: Path, environment: dict[str, str]) -> dict[str, pd.DataFrame]:
    """What is there where nothing happens to it."""
    prepare(scenario, data, results)
    words = (scenario.whole or scenario.words)(data, results)
    run([*words, "--executor", "local"] if scenario.local else words, environment, scenario.status)
    return tables(results)


def _searched(results: Path, cells: dict[str, pd.DataFrame]) -> None:
    """So many trials with a value, each its member's; the members are as the grid of all cells has them."""
    import optuna

    store = Store(results, "s")
    trials = optuna.load_study(study_name="s", storage=storage_of(None, store.folder)).trials
    complete = [t for t in trials if t.state == TrialState.COMPLETE]
    assert len(complete) == TRIALS, [(t.number, t.state.name, t.user_attrs) for t in trials]
    assert all(t.state == TrialState.COMPLETE or t.user_attrs["status"] == "crashed" for t in trials)
    rows, ids = store.statuses(), {m for t in complete for m in t.user_attrs["members"]}
    assert set(rows) == ids, "members and trials are of each other"
    for trial in complete:
        [member] = trial.user_attrs["members"]
        assert trial.values == [rows[member]["fid"]]
    assert_equal(results, {n: f[f["member_id"].isin(ids)].reset_index(drop=True) for n, f in cells.items()})


def _retrain(data: Path, results: Path) -> list[str]:
    [member, *_] = Store(results, "home").ids()
    return _study("--retrain", member, "--seeds", 3)(data, results)


def _publish(data: Path, results: Path) -> list[str]:
    code = "import runpy, moments; runpy.run_module('study.publish', run_name='__main__')"
    return [sys.executable, "-c", code, str(results / "home"), str(results / "s")]


SEARCH_MOMENTS = ("the journal's write", "the end of a trial", "a trial's write")
LONGER = ("--grid", "paper-neurons", "--set", "critic_schedule=constant", "--trust-dirty", "--epochs")
"""On its way it copies what a shorter study has, training states included."""
COHORT = ("--grid", "paper-neurons", "--seeds", 2, "--cohort-size", 3, "--epochs", 4)
SCENARIOS = {
    "grid": Scenario(words=_study("--grid", "paper-neurons", "--epochs", 4), skews=True),
    "search": Scenario(
        words=_study("--search", "chaos", "--trials", TRIALS, "--epochs", 3, "--reference", "test"),
        whole=_study("--grid", "chaos-cells", "--epochs", 3),
        moments=SEARCH_MOMENTS,
        check=_searched,
    ),
    "diverging cohort": Scenario(words=_study(*COHORT), training="diverging", status=1, skews=True),
    "out of memory": Scenario(words=_study(*COHORT), training="memory", skews=True),
    "more epochs": Scenario(words=_study(*LONGER, 4), home=(*LONGER, "2"), skews=True),
    "retrain": Scenario(words=_retrain, home=("--grid", "paper-real-valued", "--epochs", "3"), skews=True),
    "publish": Scenario(
        words=_publish,
        faults=(kill_driver, interrupt),
        moments=("a write",),
        calls=10,
        haste=0.02,
        local=False,
        home=("--grid", "paper-neurons", "--epochs", "2"),
    ),
}
