"""The options of `study/run.py`: each is a field of `RunOptions`, into which the command line is parsed once."""

import argparse
import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binarygan.arithmetic.precision import PRECISIONS
from binarygan.cli.commands import Parser
from binarygan.config import REFERENCES
from binarygan.errors import UserError
from binarygan.io.files import AnyPath, path_of, reached
from binarygan.paper import FIDELITIES
from study.store.study_file import StudyFile, read_study_file

EXAMPLES = """examples:
  python study/run.py --grid paper-appendix            Figure 8, full length
  python study/run.py --grid paper-appendix --quick    the same cells on little data: minutes on two cores
  python study/run.py --grid paper-appendix --plan     what would run, what is done, how long the rest takes
  python study/run.py --grid paper --only neuron=real  a part of a grid
  python study/run.py --sweep slope_rate=1,1.1,1.2 learning_rate=1e-4,5e-4 --set neuron=stochastic --study mine
                                                       a study of your own: each value with each, all else the paper's
  python study/run.py --file my.toml                   the same from a file (examples/)
  python study/run.py --search mlp --trials 30         the best of a search space, by Optuna
  python study/run.py --retrain MEMBER --seeds 10      a member again, outside its study, and nine more seeds
  python study/run.py --list                           the grids and search spaces
  python study/run.py --fields                         what --sweep and --set may name
"""
EPOCHS, QUICK_EPOCHS, QUICK_IMAGES = 20, 1, 6400
OPTIONS_OF_PRECISIONS = {precision.option: name for name, precision in PRECISIONS.items()}
"""The values of `MemberConfig.dtype`, by the words of `--precision`."""


