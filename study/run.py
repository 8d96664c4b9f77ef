"""The command line: `python study/run.py --grid paper-appendix`."""

import argparse
import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

if __package__ in (None, ""):  # run as a script: the repository's root, not study/, is where imports start
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from binarygan.config import FIDELITIES, MemberConfig
from binarygan.data import Images, load_images
from binarygan.errors import UserError
from study.grids import GRIDS, find_grid
from study.plan import Cohort, members_of, missing_cohorts
from study.results import FINISHED, Store

EXAMPLES = """examples:
  python study/run.py --grid paper-appendix            Figure 8, full length
  python study/run.py --grid paper-appendix --quick    the same cells on little data: minutes on two cores
  python study/run.py --grid paper-appendix --plan     what would run, and what is done
  python study/run.py --list                           the grids
"""
QUICK_IMAGES, QUICK_EPOCHS = 6400, 1


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def parser() -> argparse.ArgumentParser:
    """Every option of the command."""
    p = _Parser(
        prog="study/run.py",
        description=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    p.add_argument("--grid", metavar="NAME", help="the grid to run")
    p.add_argument("--list", action="store_true", help="list the grids and stop")
    p.add_argument("--plan", action="store_true", help="say what would run and stop")
    p.add_argument("--quick", action="store_true", help=f"{QUICK_IMAGES} images, {QUICK_EPOCHS} epoch")
    p.add_argument("--seeds", type=int, default=1, metavar="N", help="members a cell (default 1)")
    p.add_argument("--epochs", type=int, metavar="N", help="epochs (default 20)")
    p.add_argument("--fidelity", choices=FIDELITIES, default="as-described", help="the paper's text or its code")
    p.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results/")
    p.add_argument("--study", metavar="NAME", help="name of the results folder (default: the grid's)")
    p.add_argument("--data", default="mnist", metavar="NAME|FILE.npy", help="data set (default: packaged MNIST)")
    p.add_argument("--data-root", type=Path, metavar="DIR", help="folder of torchvision's data sets")
    p.add_argument("--download", action="store_true", help="let torchvision fetch a data set that is missing")
    p.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    p.add_argument("--executor", choices=("ray", "local"), default="ray", help="local: in this process, without Ray")
    p.add_argument("--address", metavar="RAY_ADDRESS", help="a running Ray cluster")
    p.add_argument("--max-concurrent", type=int, metavar="N", help="trials at a time (default: what fits)")
    return p


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
    if not arguments.grid:
        raise UserError("--grid NAME is needed; --list names the grids")
    for option in ("seeds", "epochs", "max_concurrent"):
        value = getattr(arguments, option)
        if value is not None and value < 1:
            raise UserError(f"--{option.replace('_', '-')} {value} must be at least 1")
    grid = find_grid(arguments.grid)
    data = load_images(arguments.data, root=arguments.data_root, download=arguments.download)
    cells = grid.cells(arguments.fidelity, **_common(arguments, data))
    members = members_of(cells, arguments.seeds)
    store = Store(arguments.results, arguments.study or arguments.grid)
    if not arguments.plan:
        store.create()
    elif (store.folder / "study.json").exists():
        store.agree(cells, {})
    device = _device(arguments.device)
    cohorts = missing_cohorts(members, store, size=len(members) if device == "cuda" else 1)
    if arguments.plan:
        return _show_plan(store, cells, members, cohorts, device, arguments.max_concurrent)
    lock = (store.folder / ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UserError(f"another run is writing {store.folder}; wait for it or stop it") from None
    store.agree(cells, {"grid": grid.name, "fidelity": arguments.fidelity, "quick": arguments.quick})
    if cohorts:
        print(f"{store.study}: {len(cells)} cells, {len(members)} members, {len(cohorts)} trials to train on {device}")
        _train(arguments, store, cohorts, device)
    return _summarize(store, members)


def _common(arguments: argparse.Namespace, data: Images) -> dict[str, object]:
    """Fields that every cell of the run shares."""
    split = "train" if arguments.fidelity == "as-described" else "all"
    count = data.count(split)
    epochs = arguments.epochs or (QUICK_EPOCHS if arguments.quick else 20)
    return {
        "data": data.name,
        "data_digest": data.digest,
        "train_images": min(count, QUICK_IMAGES) if arguments.quick else count,
        "epochs": epochs,
    }


def _device(asked: str) -> str:
    if asked == "cpu":
        return "cpu"
    import torch

    available = torch.cuda.is_available()
    if asked == "cuda" and not available:
        raise UserError("--device cuda: torch finds no GPU here; use --device cpu")
    return "cuda" if available else "cpu"


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


def _show_plan(
    store: Store,
    cells: list[MemberConfig],
    members: list[MemberConfig],
    cohorts: list[Cohort],
    device: str,
    max_concurrent: int | None,
) -> int:
    rows = store.statuses()
    done = sum(rows.get(m.member_id, {}).get("status") in FINISHED for m in members)
    print(
        f"{store.study}: {len(cells)} cells, {len(members)} members, {done} finished, {len(cohorts)} trials on {device}"
    )
    for cell in cells:
        print(
            f"  {cell.cell_id}  {cell.objective:8} {cell.architecture} {cell.neuron:13} {cell.discriminator_norm} in D"
        )
    if not cohorts:
        return 0
    from study.estimate import seconds_of

    seconds = seconds_of(cohorts, device)
    places = min(max_concurrent or len(cohorts), len(cohorts), 1 if device == "cuda" else os.cpu_count() or 1)
    hours = max(sum(seconds) / places, max(seconds)) / 3600
    print(
        f"to train: about {hours:.1f} h on a machine like this one, {places} at a time "
        f"({sum(c.critic_steps() for c in cohorts):,} critic steps; timed over a few of each kind just now)"
    )
    return 0


def _summarize(store: Store, members: list[MemberConfig]) -> int:
    rows = store.statuses()
    by_status: dict[str, list[MemberConfig]] = {}
    for member in members:
        by_status.setdefault(rows.get(member.member_id, {}).get("status", "missing"), []).append(member)
    print(f"{store.folder}: " + ", ".join(f"{len(v)} {k}" for k, v in sorted(by_status.items())))
    unfinished = [m for status, found in by_status.items() if status != "done" for m in found]
    for m in unfinished:
        row = rows.get(m.member_id, {})
        what = f"{m.objective} {m.architecture} {m.neuron} D norm {m.discriminator_norm} seed {m.seed}"
        print(f"  {m.member_id} {what}: {row.get('status', 'missing')}: {row.get('error') or 'not trained to its end'}")
    print(f"next: python -m analysis report {store.folder}")
    return 1 if unfinished else 0


if __name__ == "__main__":
    sys.exit(main())
