"""Study files: what a study trains, as TOML that `--file` reads. Nothing in them is run.

    name = "slopes"                                     # of the results folder
    variant = "as-described"
    seeds = 3
    [set]                                               # fields of all configurations
    neuron = "stochastic"
    [sweep]                                             # every value of each field with every value of the others
    slope_rate = [1.0, 1.1, 1.2]
    [[claims]]
    says = "A slope that grows faster gives better digits."
    metric = "fid"
    runs = { slope_rate = 1.2 }
    is = "lower"                                        # or higher, similar; above, below a level
    than = { slope_rate = 1.0 }
    by = 1.1                                            # a factor; of above and below the level

Instead of a sweep there may be `grid = "paper-neurons"`, `[[configurations]]` one by one, or a `[search]`, whose
`space` is the name of one or a table: `learning_rate = { low = 1e-5, high = 1e-2, log = true }`, `neuron = ["real"]`.
`[[plugins]]` name the files, and their digests, that `--plugin` has to give.
"""

import dataclasses
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w

from binarygan.config import MemberConfig
from binarygan.errors import UserError, nearest
from binarygan.io.files import AnyPath, read_whole, write_whole
from binarygan.paper import FIDELITIES

NAME = "study.toml"
"""Of the file in a study's folder that says what it trains."""
PAIRS, LEVELS = ("lower", "higher", "similar"), ("above", "below")
Table = dict[str, Any]
_WORDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}
_WORDS |= {dict: "a table"}
RANGE = ("low", "high", "log", "values", "when")
"""The keys of what a search draws for a field."""
_SEARCH = {"name": str, "space": (str, dict), "trials": int, "metric": (str, list), "sampler": str, "sampler_seed": int}
_SEARCH |= {"scheduler": str}
_CLAIM = {"says": str, "metric": str, "runs": dict, "is": str, "than": dict, "by": float}
_PLUGIN = {"name": str, "digest": str}
_FILE: dict[str, Any] = {"name": str, "shows": str, "variant": str, "seeds": int, "grid": str, "data": (str, dict)}
_FILE |= {"set": dict, "sweep": dict, "configurations": list, "search": dict, "plugins": list, "claims": list}


_FIELDS = {f.name for f in dataclasses.fields(MemberConfig)} - {"seed", *_FILE}
"""What stands in tables of the file, not at its top."""


@dataclass(frozen=True, kw_only=True)
class StudyClaim:
    """A claim of the user's own about a study's runs."""

    says: str
    metric: str
    runs: Table
    """Field values of the configuration that it is about."""
    relation: str
    """One of `PAIRS`, to the runs of `than`, or one of `LEVELS`."""
    by: float
    """A factor; with `above` and `below` the level."""
    than: Table


@dataclass(frozen=True, kw_only=True)
class StudyFile:
    """What a study file says; its fields and parts are checked by what uses them, with the plugins loaded."""

    path: str
    name: str
    shows: str = ""
    variant: str | None = None
    seeds: int | None = None
    grid: str | None = None
    data: str | None = None
    data_digest: str | None = None
    fixed: Table
    """The fields of all configurations."""
    axes: dict[str, list[Any]]
    configurations: tuple[Table, ...] = ()
    space: Table | None = None
    """What a search draws, by field, where the file has a space of its own."""
    search: Table
    """The options of a search; empty where there is none. `search` is the name of its space."""
    plugins: tuple[Table, ...] = ()
    claims: tuple[StudyClaim, ...] = ()


def read_study_file(path: AnyPath) -> StudyFile:
    """A study file; a UserError names the file, the key, and what is wrong."""
    try:
        found = tomllib.loads(read_whole(path).decode())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:  # tomllib's own error is one
        said = str(error).splitlines()[0] or type(error).__name__
        hint = '; quote a name with a dot: "estimator.temperature" = 0.5' if "overwrite" in said else ""
        raise UserError(f"{path} is no TOML: {said}{hint}") from None
    return _study_file(found, str(path))


def write_study_file(content: Mapping[str, Any], path: AnyPath) -> None:
    """Put it in place whole."""
    write_whole(path, tomli_w.dumps({k: v for k, v in content.items() if v not in (None, {}, [])}).encode())