def seconds_of(text: str) -> float:
    """The seconds of a time like 2h, 90m or 1h30m.

    >>> seconds_of("1h30m"), seconds_of("45s")
    (5400.0, 45.0)
    """
    found = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text)
    seconds = sum(float(n or 0) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0.0
    if seconds <= 0:
        raise UserError(f"--time-budget {text} is no time: write 2h, 90m or 1h30m")
    return seconds


def _resource(text: str) -> tuple[str, float]:
    name, _, amount = text.partition("=")
    if not re.fullmatch(r"\w[\w.:/-]*", name) or not re.fullmatch(r"\d+(\.\d+)?", amount) or float(amount) <= 0:
        raise UserError(f"--resource {text} is not NAME=AMOUNT with an amount above 0")
    if name.lower() in ("cpu", "gpu", "memory"):
        raise UserError(f"--resource {text}: use --cpus-per-trial and --gpus-per-trial")
    return name, float(amount)


def _setting(text: str) -> tuple[str, str]:
    """The field and the values of a `FIELD=VALUES`, as they were written: which there are, plugins may say.

    >>> _setting("slope_rate=1,1.1")
    ('slope_rate', '1,1.1')
    """
    name, equals, values = text.partition("=")
    if not equals or not name or not values:
        raise UserError(f"{text} is not FIELD=VALUE: --sweep and --set name fields and values")
    return name, values


def _option(default: Any, help: str, metavar: str | None = None, **words: Any) -> Any:
    """A field that is an option, too. `help` documents it; argparse gets all words but `flag`, its spelling."""
    return dataclasses.field(default=default, metadata={"help": help, "metavar": metavar, **words})


def _flag(help: str, **words: Any) -> Any:
    return dataclasses.field(default=False, metadata={"help": help, "action": "store_true", **words})


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """The options that only a search has."""

    trials: int | None = _option(None, "how many, each of --seeds members", "N", type=int)
    metric: tuple[str, ...] = _option(
        ("fid",), "what to optimize (default fid); several: their front", "NAME", nargs="+"
    )
    sampler: str = _option("tpe", "default: tpe", choices=("tpe", "random", "nsga2", "gp", "cmaes"))
    sampler_seed: int = _option(0, "of what it draws (default 0)", "N", type=int)
    scheduler: str = _option("none", "stops trials that do badly (default none)", choices=("none", "asha", "median"))
    time_budget: float | None = _option(
        None, "2h, 90m, 1h30m: then the run ends, and can go on later", "TIME", type=seconds_of
    )
    storage: str | None = _option(None, "database of Optuna's trials (default: a file beside the results)", "URL")
    warm_start: tuple[str, ...] = _option((), "begin from what these studies' folders hold", "STUDY", nargs="+")

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics, whether blanks or commas stood between them."""
        return tuple(name for text in self.metric for name in text.split(",") if name)


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """The options about Ray, and about what a trial takes of a machine."""

    address: str | None = _option(None, "a running Ray cluster", "RAY_ADDRESS")
    max_concurrent: int | None = _option(None, "trials at a time (default: what fits)", "N", type=int)
    cohort_size: int | None = _option(
        None, "members a trial (default: 1 on a CPU, the fastest on a GPU)", "N", type=int
    )
    cpus_per_trial: float = _option(1.0, "CPUs that a trial reserves (default 1)", "X", type=float)
    gpus_per_trial: float | None = _option(None, "share of a GPU (default 1 on a GPU)", "X", type=float)
    resource: tuple[tuple[str, float], ...] = _option(
        (), "a custom resource of each trial", "NAME=X", action="append", type=_resource
    )


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What one command is asked to do; each field's text is that of `--help`.

    Raises:
        UserError: options contradict each other, or a value is out of range.
    """

    grid: str | None = _option(None, "the grid to run", "NAME")
    sweep: tuple[tuple[str, str], ...] = _option(
        (),
        "a study of your own: every value of each field with every value of the others; with --grid: of each of its "
        "configurations",
        "FIELD=V,V",
        nargs="+",
        action="extend",
        type=_setting,
    )
    file: str | None = _option(None, "the study that a file describes", "FILE.toml")
    search: str | None = _option(None, "the search space to search", "NAME")
    retrain: str | None = _option(None, "the member (its id) to train again", "MEMBER")
    listing: bool = _flag("list the grids and search spaces and stop", flag="--list")
    fields: tuple[str, ...] | None = _option(
        None, "say what the fields of configurations mean and may be, and stop", "FIELD", nargs="*"
    )
    plan: bool = _flag("say what would run and stop")
    quick: bool = _flag(f"{QUICK_IMAGES} images, {QUICK_EPOCHS} epoch")
    seeds: int = _option(1, "members a cell (default 1)", "N", type=int)
    only: tuple[str, ...] = _option(
        (), "a part of the grid or sweep: objective=gan,wgan seed=0", "FIELD=VALUES", nargs="+", action="extend"
    )
    settings: tuple[tuple[str, str], ...] = _option(
        (),
        "a field of all configurations: learning_rate=2e-4",
        "FIELD=VALUE",
        flag="--set",
        nargs="+",
        action="extend",
        type=_setting,
    )
    reference: str | None = _option(
        None,
        "compare samples with the test split, or with images that are held out of the train split (default: test; of a "
        "search: validation)",
        choices=REFERENCES,
    )
    epochs: int | None = _option(None, f"epochs (default {EPOCHS})", "N", type=int)
    fidelity: str = _option(FIDELITIES[0], "the paper's text or its code", choices=FIDELITIES)
    precision: str | None = _option(
        None, "of matrix products (default fp32 on a CPU, tf32 on a GPU)", choices=tuple(OPTIONS_OF_PRECISIONS)
    )
    results: str = _option("results", "default: results/; or s3://bucket/path", "DIR|URL")
    study: str | None = _option(None, "name of the results folder (default: the grid's)", "NAME")
    data: str = _option("mnist", "data set (default: packaged MNIST)", "NAME|FILE.npy")
    data_root: Path | None = _option(None, "folder of torchvision's data sets", "DIR", type=Path)  # noqa: RUF009
    download: bool = _flag("let torchvision fetch a data set that is missing")
    device: str = _option("auto", "", choices=("auto", "cpu", "cuda"))
    """Where trials train; `auto` is a GPU if this machine has one."""
    engine: str = _option(
        "auto", "reference: plain autograd, slow; auto: what is fastest (default)", choices=("auto", "reference")
    )
    executor: str = _option("ray", "local: in this process, without Ray", choices=("ray", "local"))
    plugin: tuple[str, ...] = _option(
        (),
        "parts, grids or search spaces of your own: a file, or an installed module; may be repeated",
        "FILE.py|MODULE",
        action="append",
    )
    forget_state: bool = _flag("keep no training state of finished runs: then none can go on with more epochs later")
    trust_dirty: bool = _flag("take over members of other studies that uncommitted code trained, too")
    log: tuple[str, ...] = _option(
        (), "tell trackers of each epoch, too: tensorboard, mlflow, wandb", "TRACKER", nargs="+", action="extend"
    )
    described: StudyFile | None = None
    """What `--file` says."""
    searches: SearchOptions = SearchOptions()
    clusters: ClusterOptions = ClusterOptions()

    def __post_init__(self) -> None:
        if not self.listing and self.fields is None:
            for is_wrong, what in self._mistakes():
                if is_wrong:
                    raise UserError(what)

    def _mistakes(self) -> Iterator[tuple[object, str]]:
        """Whether something is wrong, and what, one thing after another."""
        searches, clusters, local = self.searches, self.clusters, self.executor == "local"
        asked = [f"--{name}" for name in ("grid", "search", "retrain", "file", "sweep") if getattr(self, name)]
        needed = "--grid NAME, --sweep FIELD=VALUES, --file FILE.toml, --search NAME or --retrain MEMBER is needed"
        yield not asked, f"{needed}; --list names grids and searches"
        crossed = asked[:2] == ["--grid", "--sweep"] or self.file
        yield len(asked) > 1 and not crossed, f"{' and '.join(asked[:2])} are two commands: leave out one of them"
        yield self.sweep and not self.study, "--sweep makes a study of your own: name it, --study NAME"
        is_name = re.fullmatch(r"\w[\w.+-]*", self.study or "default")
        yield not is_name, f"--study {self.study!r} is no name of a folder: use letters, digits, - . _"
        counts = {"seeds": self.seeds, "epochs": self.epochs, "trials": searches.trials}
        counts |= {"max-concurrent": clusters.max_concurrent, "cohort-size": clusters.cohort_size}
        for name, value in counts.items():
            yield value is not None and value < 1, f"--{name} {value} must be at least 1"
        out = "leave out one of them"
        yield local and clusters.address, f"--address names a Ray cluster, --executor local uses none: {out}"
        yield local and self.search, "--search is Ray Tune's: leave out --executor local"
        of_ray = "resource" if clusters.resource else "max-concurrent" if clusters.max_concurrent else ""
        yield local and of_ray, f"--{of_ray} is Ray's, --executor local trains one cohort after another: {out}"
        chosen = self.only and (self.search or self.retrain)
        yield chosen, f"--only chooses members of a grid: {asked[0]} has no use for it"
        both = self.reference == "validation" and ("split", "all") in self.settings
        yield both, f"--set split=all trains on the test images, --reference validation keeps them: {out}"
        if not self.search:
            for f in dataclasses.fields(searches):
                given = getattr(searches, f.name) != f.default
                yield given, f"{_spelled(f)} is a search's: {asked[0]} has no use for it"
            return
        scheduler, several = searches.scheduler, len(searches.metrics) > 1
        yield not searches.trials, "--search needs --trials N"
        yield clusters.cohort_size, "--cohort-size is a grid's: a search's trial has --seeds members"
        several_stopped = several and scheduler != "none"
        yield several_stopped, f"--scheduler {scheduler} compares by one metric: give one, or --scheduler none"
        too_many = several and searches.sampler == "cmaes"
        yield too_many, "--sampler cmaes has one goal: give one --metric, or --sampler nsga2 or tpe"

    @property
    def keep_state(self) -> bool:
        """Whether finished runs keep what more epochs go on from: not a search's, whose epochs are fixed."""
        return not (self.forget_state or self.search or self.retrain)

    @property
    def plugins(self) -> tuple[str, ...]:
        """The plugins: files by their absolute paths, as trials have other working folders; installed ones by name."""
        return tuple(str(Path(name).resolve()) if name.endswith(".py") else name for name in self.plugin)

    @property
    def asked(self) -> dict[str, str]:
        """The fields of configurations that the user chose, each with the option that did."""
        options = {
            "epochs": f"--epochs {self.epochs}" if self.epochs else "",
            "dtype": f"--precision {self.precision}" if self.precision else "",
            "train_images": "--quick" if self.quick else "",
            "reference": f"--reference {self.reference}" if self.reference else "",
            **{field: f"--set {field}={value}" for field, value in self.settings},
        }
        found = {field: option for field, option in options.items() if option}
        if self.described is not None:
            found |= {name: f"set.{name} of {self.described.path}" for name in self.described.fixed}
        return found

    @property
    def kept(self) -> dict[str, Any]:
        """What `study.json` keeps so that the same command can be given again: data, plugins and fields, as given."""
        kept: dict[str, Any] = {} if self.data == "mnist" else {"data": self.data}
        kept |= {"file": self.described.path} if self.described is not None else {}
        kept |= {"sweep": ["=".join(pair) for pair in self.sweep]} if self.sweep else {}
        kept |= {"set": ["=".join(pair) for pair in self.settings]} if self.settings else {}
        if self.data_root is not None:
            kept["data_root"] = str(self.data_root)
        return kept | ({"plugins": list(self.plugin)} if self.plugin else {})


def parse(argv: list[str] | None = None) -> RunOptions:
    """The options of a command line (without the program's name); a UserError says what is wrong with it."""
    parser = Parser("study/run.py", EXAMPLES)
    _add(parser, RunOptions)
    for group, options in GROUPS.items():
        _add(parser.add_argument_group(group), options)
    given = _parsed(parser, argv)
    if "file" in given:
        given = _with_file(parser, given, read_study_file(path_of(given["file"])))
    for group, options in GROUPS.items():
        given[group] = options(**{f.name: given.pop(f.name) for f in dataclasses.fields(options) if f.name in given})
    return RunOptions(**given)


def _parsed(parser: Parser, argv: list[str] | None) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in vars(parser.parse_args(argv)).items()}


