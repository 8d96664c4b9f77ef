"""`study/run.py --retrain MEMBER`: train a run of any study again, outside that study, and other seeds of its cell.

With `--reference test` the configuration that a search chose by validation images is trained with seeds that the
search did not have, on the whole train split, as the runs of grids are, and compared with the test images, which
settled nothing.
"""

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from binarygan.config import MemberConfig
from binarygan.data.images import Images, load_images
from binarygan.errors import UserError
from binarygan.io.files import AnyPath
from binarygan.metrics.names import columns
from study.commands.grid import run_members
from study.design.cohorts import members_of
from study.launch.devices import device_of
from study.options import RunOptions, results_root
from study.publish import SHIPPED, rows_of
from study.store.store import Store, config_of

SETTLED = {"quick": "--quick", "fidelity": "--fidelity", "precision": "--precision", "settings": "--set"}
"""The options that a run which is trained again has no use for, by their fields."""
Found = tuple[dict[str, Any], str]
"""The row of a run, and the name of the study that has it."""


def run_retrain(options: RunOptions, wanted: str) -> int:
    """Train the run and `--seeds` - 1 others of its configuration, and compare it with its row; the exit status."""
    for field, option in SETTLED.items():
        if getattr(options, field) != getattr(RunOptions, field):
            raise UserError(f"{option} is settled by the member that is trained again: leave it out")
    root = results_root(options.results)
    row, home = find_member(root, wanted)
    config = config_of(row)
    data = load_images(options.data, root=options.data_root, download=options.download)
    if data.digest != config.data_digest:
        raise UserError(
            f"member {config.member_id} was trained on {config.data} (digest {config.data_digest}), "
            f"--data {options.data} is {data.digest}: name the same data"
        )
    device = device_of(options)
    if config.dtype == "tf32" and device == "cpu":
        print("tf32, which the member's row names, is a GPU's: here products are of float32", file=sys.stderr)
    if options.epochs:
        config = dataclasses.replace(config, epochs=options.epochs)
    study, seeds_before = f"retrain-{row['member_id']}", {config.seed}
    if compared_anew := options.reference not in (None, config.reference):
        config = compared_with(config, str(options.reference), data)
        same_cell = [r for r in Store(root, home).statuses().values() if r["cell_id"] == row["cell_id"]]
        study, seeds_before = f"{study}-{config.reference}", seeds_before | {r["seed"] for r in same_cell}
    others = [m for m in members_of([config], options.seeds + len(seeds_before)) if m.seed not in seeds_before]
    members = (others if compared_anew else [config, *others])[: options.seeds]
    store = Store(root, options.study or study)
    if store.study == home:
        raise UserError(f"--study {home} is where the member stands: choose another name")
    described = {"retrain": row["member_id"], "of": home, "fidelity": row["fidelity"], "quick": False}
    described |= options.kept | ({"epochs": options.epochs} if options.epochs else {})
    described |= {"reference": config.reference} if compared_anew else {}
    cell = dataclasses.replace(config, seed=0)
    status = run_members(options, store, [cell], members, data, device, described, reuse=False)
    if options.plan:
        return status
    again = store.read("members", config.member_id)
    if again and config.member_id == row["member_id"]:
        print(_comparison(row, again[0], home))
    searched = Store(root, home).description() or {}
    if compared_anew:
        found = [r for m in members for r in store.read("members", m.member_id) if r["status"] == "done"]
        goals = searched.get("metrics")
        for name in columns(light=False):
            if name in (goals if isinstance(goals, list) else ["fid"]):
                print(_on_reference(name, found, config.reference))
    elif "search" in searched:
        print(f"{home} is a search, which chose this cell by its seeds: for a fair mean leave those out")
    return status


