"""The options of `study/run.py` and what they say of every cell."""

import argparse
import re
from pathlib import Path
from typing import Any

from binarygan.cli.commands import Parser
from binarygan.data.images import Images
from binarygan.errors import UserError
from binarygan.io.files import Place, is_local, place_of, reached
from binarygan.paper import FIDELITIES

EXAMPLES = """examples:
  python study/run.py --grid paper-appendix            Figure 8, full length
  python study/run.py --grid paper-appendix --quick    the same cells on little data: minutes on two cores
  python study/run.py --grid paper-appendix --plan     what would run, what is done, how long the rest takes
  python study/run.py --grid paper --only neuron=real  a part of a grid
  python study/run.py --search mlp --trials 30         the best of a search space, by Optuna
  python study/run.py --retrain MEMBER --seeds 10      a member again, outside its study, and nine more seeds
  python study/run.py --list                           the grids and search spaces
"""
QUICK_IMAGES, QUICK_EPOCHS = 6400, 1
PRECISIONS = {"fp32": "float32", "tf32": "tf32", "bf16": "bfloat16"}
"""The option's words -> `MemberConfig.dtype`."""
FASTEST = {"cpu": "fp32", "cuda": "tf32"}
"""Of those that were seen to give float32's results at full length (docs/performance.md), by device."""
SAMPLERS = ("tpe", "random", "nsga2", "gp", "cmaes")
SCHEDULERS = ("none", "asha", "median")
COUNTS = ("seeds", "epochs", "max_concurrent", "cohort_size", "trials")
OF_SEARCHES = ("trials", "metric", "sampler", "sampler_seed", "scheduler", "time_budget", "storage", "warm_start")


def parser() -> argparse.ArgumentParser:
    """Every option of the command."""
    p = Parser("study/run.py", EXAMPLES)
    p.add_argument("--grid", metavar="NAME", help="the grid to run")
    p.add_argument("--search", metavar="NAME", help="the search space to search")
    p.add_argument("--retrain", metavar="MEMBER", help="the member (its id) to train again")
    p.add_argument("--list", action="store_true", help="list the grids and search spaces and stop")
    p.add_argument("--plan", action="store_true", help="say what would run and stop")
    p.add_argument("--quick", action="store_true", help=f"{QUICK_IMAGES} images, {QUICK_EPOCHS} epoch")
    p.add_argument("--seeds", type=int, default=1, metavar="N", help="members a cell (default 1)")
    p.add_argument(
        "--only",
        nargs="+",
        action="extend",
        metavar="FIELD=VALUES",
        help="a part of the grid: objective=gan,wgan seed=0",
    )
    p.add_argument("--epochs", type=int, metavar="N", help="epochs (default 20)")
    p.add_argument("--fidelity", choices=FIDELITIES, default="as-described", help="the paper's text or its code")
    p.add_argument(
        "--precision", choices=tuple(PRECISIONS), help="of matrix products (default fp32 on a CPU, tf32 on a GPU)"
    )
    p.add_argument("--results", default="results", metavar="DIR|URL", help="default: results/; or s3://bucket/path")
    p.add_argument("--study", metavar="NAME", help="name of the results folder (default: the grid's)")
    p.add_argument("--data", default="mnist", metavar="NAME|FILE.npy", help="data set (default: packaged MNIST)")
    p.add_argument("--data-root", type=Path, metavar="DIR", help="folder of torchvision's data sets")
    p.add_argument("--download", action="store_true", help="let torchvision fetch a data set that is missing")
    p.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    p.add_argument("--executor", choices=("ray", "local"), default="ray", help="local: in this process, without Ray")
    p.add_argument("--tensorboard", action="store_true", help="curves to <study>/tensorboard/, too")
    _add_search(p.add_argument_group("searches"))
    _add_cluster(p.add_argument_group("clusters"))
    return p


def _add_search(p: argparse._ArgumentGroup) -> None:
    p.add_argument("--trials", type=int, metavar="N", help="how many, each of --seeds members")
    p.add_argument("--metric", nargs="+", metavar="NAME", help="what to optimize (default fid); several: their front")
    p.add_argument("--sampler", choices=SAMPLERS, help="default: tpe")
    p.add_argument("--sampler-seed", type=int, metavar="N", help="of what it draws (default 0)")
    p.add_argument("--scheduler", choices=SCHEDULERS, help="stops trials that do badly (default none)")
    p.add_argument("--time-budget", metavar="TIME", help="2h, 90m, 1h30m: then the run ends, and can go on later")
    p.add_argument("--storage", metavar="URL", help="database of Optuna's trials (default: a file beside the results)")
    p.add_argument("--warm-start", nargs="+", metavar="STUDY", help="begin from what these studies' folders hold")


def _add_cluster(p: argparse._ArgumentGroup) -> None:
    p.add_argument("--address", metavar="RAY_ADDRESS", help="a running Ray cluster")
    p.add_argument("--max-concurrent", type=int, metavar="N", help="trials at a time (default: what fits)")
    p.add_argument(
        "--cohort-size", type=int, metavar="N", help="members a trial (default: 1 on a CPU, the fastest on a GPU)"
    )
    p.add_argument(
        "--cpus-per-trial", type=float, default=1, metavar="X", help="CPUs that a trial reserves (default 1)"
    )
    p.add_argument("--gpus-per-trial", type=float, metavar="X", help="share of a GPU (default 1 on a GPU)")
    p.add_argument("--resource", action="append", default=[], metavar="NAME=X", help="a custom resource of each trial")


