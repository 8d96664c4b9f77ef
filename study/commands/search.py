"""`study/run.py --search NAME`: Optuna draws trials from a search space, Ray Tune trains them into the store."""

from pathlib import Path
from typing import Any

from binarygan.data.images import load_images
from binarygan.errors import UserError, counted
from binarygan.io.files import path_of, reached
from binarygan.paper import split_of
from study.commands.grid import task_of
from study.commands.plan import show_search_plan
from study.commands.resolved import OMITTED, claims_of, head_of
from study.commands.summary import summarize_search
from study.design.common import check_precision, common_fields
from study.design.spaces import described
from study.design.studies import check_data, space_asked
from study.launch.connection import before_ray
from study.launch.devices import device_of, resources_of
from study.launch.progress import StudyProgress
from study.options import RunOptions, results_root
from study.search.samplers import make_sampler
from study.search.search import EACH_EPOCH, Search
from study.search.storage import storage_of
from study.search.trials import Trials, close
from study.store.lock import only_writer
from study.store.resume import tidy
from study.store.store import Store
from study.store.study_file import NAME, read_study_file, write_study_file
from study.trials.trackers import check_trackers

DRAWN = 200
"""Configurations that are drawn before a search, to find what cannot be trained."""


def run_search(options: RunOptions, name: str) -> int:
    """Run the trials that the search lacks, or say what would run (`--plan`); the exit status."""
    space = space_asked(options, name)
    space.check(options.asked)
    asked, wanted = options.searches, options.searches.trials or 0
    device = device_of(options)
    data = load_images(options.data, root=options.data_root, download=options.download)
    check_data(options, data.digest)
    store = Store(results_root(options.results), options.study or f"search-{name}")
    search = Search(
        name=name,
        space=space,
        metrics=asked.metrics,
        seeds=options.seeds,
        fidelity=options.fidelity,
        fields=common_fields(options, data, device, store.description()),
    )
    if asked.scheduler != "none" and search.metrics[0] not in EACH_EPOCH:
        raise UserError(
            f"--scheduler {asked.scheduler} needs a metric of every epoch, "
            f"{search.metrics[0]} is measured at the end alone"
        )
    most = max(search.fields["train_images"], space.largest("train_images"))
    split = search.fields.get("split", split_of(options.fidelity, search.reference))
    data.check_training(int(most), split=split, reference=search.reference)
    _check_draws(search, options, device)
    resources = resources_of(options.clusters, device)
    make_sampler(asked.sampler, 0, 0)  # a UserError if a package is missing
    _check_store(store, search)
    check_trackers(options.log, store.folder)
    if options.plan:
        show_search_plan(store, search, options, data, device)
        return 0
    sources = [_source(text) for text in asked.warm_start]
    store.create()
    with only_writer(store.folder):
        tidy(store)
        trials = Trials(storage_of(asked.storage, store.folder, mend=True), store.study, search)
        if store.ids() and not trials.own():
            raise UserError(
                f"{store.folder} has members, but Optuna's trials of this search are gone: bring back its storage, "
                "or choose another folder with --study NAME"
            )
        asked_for = {"sampler": asked.sampler, "sampler_seed": asked.sampler_seed, "scheduler": asked.scheduler}
        asked_for |= {"trials": wanted, "epochs": search.epochs, "quick": options.quick}
        store.describe(search.declaration() | asked_for | options.kept)
        _keep_study_file(store, options, search, data.digest)
        again = trials.settle()
        for trial in trials.own():
            close(trials, trial.number, store)
        for source in sources:
            taken, others = trials.warm_start(source)
            print(f"{store.study}: warm start: {taken} cells of {source.study}, {others} are none of this space")
        left = wanted - trials.counts().settled
        if left > 0:
            going_on = f", {again} of them gone on with" if again else ""
            size = f"{counted(wanted, 'trial')} of {counted(search.seeds, 'member')}"
            print(f"{store.study}: {size}, {left} to run{going_on}")
            data.warn_if_few(search.reference)
            task = task_of(options, store, device, options.fidelity)
            before_ray(options.clusters.address)
            from study.launch.search import run_search as run_trials

            members = left * search.seeds
            given: dict[str, Any] = {"asked": asked, "clusters": options.clusters, "resources": resources}
            with StudyProgress(members=members, total=members * search.epochs) as progress:
                run_trials(search, trials, task, progress, count=left, **given)
        # the data and the results are named unless they are the usual ones
        again_options = [] if options.data == "mnist" else ["--data", options.data]
        again_options += [] if options.data_root is None else ["--data-root", str(options.data_root)]
        again_options += [] if options.results == "results" else ["--results", options.results]
        again_options += [word for path in options.plugin for word in ("--plugin", str(path))]
        return summarize_search(trials, store, data, wanted=wanted, again=again_options)


def _check_draws(search: Search, options: RunOptions, device: str) -> None:
    """A UserError where the search draws what cannot be trained, here or at all; each part from outside is checked."""
    checked: set[tuple[str, str]] = set()
    for cell in search.space.drawn(DRAWN, search.fidelity, **search.fields):
        check_precision(cell.dtype, device, options)
        outside = {(kind, str(getattr(cell, kind))) for kind in cell.outside_parts}
        if outside - checked:
            from binarygan.training.checks import check_parts  # imports torch, which takes seconds

            check_parts(cell, options.engine)
            checked |= outside


def _check_store(store: Store, search: Search) -> None:
    """A UserError if the folder is a grid's or another search's."""
    known: dict[str, Any] | None = store.description()
    if known is None:
        return
    if "search" not in known:
        raise UserError(f"{store.folder} is a grid's: choose another folder with --study NAME or --results DIR")
    if unlike := search.unlike(known):
        raise UserError(
            f"{store.folder} is another search's ({unlike}); choose another folder with --study NAME or --results DIR"
        )


def _keep_study_file(store: Store, options: RunOptions, search: Search, digest: str) -> None:
    """Write the file of a search's study anew: its space, written out, and what it was asked for."""
    asked = options.searches
    fixed = {k: v for k, v in search.fields.items() if k not in OMITTED}
    own = {name: getattr(asked, name) for name in ("trials", "sampler", "sampler_seed", "scheduler")}
    own |= {"name": search.name, "metric": list(search.metrics), "space": described(search.space)}
    path = store.folder / NAME
    before = read_study_file(path) if path.exists() else None
    drawn = {p.name for p in search.space.parameters}
    fixed = {name: value for name, value in fixed.items() if name not in drawn}
    if before is not None:
        own["trials"] = max(own["trials"] or 0, before.search.get("trials", 0))
    head = head_of(store, options, search.fidelity, digest, before)
    head["shows"] = head["shows"] or search.space.shows
    content = {
        **head,
        "seeds": search.seeds,
        "set": fixed,
        "search": own,
        "claims": claims_of(options.described or before),
    }
    write_study_file(content, path)


def _source(text: str) -> Store:
    """The store of a study that `--warm-start` names by its folder."""
    folder = reached(path_of(text))
    folder = folder.resolve() if isinstance(folder, Path) else folder  # "." has no name
    found = Store(folder.parent, folder.name)
    if not found.statuses():
        raise UserError(f"--warm-start {text} holds no study: it has no members/*.parquet")
    return found