def compared_with(config: MemberConfig, reference: str, data: Images) -> MemberConfig:
    """The configuration, compared with other images.

    One that was trained on all images that it might have is so again: on the whole train split where samples are
    compared with the test split.

    Raises:
        UserError: the data has no test split to compare with.
    """
    if reference == "test" and not data.has_test_split:
        raise UserError(
            f"--reference test: {data.name} has no test split, and images that were trained on are none: leave it out"
        )
    split = "train" if reference == "validation" else config.split
    count = config.train_images
    if count == data.count(config.split, config.reference):
        count = data.count(split, reference)
    return dataclasses.replace(config, reference=reference, split=split, train_images=count)


def find_member(root: AnyPath, wanted: str) -> Found:
    """The run whose id begins with `wanted`; a UserError if there is none, or several."""
    if not wanted.isalnum():
        raise UserError(f"--retrain {wanted} is no member's id: ids are 16 hexadecimal digits")
    found = _by_id(_in_results(root, wanted)) or _by_id(_in_shipped(wanted))
    if not found:
        raise UserError(f"no study in {root} has a member {wanted}, nor has one in {SHIPPED}: name its --results DIR")
    if len(found) > 1:
        raise UserError(f"--retrain {wanted} is the beginning of several ids: {', '.join(sorted(found)[:8])}")
    return next(iter(found.values()))


def _by_id(found: Iterable[Found]) -> dict[str, Found]:
    """Each run in the first study that has it."""
    return {row["member_id"]: (row, name) for row, name in reversed(list(found))}


def _in_results(root: AnyPath, wanted: str) -> Iterator[Found]:
    """The runs in a results folder whose ids begin so."""
    studies = sorted(p.name for p in root.iterdir() if p.is_dir()) if root.exists() else []
    for name in sorted(studies, key=lambda name: name.startswith("retrain-")):  # these copy runs of other studies
        store = Store(root, name)
        yield from ((row, name) for i in store.ids(prefix=wanted) for row in store.read("members", i))


def _in_shipped(wanted: str) -> Iterator[Found]:
    """The same in the studies that come with the project."""
    for folder in sorted(SHIPPED.glob("*")):
        yield from ((r, folder.name) for r in rows_of(folder, "members") if r["member_id"].startswith(wanted))


def _comparison(before: dict[str, Any], now: dict[str, Any], home: str) -> str:
    """Whether the run came out as it was, in one line."""
    names = [n for n in ("discriminator_loss", "generator_loss", *columns(light=False)) if before.get(n) is not None]
    unlike = [n for n in names if now.get(n) is None or not _same(before[n], now[n])]
    if before["status"] != "done":
        return f"{now['member_id']}: {before['status']} in {home}, {now['status']} now"
    if not unlike:
        return f"{now['member_id']}: all {len(names)} numbers equal those in {home}"
    name = "fid" if "fid" in unlike else unlike[0]
    versions = [_torch(row) for row in (before, now)]
    also = f"; PyTorch {versions[0]} there, {versions[1]} now" if versions[0] != versions[1] else ""
    return (
        f"{now['member_id']}: {len(unlike)} of {len(names)} numbers differ from those in {home} "
        f"({name}: {before[name]:.6g} there, {now[name] if now.get(name) is not None else math.nan:.6g} now): "
        f"another device, precision or cohort rounds otherwise, a GPU draws other numbers{also}"
    )


def _on_reference(name: str, rows: Sequence[dict[str, Any]], reference: str) -> str:
    """What a metric of these runs is on the images that they are compared with, in one line."""
    values = [row[name] for row in rows if row.get(name) is not None]
    if not values:
        return f"{name}: no run is done that has it"
    spread = f", {min(values):.4g} to {max(values):.4g}" if len(values) > 1 else ""
    mean = math.fsum(values) / len(values)
    return f"{name} on the {reference} images: {mean:.4g} (mean of {len(values)} runs{spread})"


def _torch(row: dict[str, Any]) -> str:
    """The version of PyTorch that trained the run."""
    try:
        return str(json.loads(row["versions"])["torch"])
    except (TypeError, ValueError, KeyError):
        return "of unknown version"


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))
