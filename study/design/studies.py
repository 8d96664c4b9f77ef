"""What a command's study trains: from its options, and its study file, to a grid or a search space."""

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binarygan.config import MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.metrics.names import columns
from binarygan.registry import file_digest
from study.design.fields import check_name, known_fields, of_some, typed
from study.design.grids import GRIDS, Grid, every
from study.options import RunOptions
from study.store.study_file import StudyFile

if TYPE_CHECKING:
    from study.design.spaces import Space


def grid_asked(options: RunOptions) -> Grid:
    """The grid that is named or described, crossed with the sweep.

    Raises:
        UserError: an unknown grid, field or value; a field that the grid and the sweep both have.
    """
    file = options.described
    if options.grid is not None and options.grid not in GRIDS:
        from study.design.spaces import SPACES  # imports Optuna, which takes seconds

        if options.grid in SPACES:
            raise UserError(f"{options.grid!r} is a search space: use --search {options.grid} --trials N")
    base = GRIDS[options.grid] if options.grid is not None else _listed(file)
    axes = typed(options.sweep, "--sweep")
    where = {name: f"--sweep {name}" for name in axes}
    if file is not None:
        axes, where = file.axes, {name: f"sweep.{name} of {file.path}" for name in file.axes}
        _check(file, "sweep", [(name, value) for name, values in file.axes.items() for value in values])
        _check(file, "configurations", [pair for c in file.configurations for pair in c.items()])
    if file is not None:
        check_claims(file)
    if not axes:
        return base
    if twice := [name for name in axes if name in settings_asked(options)]:
        raise UserError(f"{where[twice[0]]}: {twice[0]} is also given to all configurations: leave one of them out")

    def crossed(fidelity: str) -> Iterable[Mapping[str, Any]]:
        for choice in map(dict, base.choices(fidelity)):
            if twice := [name for name in axes if name in choice]:
                raise UserError(f"{where[twice[0]]}: the grid has {twice[0]} of its own: leave one of them out")
            yield from (choice | values for values in every(**axes))

    return Grid(base.shows, crossed, base.overridden)


def settings_asked(options: RunOptions) -> dict[str, Any]:
    """The fields of all configurations that the command's `--set` and its study file's `set` give.

    Raises:
        UserError: an unknown field or value, several values, or two that contradict each other.
    """
    found = {}
    for name, values in typed(options.settings, "--set").items():
        if len(values) > 1:
            raise UserError(f"--set {name} has one value, not {len(values)}: use --sweep for several")
        found[name] = values[0]
    by_options = {"epochs": options.epochs, "dtype": options.precision, "reference": options.reference}
    by_options["train_images"] = options.quick
    spelled = {"dtype": "--precision", "train_images": "--quick"}
    for name in found:
        if by_options.get(name):
            raise UserError(f"--set {name} and {spelled.get(name, f'--{name}')}: leave out one of them")
    if (file := options.described) is None:
        return found
    _check(file, "set", file.fixed.items())
    for name, value in file.fixed.items():
        if name in found or by_options.get(name):
            option = f"--set {name}" if name in found else spelled.get(name, f"--{name}")
            raise UserError(f"{option}: {file.path} says {name} = {value}: leave the option out")
        found[name] = value
    return found


def space_asked(options: RunOptions, name: str) -> "Space":
    """The search space that is named or described."""
    from study.design.spaces import SPACES, space_of

    file = options.described
    if file is not None and file.space is not None:
        _check(file, "search.space", [(name, None) for name in file.space])
        check_claims(file)
        return space_of(file.shows, file.space, file.path)
    if name in GRIDS:
        raise UserError(f"{name!r} is a grid: use --grid {name}")
    return SPACES[name]


def check_data(options: RunOptions, digest: str) -> None:
    """A UserError where a study file is of other data than that with this digest."""
    file = options.described
    if file is not None and file.data_digest not in (None, digest):
        own = f"--data {options.data} has {digest}"
        raise UserError(f"{file.path}: its data has digest {file.data_digest}, {own}: name the same data")


def check_claims(file: StudyFile) -> None:
    """A UserError where a claim names a metric, a field or a value that there is not."""
    metrics = columns(light=False)
    for claim in file.claims:
        if claim.metric not in metrics:
            said = nearest(claim.metric, metrics)
            raise UserError(f"{file.path}: claims: metric {claim.metric!r} is unknown: {said}")
        _check(file, "claims: runs", claim.runs.items())
        _check(file, "claims: than", claim.than.items())


def check_claims_of(cells: Sequence[MemberConfig], file: StudyFile | None) -> None:
    """A UserError where a claim means no configuration of a grid, or several."""
    fields = [c.to_dict() | json.loads(c.part_parameters or "{}") for c in cells]
    for claim in file.claims if file is not None else ():
        meant = []
        for key, wanted in (("runs", claim.runs), ("than", claim.than)):
            if key == "than" and not wanted:
                continue
            found = [own for own in fields if all(own.get(name) == value for name, value in wanted.items())]
            if len(found) == 1:
                meant += found
                continue
            said = ", ".join(f"{name} = {value}" for name, value in wanted.items()) or "nothing"
            apart = [
                n
                for n in (found[0] if found else {})
                if n != "part_parameters" and len({str(f.get(n)) for f in found}) > 1
            ]
            hint = f": name {', '.join(apart)}, too" if found else ""
            count = f"{len(found)} configurations" if found else "no configuration"
            raise UserError(f"{file.path if file else ''}: claims: {key} ({said}) means {count} of this study{hint}")
        if len(meant) == 2 and meant[0] is meant[1]:
            raise UserError(f"{file.path if file else ''}: claims: {claim.says!r} compares a configuration with itself")


def check_plugins(options: RunOptions) -> None:
    """A UserError where the study file needs a plugin that the command does not name, or another version of it.

    What a file from elsewhere asks for is not loaded: `--plugin` has to name it.
    """
    if (file := options.described) is None:
        return
    named = {Path(path).name: Path(path) for path in options.plugins}
    for wanted in file.plugins:
        name, digest = wanted.get("name", ""), wanted.get("digest")
        if name not in named:
            made = f" (digest {digest})" if digest else ""
            raise UserError(f"{file.path} needs the plugin {name}{made}: read it, then give --plugin PATH/{name}")
        if digest and named[name].is_file() and (own := file_digest(named[name])) != digest:
            raise UserError(f"{file.path} was made with {name} of digest {digest}, {named[name]} has {own}")


def _listed(file: StudyFile | None) -> Grid:
    """The configurations that a study file lists; one where it lists none."""
    shows = file.shows if file is not None else ""
    return Grid(shows, lambda _: file.configurations if file is not None and file.configurations else ({},), False)


def _check(file: StudyFile, table: str, fields: Iterable[tuple[str, Any]]) -> None:
    """A UserError for a field of a file that is unknown, and for a value (where there is one) that it cannot have."""
    known, where = known_fields(), f"{file.path}: {table}"
    for name, value in fields:
        check_name(name, where, known)
        if value is not None:
            of_some(known[name], methodcaller("check", value, where))