def check(arguments: argparse.Namespace) -> None:
    """A UserError for what no single option's parser sees."""
    asked = [name for name in ("grid", "search", "retrain") if getattr(arguments, name)]
    if not asked:
        raise UserError("--grid NAME, --search NAME or --retrain MEMBER is needed; --list names grids and searches")
    if len(asked) > 1:
        raise UserError(f"--{asked[0]} and --{asked[1]} are two commands: leave out one of them")
    if arguments.study and not re.fullmatch(r"\w[\w.+-]*", arguments.study):
        raise UserError(f"--study {arguments.study!r} is no name of a folder: use letters, digits, - . _")
    for option in COUNTS:
        value = getattr(arguments, option)
        if value is not None and value < 1:
            raise UserError(f"{_flag(option)} {value} must be at least 1")
    if arguments.address and arguments.executor == "local":
        raise UserError("--address names a Ray cluster, --executor local uses none: leave out one of them")
    if arguments.executor == "local" and (arguments.resource or arguments.max_concurrent):
        option = "resource" if arguments.resource else "max-concurrent"
        raise UserError(f"--{option} is Ray's, --executor local trains one cohort after another: leave out one of them")
    if arguments.tensorboard and not is_local(place_of(arguments.results)):
        raise UserError(f"--tensorboard writes to a disk, not to {arguments.results}: leave it out")
    if arguments.only and not arguments.grid:
        raise UserError(f"--only chooses members of a grid: {_flag(asked[0])} has no use for it")
    if arguments.search:
        _check_search(arguments)
    else:
        for option in OF_SEARCHES:
            if getattr(arguments, option) is not None:
                raise UserError(f"{_flag(option)} is a search's: {_flag(asked[0])} has no use for it")


def _check_search(arguments: argparse.Namespace) -> None:
    if not arguments.trials:
        raise UserError("--search needs --trials N")
    if arguments.executor == "local":
        raise UserError("--search is Ray Tune's: leave out --executor local")
    if arguments.cohort_size:
        raise UserError("--cohort-size is a grid's: a search's trial has --seeds members")
    metrics = metrics_of(arguments)
    if len(metrics) > 1 and (arguments.scheduler or "none") != "none":
        raise UserError(f"--scheduler {arguments.scheduler} compares by one metric: give one, or --scheduler none")
    if len(metrics) > 1 and arguments.sampler == "cmaes":
        raise UserError("--sampler cmaes has one goal: give one --metric, or --sampler nsga2 or tpe")
    seconds_of(arguments.time_budget)


def metrics_of(arguments: argparse.Namespace) -> list[str]:
    """What a search is to optimize, blanks or commas between."""
    return [name for text in arguments.metric or ["fid"] for name in text.split(",") if name]


def seconds_of(text: str | None) -> float | None:
    """Seconds of a time like 2h, 90m or 1h30m; a UserError where it is none.

    >>> seconds_of("1h30m"), seconds_of("45s"), seconds_of(None)
    (5400.0, 45.0, None)
    """
    if text is None:
        return None
    found = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text)
    seconds = sum(float(n or 0) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0.0
    if seconds <= 0:
        raise UserError(f"--time-budget {text} is no time: write 2h, 90m or 1h30m")
    return seconds


def place_of_results(arguments: argparse.Namespace) -> Place:
    """The results root; a local one absolute, as workers have other working folders."""
    place = place_of(arguments.results)
    if not isinstance(place, Path):
        return reached(place)
    try:
        place = place.resolve()
        nearest = next(p for p in (place, *place.parents) if p.exists())
    except (OSError, RuntimeError) as error:  # no permission, too long a name; links in a circle
        raise UserError(f"--results {arguments.results}: {getattr(error, 'strerror', None) or error}") from error
    if not nearest.is_dir():
        raise UserError(f"--results {arguments.results}: {nearest} is a file, not a folder")
    return place


def data_options(arguments: argparse.Namespace) -> dict[str, str]:
    """Where the data are, as the command has it: what `study.json` keeps for the same command to be given again."""
    options = {"data": arguments.data, "data_root": arguments.data_root}
    return {name: str(value) for name, value in options.items() if value not in (None, "mnist")}


def common_fields(
    arguments: argparse.Namespace, data: Images, device: str, known: dict[str, Any] | None
) -> dict[str, Any]:
    """Fields that every cell of the run shares.

    Args:
        known: the description of the study that there is, whose precision is kept where none is asked for.
    """
    split = "train" if arguments.fidelity == "as-described" else "all"
    count = data.count(split)
    dtype = _dtype(arguments, device, known)
    if device == "cpu" and dtype == "bfloat16" and not arguments.address:
        _need_numba()
    return {
        "data": data.name,
        "data_digest": data.digest,
        "train_images": min(count, QUICK_IMAGES) if arguments.quick else count,
        "epochs": arguments.epochs or (QUICK_EPOCHS if arguments.quick else 20),
        "dtype": dtype,
    }


def _dtype(arguments: argparse.Namespace, device: str, known: dict[str, Any] | None) -> str:
    if arguments.precision:
        return PRECISIONS[arguments.precision]
    said = known or {}
    entries = [*said.get("cells", {}).values(), said.get("fixed")]  # a grid's, a search's
    dtypes = {entry.get("dtype") for entry in entries if isinstance(entry, dict)}
    for dtype in PRECISIONS.values():
        if dtypes == {dtype} and (device, dtype) != ("cpu", "tf32"):
            return dtype
    return PRECISIONS[FASTEST[device]]


def _need_numba() -> None:
    try:
        import numba  # noqa: F401
    except ImportError as error:  # NumPy is newer than it knows, say
        raise UserError(f"--precision bf16 on a CPU needs Numba ({error}): mend that or use --precision fp32") from None


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"
