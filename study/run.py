"""The command line: `python study/run.py --grid paper-appendix`."""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a script: the repository's root, not study/, is where imports start
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from binarygan.config import MemberConfig
from binarygan.data import load_images
from binarygan.errors import UserError
from study.grids import GRIDS, find_grid
from study.options import check, common_fields, device_of, parser
from study.plan import Cohort, make_cohorts, members_of, unfinished
from study.results import Store
from study.reuse import take_over
from study.summary import show_plan, summarize


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return _run(parser().parse_args(argv))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from the last whole epoch", file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace) -> int:
    if arguments.list:
        for grid in GRIDS.values():
            print(f"{grid.name:22}{grid.shows}")
        return 0
    check(arguments)
    grid = find_grid(arguments.grid)
    data = load_images(arguments.data, root=arguments.data_root, download=arguments.download)
    cells = grid.cells(arguments.fidelity, **common_fields(arguments, data))
    members = members_of(cells, arguments.seeds)
    store = Store(arguments.results, arguments.study or arguments.grid)
    device = device_of(arguments)
    if arguments.plan:
        if (store.folder / "study.json").exists():
            store.agree(cells, {})
        cohorts = _cohorts(members, store, device, arguments)
        show_plan(store, cells, members, cohorts, data, device, arguments.max_concurrent)
        return 0
    store.create()
    lock = (store.folder / ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UserError(f"another run is writing {store.folder}; wait for it or stop it") from None
    store.agree(cells, {"grid": grid.name, "fidelity": arguments.fidelity, "quick": arguments.quick})
    taken = take_over(store, [m.member_id for m in unfinished(members, store)])
    if taken:
        print(f"{store.study}: {len(taken)} members taken over from {', '.join(sorted(set(taken.values())))}")
    cohorts = _cohorts(members, store, device, arguments)
    if cohorts:
        print(f"{store.study}: {len(cells)} cells, {len(members)} members, {len(cohorts)} trials to train on {device}")
        _train(arguments, store, cohorts, device)
    return summarize(store, members)


def _cohorts(members: Sequence[MemberConfig], store: Store, device: str, arguments: argparse.Namespace) -> list[Cohort]:
    """What is left to train."""

    def size(group: Sequence[MemberConfig]) -> int:
        if arguments.cohort_size or device == "cpu":
            return arguments.cohort_size or 1
        from study.cohort_size import fastest_size

        return fastest_size(group, device)

    return make_cohorts(unfinished(members, store), store.started(), size)


def _train(arguments: argparse.Namespace, store: Store, cohorts: list[Cohort], device: str) -> None:
    from study.progress import StudyProgress
    from study.trial import Task

    task = Task(
        results=arguments.results.resolve(),
        study=store.study,
        fidelity=arguments.fidelity,
        source=str(Path(arguments.data).resolve()) if arguments.data.endswith(".npy") else arguments.data,
        root=arguments.data_root.resolve() if arguments.data_root else None,
        device=device,
    )
    counts = [len(c.members) for c in cohorts]
    progress = StudyProgress(
        members=sum(counts), total=sum(n * c.members[0].epochs for n, c in zip(counts, cohorts, strict=True))
    )
    try:
        if arguments.executor == "local":
            from study.local import run_cohorts as run_locally

            run_locally(cohorts, task, progress)
        else:
            if not arguments.address:  # read when Ray is imported: "no cluster", so all its services stay on loopback
                os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
            from study.launch import run_cohorts

            run_cohorts(cohorts, task, progress, address=arguments.address, max_concurrent=arguments.max_concurrent)
    finally:
        progress.close()


if __name__ == "__main__":
    sys.exit(main())
