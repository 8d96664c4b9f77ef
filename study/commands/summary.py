"""What a command prints at its end: how the runs of a grid, or the trials of a search, ended, and what to do next."""

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from binarygan.config import MemberConfig
from binarygan.data.images import Images
from binarygan.errors import counted, printable
from study.store.store import Store
from study.store.take_over import measured_otherwise

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from study.search.search import Search
    from study.search.trials import Trials

SHOWN = 5
"""How many trials of a front are printed."""


def summarize(store: Store, members: Sequence[MemberConfig]) -> int:
    """Print how the members ended, with the reason of each that is not done; the exit status."""
    rows = store.statuses()
    by_status: dict[str, list[MemberConfig]] = {}
    for member in members:
        by_status.setdefault(rows.get(member.member_id, {}).get("status", "missing"), []).append(member)
    print(f"{store.folder}: " + ", ".join(f"{len(v)} {k}" for k, v in sorted(by_status.items())))
    unfinished = [m for status, found in by_status.items() if status != "done" for m in found]
    for m in unfinished:
        row = rows.get(m.member_id, {})
        what = f"{m.objective} {m.architecture} {m.neuron} D norm {m.discriminator_norm} seed {m.seed}"
        why = printable(row.get("error") or "not trained to its end")
        print(f"  {m.member_id} {what}: {row.get('status', 'missing')}: {why}")
    for line in _measured_otherwise([row for row in rows.values() if row["status"] == "done"]):
        print(line)
    print(_report(store))
    return 1 if unfinished else 0


def _measured_otherwise(done: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each metric from outside that not every run has as its file is now."""
    count = Counter(name for row in done for name in measured_otherwise(row))
    return [
        f"warning: {counted(n, 'run')} of {len(done)} done without {name} as its plugin is now: "
        "a study of another name trains them anew"
        for name, n in count.items()
    ]


def summarize_search(trials: "Trials", store: Store, data: Images, *, wanted: int, again: Sequence[str]) -> int:
    """Print how the trials ended and which are best; the exit status: 1 if some gave no value or are still to run.

    Args:
        wanted: how many trials were asked for.
        again: the options with which a member of this search is found and trained again.
    """
    from study.search.trials import CRASHED, MEMBERS, REASON, STATUS

    counts = trials.counts()
    left = max(0, wanted - counts.settled)
    print(
        f"{store.folder}: {counts.complete} trials complete, {counts.stopped} stopped early, {counts.failed} failed"
        + (f", {left} not run: the same command goes on" if left else "")
    )
    for trial in trials.own():
        crashed = trial.user_attrs.get(STATUS) == CRASHED
        if REASON in trial.user_attrs and (left or not crashed):
            how = "crashed, to be run again" if crashed else "failed"
            print(f"  trial {trial.number}: {how}: {trial.user_attrs[REASON]}")
    best = trials.best()
    for trial in best[:SHOWN]:
        members = ", ".join(trial.user_attrs[MEMBERS])
        print(f"best: {_described(trial, trials.search)}; members {members}")
    if len(best) > SHOWN:
        print(f"  … and {len(best) - SHOWN} more on the front")
    if best:
        held_out = trials.search.reference == "validation"
        report = ["--reference", "test"] if held_out and data.has_test_split else []
        print(chosen_by(trials.search.reference, data))
        command = ["python", "study/run.py", "--retrain", best[0].user_attrs[MEMBERS][0], "--seeds", "10"]
        print(f"next: {shlex.join([*command, *report, *again])}")
    print(_report(store))
    return 1 if counts.failed or left else 0


def chosen_by(reference: str, data: Images) -> str:
    """Which images chose the best trial of a search, and so where its score may be reported, in one line."""
    compared = len(data.packed[data.references(reference)])
    if reference == "test":
        of = "test" if data.has_test_split else "training"
        return f"chosen by {compared:,} {of} images: what is reported on them is flattered by the choice"
    chosen = f"chosen by {compared:,} images that were held out of training"
    if data.has_test_split:
        return f"{chosen}; no test image was looked at: report once, by the next command, on the test split"
    return f"{chosen}: {data.name} has no test split to report on: for a report keep other images apart"


def _report(store: Store) -> str:
    """The command that makes the study's report, with the plugins that its parts come from."""
    plugins = (store.description() or {}).get("plugins", [])
    words = [word for path in plugins for word in ("--plugin", str(path))]
    return f"next: {shlex.join(['python', '-m', 'analysis', 'report', str(store.folder), *words])}"


def _described(trial: "FrozenTrial", search: "Search") -> str:
    values = ", ".join(f"{m} {v:.4g}" for m, v in zip(search.metrics, trial.values, strict=True))
    params = ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in trial.params.items())
    return f"trial {trial.number}: {values}: {params}"
