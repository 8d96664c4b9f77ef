"""`study/run.py --grid`: every cell of a grid, trained into the store."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binarygan.config import MemberConfig
from binarygan.data.images import DATA_ROOT, Images, load_images
from binarygan.errors import UserError
from study.commands.summary import show_plan, summarize
from study.design.cohorts import Cohort, make_cohorts, members_of, unfinished
from study.design.grids import GRIDS, Grid, find_grid
from study.design.selection import selected
from study.launch.devices import device_of, has_gpu, resources_of
from study.launch.exposure import exposure
from study.options import common_fields, data_options, place_of_results
from study.store.lock import only_writer
from study.store.reuse import take_over, trained_elsewhere
from study.store.store import Store


def run_grid(arguments: argparse.Namespace) -> int:
    """The exit status."""
    grid = _grid(arguments.grid)
    data = load_images(arguments.data, root=arguments.data_root, download=arguments.download)
    store = Store(place_of_results(arguments), arguments.study or arguments.grid)
    fields = common_fields(arguments, data, device_of(arguments), store.description())
    cells = grid.cells(arguments.fidelity, **fields)
    members = selected(members_of(cells, arguments.seeds), arguments.only or ())
    description = {
        "grid": grid.name,
        "fidelity": arguments.fidelity,
        "quick": arguments.quick,
        **data_options(arguments),
    }
    return run_members(arguments, store, cells, members, data, description)


def _grid(name: str) -> Grid:
    if name not in GRIDS:
        from study.design.spaces import SPACES

        if name in SPACES:
            raise UserError(f"{name!r} is a search space: use --search {name} --trials N")
    return find_grid(name)


def run_members(
    arguments: argparse.Namespace,
    store: Store,
    cells: list[MemberConfig],
    members: Sequence[MemberConfig],
    data: Images,
    description: dict[str, Any],
    *,
    reuse: bool = True,
) -> int:
    """Train what the store does not have of these members, or say what would be; the exit status."""
    device = device_of(arguments)
    resources = resources_of(arguments, device)
    ids = {m.cell_id for m in members}
    asked = [c for c in cells if c.cell_id in ids]
    if arguments.plan:
        if store.description() is not None:
            store.agree(cells, {})
        missing = unfinished(members, store)
        taken = trained_elsewhere(store, [m.member_id for m in missing]) if reuse else {}
        cohorts = _cohorts([m for m in missing if m.member_id not in taken], store, device, arguments)
        one = 1 if arguments.executor == "local" else None
        show_plan(store, asked, members, taken, cohorts, data, device, arguments.max_concurrent, one)
        return 0
    store.create()
    with only_writer(store.folder):
        store.tidy()
        store.agree(cells, description)
        taken = take_over(store, [m.member_id for m in unfinished(members, store)]) if reuse else {}
        if taken:
            print(f"{store.study}: {len(taken)} members taken over from {', '.join(sorted(set(taken.values())))}")
        cohorts = _cohorts(unfinished(members, store), store, device, arguments)
        if cohorts:
            print(
                f"{store.study}: {len(asked)} cells, {len(members)} members, {len(cohorts)} trials to train on {device}"
            )
            _train(arguments, store, cohorts, device, resources, str(description["fidelity"]))
        return summarize(store, members)


def _cohorts(missing: Sequence[MemberConfig], store: Store, device: str, arguments: argparse.Namespace) -> list[Cohort]:
    """Of the members that are left to train."""

    if arguments.cohort_size or device == "cpu":
        return make_cohorts(missing, store.started(), lambda _: arguments.cohort_size or 1)
    from study.cost.cohort_size import FIRST, fastest_sizes

    with fastest_sizes(device) as fastest:

        def size(group: Sequence[MemberConfig]) -> int:
            if len(group) <= FIRST:
                return len(group)
            if not has_gpu():
                raise UserError(
                    f"no GPU here to measure how many members train fastest together: give --cohort-size N ({FIRST} "
                    "is a start)"
                )
            return fastest(group)

        return make_cohorts(missing, store.started(), size)


def _train(
    arguments: argparse.Namespace,
    store: Store,
    cohorts: list[Cohort],
    device: str,
    resources: dict[str, float],
    fidelity: str,
) -> None:
    from study.launch.progress import StudyProgress

    counts = [len(c.members) for c in cohorts]
    progress = StudyProgress(
        members=sum(counts), total=sum(n * c.members[0].epochs for n, c in zip(counts, cohorts, strict=True))
    )
    task = task_of(arguments, store, device, fidelity)
    try:
        if arguments.executor == "local":
            from study.launch.local import run_cohorts as run_locally

            run_locally(cohorts, task, progress)
        else:
            before_ray(arguments)
            from study.launch.grid import run_cohorts

            run_cohorts(
                cohorts,
                task,
                progress,
                resources=resources,
                address=arguments.address,
                max_concurrent=arguments.max_concurrent,
            )
    finally:
        progress.close()


def task_of(arguments: argparse.Namespace, store: Store, device: str, fidelity: str) -> Any:
    """The `Task` of all trials of a run."""
    from study.trials.task import Task

    return Task(
        results=store.folder.parent,
        study=store.study,
        fidelity=fidelity,
        source=str(Path(arguments.data).resolve()) if arguments.data.endswith(".npy") else arguments.data,
        root=(arguments.data_root or DATA_ROOT).resolve(),
        device=device,
        tensorboard=arguments.tensorboard,
    )


def before_ray(arguments: argparse.Namespace) -> None:
    """What has to stand in the environment before Ray is imported, and a warning where its address is public."""
    if not arguments.address:  # "no cluster", so all its services stay on loopback
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    elif said := exposure(arguments.address):
        print(f"warning: {said}", file=sys.stderr)