def _with_file(parser: Parser, given: dict[str, Any], file: StudyFile) -> dict[str, Any]:
    """The options of a command line and, as if they stood there, too, those that a study file names.

    Raises:
        UserError: both name one, unless it is one that changes no run (`NOT_SETTLED`).
    """
    for name in ("grid", "search", "retrain", "sweep"):
        if name in given:
            raise UserError(f"--file and --{name} are two commands: leave out one of them")
    words = ["--study", file.name]
    for option, value in {"fidelity": file.variant, "seeds": file.seeds, "grid": file.grid, "data": file.data}.items():
        words += [f"--{option}", str(value)] if value is not None else []
    for option, value in file.search.items():
        words += [f"--{option.replace('_', '-')}", *(value if isinstance(value, tuple) else [str(value)])]
    try:
        own = _parsed(parser, words)
    except UserError as error:
        raise UserError(f"{file.path}: {error}") from None
    for name, value in own.items():
        if name not in NOT_SETTLED and given.get(name, value) != value:
            raise UserError(f"--{name.replace('_', '-')} {given[name]}: {file.path} says {value}: leave the option out")
    return own | given | {"described": file}


NOT_SETTLED = ("study", "seeds", "data", "trials")
"""The options with which a command may say something else than its study file."""
GROUPS: dict[str, type[Any]] = {"searches": SearchOptions, "clusters": ClusterOptions}
"""The fields of `RunOptions` that are groups of options, as `--help` shows them."""


def _add(parser: Parser | argparse._ArgumentGroup, options: type[Any]) -> None:
    for f in dataclasses.fields(options):
        if f.metadata:
            words = {k: v for k, v in f.metadata.items() if k != "flag" and v}
            parser.add_argument(_spelled(f), dest=f.name, default=argparse.SUPPRESS, **words)


def _spelled(field: dataclasses.Field[Any]) -> str:
    """The option of a field, as the user writes it."""
    return str(field.metadata.get("flag", f"--{field.name.replace('_', '-')}"))


def results_root(results: str) -> AnyPath:
    """The folder that `--results` names. On a disk its path is absolute, as trials have other working folders."""
    path = path_of(results)
    if not isinstance(path, Path):
        return reached(path)
    try:
        path = path.resolve()
        nearest = next(p for p in (path, *path.parents) if p.exists())
    except (OSError, RuntimeError) as error:  # no permission, a name that is too long; links in a circle
        raise UserError(f"--results {results}: {getattr(error, 'strerror', None) or error}") from error
    if not nearest.is_dir():
        raise UserError(f"--results {results}: {nearest} is a file, not a folder")
    return path