def _study_file(found: Table, path: str) -> StudyFile:
    if fields := [key for key in found if key in _FIELDS]:
        raise UserError(f"{path}: {fields[0]!r} is a field: write it under [set], or its values under [sweep]")
    _check(found, _FILE, path)
    if not re.fullmatch(r"\w[\w.+-]*", str(found.get("name", ""))):
        raise UserError(f"{path}: name {found.get('name', '')!r} is no name of a folder: use letters, digits, - . _")
    if found.get("variant", FIDELITIES[0]) not in FIDELITIES:
        raise UserError(f"{path}: variant {found['variant']!r} is unknown: {nearest(found['variant'], FIDELITIES)}")
    data = {"name": found["data"]} if isinstance(found.get("data"), str) else found.get("data", {})
    _check(data, {"name": str, "digest": str}, f"{path}: data")
    what = [key for key in ("configurations", "grid", "search") if key in found]
    if len(what) > 1:
        raise UserError(f"{path}: {what[0]} and {what[1]} are two studies: leave out one of them")
    if "sweep" in found and what not in ([], ["grid"]):
        raise UserError(f"{path}: sweep and {what[0]} are two studies: leave out one of them")
    if not what and not found.get("sweep") and "set" not in found:
        raise UserError(f"{path} names no configurations: give it sweep, set, configurations, grid or search")
    axes = dict(_flat(found.get("sweep", {})))
    for name, values in axes.items():
        if not isinstance(values, list) or not values:
            raise UserError(f"{path}: sweep.{name} = {values!r} must be a list of values")
    search = found.get("search", {})
    _check(search, _SEARCH, f"{path}: search")
    space = search.get("space")
    if "search" in found and not space:
        raise UserError(f"{path}: search has no space: the name of one, or a table of fields")
    named = space if isinstance(space, str) else search.get("name", found["name"])
    own = {"search": named} if space else {}
    own |= {key: tuple(v) if isinstance(v, list) else v for key, v in search.items() if key not in ("name", "space")}
    if isinstance(own.get("metric"), str):
        own["metric"] = (own["metric"],)
    return StudyFile(
        path=path,
        name=found["name"],
        shows=found.get("shows", ""),
        variant=found.get("variant"),
        seeds=found.get("seeds"),
        grid=found.get("grid"),
        data=data.get("name"),
        data_digest=data.get("digest"),
        fixed=dict(_flat(found.get("set", {}))),
        axes=axes,
        configurations=tuple(dict(_flat(t)) for t in _tables(found, "configurations", path)),
        space=dict(_flat(space)) if isinstance(space, dict) else None,
        search=own,
        plugins=tuple(_tables(found, "plugins", path, _PLUGIN)),
        claims=tuple(_claim(table, f"{path}: claims") for table in _tables(found, "claims", path, _CLAIM)),
    )


def _claim(table: Table, where: str) -> StudyClaim:
    for key in ("says", "metric", "runs", "is", "by"):
        if key not in table:
            raise UserError(f"{where}: {key} is missing")
    relation = table["is"]
    if relation not in PAIRS + LEVELS:
        raise UserError(f"{where}: is = {relation!r} is unknown: {nearest(relation, PAIRS + LEVELS)}")
    if (relation in PAIRS) != ("than" in table):
        raise UserError(f"{where}: {relation} {'needs' if relation in PAIRS else 'has no use for'} than")
    if not math.isfinite(table["by"]):
        raise UserError(f"{where}: by = {table['by']} must be a finite number")
    if not table["says"].strip():
        raise UserError(f"{where}: says is empty: write what the claim is")
    if relation in PAIRS and table["by"] <= 1:
        raise UserError(f"{where}: by = {table['by']} is a factor: it must be above 1")
    runs, than = (dict(_flat(table.get(key, {}))) for key in ("runs", "than"))
    given = {"says": table["says"], "metric": table["metric"], "relation": relation, "by": float(table["by"])}
    return StudyClaim(runs=runs, than=than, **given)


def _tables(found: Table, key: str, path: str, known: Mapping[str, Any] | None = None) -> Iterator[Table]:
    """The tables of a list of them."""
    for table in found.get(key, []):
        if not isinstance(table, dict):
            raise UserError(f"{path}: {key} must be tables: write [[{key}]]")
        if known is not None:
            _check(table, known, f"{path}: {key}")
        yield table


def _check(table: Table, known: Mapping[str, Any], where: str) -> None:
    """A UserError for a key that is unknown, with the nearest that is known, or for a value of another type."""
    for key, value in table.items():
        if key not in known:
            raise UserError(f"{where}: {key!r} is unknown: {nearest(key, known)}")
        kinds = known[key] if isinstance(known[key], tuple) else (known[key],)
        fitting = (int, float) if kinds == (float,) else kinds
        if not isinstance(value, fitting) or (isinstance(value, bool) and bool not in kinds):
            raise UserError(f"{where}: {key} = {value!r} must be {' or '.join(_WORDS[k] for k in kinds)}")


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Fields with a dot in their names are tables to TOML: `estimator.temperature = 0.5`."""
    for key, value in table.items():
        if isinstance(value, dict) and not set(value) & set(RANGE):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
