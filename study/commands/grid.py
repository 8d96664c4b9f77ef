"""`study/run.py --grid NAME`: train every configuration of a grid into the store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binarygan.config import MemberConfig
from binarygan.data.images import DATA_ROOT, Images, is_file, load_images
from binarygan.errors import UserError, counted
from binarygan.plugins import plugins_of
from study.commands.plan import show_plan
from study.commands.resolved import keep_study_file
from study.commands.summary import summarize
from study.design.cohorts import Cohort, make_cohorts, members_of
from study.design.common import check_precision, common_fields
from study.design.selection import selected
from study.design.studies import check_claims_of, check_data, grid_asked
from study.launch.connection import before_ray
from study.launch.devices import device_of, has_gpu, resources_of
from study.launch.progress import StudyProgress
from study.options import RunOptions, results_root
from study.store.lock import only_writer
from study.store.resume import started, tidy, unfinished
from study.store.store import Store
from study.store.take_over import take_over, trained_elsewhere
from study.trials.lengthen import go_on, shorter_elsewhere
from study.trials.task import Task
from study.trials.trackers import check_trackers


def run_grid(options: RunOptions) -> int:
    """Train what the store lacks of the grid or sweep, or say what would be trained (`--plan`); the exit status."""
    grid = grid_asked(options)
    device = device_of(options)
    data = load_images(options.data, root=options.data_root, download=options.download)
    check_data(options, data.digest)
    store = Store(results_root(options.results), options.study or options.grid or "")
    fields = common_fields(options, data, device, store.description())
    cells = grid.cells(options.fidelity, asked=options.asked, **fields)
    check_claims_of(cells, options.described)
    members = selected(members_of(cells, options.seeds), options.only)
    description: dict[str, Any] = {"grid": options.grid} if options.grid else {}
    description |= {"fidelity": options.fidelity, "quick": options.quick, **options.kept}
    return run_members(options, store, cells, members, data, device, description)


def run_members(
    options: RunOptions,
    store: Store,
    cells: list[MemberConfig],
    members: Sequence[MemberConfig],
    data: Images,
    device: str,
    description: dict[str, Any],
    *,
    reuse: bool = True,
) -> int:
    """Train what the store lacks of these runs, or say what would be trained (`--plan`); the exit status.

    Args:
        cells: all configurations of the study.
        reuse: take over what other studies have finished.
    """
    for cell in cells:
        check_precision(cell.dtype, device, options, tf32=not reuse)
        data.check_training(cell.train_images, split=cell.split, reference=cell.reference)
    resources = resources_of(options.clusters, device)
    check_trackers(options.log, store.folder)
    asked = [c for c in cells if c.cell_id in {m.cell_id for m in members}]
    if outside := [c for c in asked if c.outside_parts]:
        from binarygan.training.checks import check_parts  # imports torch, which takes seconds

        left = {m.cell_id for m in unfinished(members, store)}
        for cell in (c for c in outside if c.cell_id in left):
            check_parts(cell, options.engine)
    if options.plan:
        if store.description() is not None:
            store.agree(cells, {})
        missing = unfinished(members, store)
        wanted = [m.member_id for m in missing] if reuse else []
        found = trained_elsewhere(store, wanted, trust_dirty=options.trust_dirty)
        rest = [m for m in missing if m.member_id not in found.usable]
        lines = found.lines(copied=False)
        lines += shorter_elsewhere(store, rest, trust_dirty=options.trust_dirty).lines() if reuse else []
        show_plan(store, asked, members, lines, _cohorts(rest, store, options, device), options, data, device)
        return 0
    store.create()
    with only_writer(store.folder):
        tidy(store)
        store.agree(cells, description)
        if "retrain" not in description:  # that command names the run
            keep_study_file(store, options, cells, str(description["fidelity"]))
        if reuse:
            wanted = [m.member_id for m in unfinished(members, store)]
            taken = take_over(store, wanted, trust_dirty=options.trust_dirty)
            for line in taken.lines(copied=True):
                print(f"{store.study}: {line}")
            if taken.usable and options.log:
                print(f"{store.study}: --log is told of epochs as they are trained, not of what is taken over")
            for line in go_on(store, unfinished(members, store), trust_dirty=options.trust_dirty).lines():
                print(f"{store.study}: {line}")
        cohorts = _cohorts(unfinished(members, store), store, options, device)
        if cohorts:
            size = f"{counted(len(asked), 'cell')}, {counted(len(members), 'member')}"
            print(f"{store.study}: {size}, {counted(len(cohorts), 'trial')} to train on {device}")
            for reference in sorted({m.reference for m in members}):
                data.warn_if_few(reference)
            _train(options, cohorts, task_of(options, store, device, str(description["fidelity"])), resources)
        return summarize(store, members)


def _cohorts(missing: Sequence[MemberConfig], store: Store, options: RunOptions, device: str) -> list[Cohort]:
    """The cohorts of runs that are left to train, of `--cohort-size` members, or of the fastest size on a GPU."""
    begun, size = list(started(store).values()), options.clusters.cohort_size
    if size or device == "cpu":
        return make_cohorts(missing, begun, lambda _: size or 1)
    from study.cost.cohort_size import FIRST, fastest_sizes

    with fastest_sizes(device, options.plugins) as fastest:

        def measured(group: Sequence[MemberConfig]) -> int:
            if len(group) <= FIRST:
                return len(group)
            if not has_gpu():
                raise UserError(
                    f"no GPU here to measure how many members train fastest together: give --cohort-size N ({FIRST} "
                    "is a start)"
                )
            return fastest(group)

        return make_cohorts(missing, begun, measured)


def _train(options: RunOptions, cohorts: list[Cohort], task: Task, resources: dict[str, float]) -> None:
    epochs = sum(len(c.members) * c.members[0].epochs for c in cohorts)
    with StudyProgress(members=sum(len(c.members) for c in cohorts), total=epochs) as progress:
        if options.executor == "local":
            return train_here(cohorts, task, progress)
        before_ray(options.clusters.address)
        from study.launch.grid import run_cohorts

        return run_cohorts(cohorts, task, progress, asked=options.clusters, resources=resources)


def train_here(cohorts: Sequence[Cohort], task: Task, progress: StudyProgress) -> None:
    """Train all cohorts in this process, one after another: for debuggers, profilers and machines without Ray."""
    from study.trials.trial import train_cohort

    for cohort in cohorts:
        try:
            train_cohort(cohort, task, lambda _, rows: progress.epoch(len(rows)))
        except Exception as error:  # its reason goes into the store, and the next cohorts are trained
            task.store.fail(cohort.members, task.fidelity, f"{type(error).__name__}: {error}")
            progress.finished(len(cohort.members), failed=True)
        else:
            progress.finished(len(cohort.members))


def task_of(options: RunOptions, store: Store, device: str, fidelity: str) -> Task:
    """What all trials of a command need. Paths are absolute, as trials have other working folders."""
    return Task(
        results=store.folder.parent,
        study=store.study,
        fidelity=fidelity,
        source=str(Path(options.data).resolve()) if is_file(options.data) else options.data,
        root=(options.data_root or DATA_ROOT).resolve(),
        device=device,
        engine=options.engine,
        plugins=plugins_of(options.plugins),
        trackers=options.log,
        keep_state=options.keep_state,
    )
