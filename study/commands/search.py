"""`study/run.py --search`: Optuna draws trials from a space, Ray Tune trains them into the store."""

import argparse
import json
from pathlib import Path
from typing import Any

from binarygan.data.images import load_images
from binarygan.errors import UserError
from binarygan.io.files import place_of, reached
from study.commands.grid import before_ray, task_of
from study.design.grids import GRIDS
from study.design.spaces import find_space
from study.launch.devices import device_of, resources_of
from study.options import common_fields, data_options, metrics_of, place_of_results, seconds_of
from study.search.declarations import differences
from study.search.samplers import make_sampler
from study.search.search import EACH_EPOCH, Search
from study.search.storage import storage_of
from study.search.summary import show_search_plan, summarize_search
from study.search.trials import Trials, close
from study.store.lock import only_writer
from study.store.store import Store


def run_search(arguments: argparse.Namespace) -> int:
    """The exit status."""
    if arguments.search in GRIDS:
        raise UserError(f"{arguments.search!r} is a grid: use --grid {arguments.search}")
    space = find_space(arguments.search)
    device = device_of(arguments)
    data = load_images(arguments.data, root=arguments.data_root, download=arguments.download)
    store = Store(place_of_results(arguments), arguments.study or f"search-{space.name}")
    search = Search(
        space=space,
        metrics=tuple(metrics_of(arguments)),
        seeds=arguments.seeds,
        fidelity=arguments.fidelity,
        fields=common_fields(arguments, data, device, store.description()),
    )
    scheduler, sampler = arguments.scheduler or "none", arguments.sampler or "tpe"
    if scheduler != "none" and search.metrics[0] not in EACH_EPOCH:
        raise UserError(
            f"--scheduler {scheduler} needs a metric of every epoch, {search.metrics[0]} is measured at the end alone"
        )
    resources = resources_of(arguments, device)
    make_sampler(sampler, 0, 0)
    _check_store(store, search)
    if arguments.plan:
        show_search_plan(store, search, arguments, data, device)
        return 0
    sources = [_source(text) for text in arguments.warm_start or ()]
    store.create()
    with only_writer(store.folder):
        store.tidy()
        trials = Trials(storage_of(arguments.storage, store.folder, mend=True), store.study, search)
        if store.ids() and not trials.own():
            raise UserError(
                f"{store.folder} has members, but Optuna's trials of this search are gone: bring back its storage, "
                "or choose another folder with --study NAME"
            )
        described = {
            **search.declaration(),
            "sampler": sampler,
            "sampler_seed": arguments.sampler_seed or 0,
            "scheduler": scheduler,
            "trials": arguments.trials,
            "epochs": search.epochs,
            "quick": arguments.quick,
            **data_options(arguments),
        }
        store.describe(described)
        again = trials.settle()
        for trial in trials.own():
            close(trials, trial.number, store)
        for source in sources:
            taken, others = trials.warm_start(source)
            print(f"{store.study}: warm start: {taken} cells of {source.study}, {others} are none of this space")
        left = arguments.trials - trials.counts().settled
        if left > 0:
            going_on = f", {again} of them gone on with" if again else ""
            print(f"{store.study}: {arguments.trials} trials of {search.seeds} members, {left} to run{going_on}")
            _search(arguments, search, trials, store, device, resources, left)
        return summarize_search(trials, store, wanted=arguments.trials, again=_place_options(arguments))


def _search(
    arguments: argparse.Namespace,
    search: Search,
    trials: Trials,
    store: Store,
    device: str,
    resources: dict[str, float],
    left: int,
) -> None:
    from study.launch.progress import StudyProgress

    before_ray(arguments)
    from study.launch.search import Setup
    from study.launch.search import run_search as run_trials

    setup = Setup(
        trials=left,
        sampler=arguments.sampler or "tpe",
        sampler_seed=arguments.sampler_seed or 0,
        scheduler=arguments.scheduler or "none",
        resources=resources,
        address=arguments.address,
        max_concurrent=arguments.max_concurrent,
        seconds=seconds_of(arguments.time_budget),
    )
    members = left * search.seeds
    progress = StudyProgress(members=members, total=members * search.epochs)
    try:
        run_trials(search, trials, task_of(arguments, store, device, arguments.fidelity), setup, progress)
    finally:
        progress.close()


def _place_options(arguments: argparse.Namespace) -> list[str]:
    """Where the data and the results are, unless they are where they usually are."""
    data = [] if arguments.data == "mnist" else ["--data", arguments.data]
    return data + ([] if arguments.results == "results" else ["--results", arguments.results])


def _check_store(store: Store, search: Search) -> None:
    """A UserError where the folder is a grid's or another search's."""
    known: dict[str, Any] | None = store.description()
    if known is None:
        return
    if "search" not in known:
        raise UserError(f"{store.folder} is a grid's: choose another folder with --study NAME or --results DIR")
    declared = json.loads(json.dumps(search.declaration()))
    before = {key: known.get(key) for key in declared}
    if before != declared:
        raise UserError(
            f"{store.folder} is another search's ({differences(before, declared)}); "
            "choose another folder with --study NAME or --results DIR"
        )


def _source(text: str) -> Store:
    place = reached(place_of(text))
    found = Store(place.parent if not isinstance(place, Path) else place.resolve().parent, place.name)
    if not found.statuses():
        raise UserError(f"--warm-start {text} holds no study: it has no members/*.parquet")
    return found
