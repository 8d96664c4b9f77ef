"""`python -m study list|show|rename|delete`: the studies of a results folder. Each touches the study it names alone."""

import json
import math
import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from binarygan.errors import UserError, printable
from binarygan.io.files import path_of, write_whole
from binarygan.registry import json_object
from study.options import results_root
from study.publish import rows_of
from study.store import lock
from study.store.schemas import SCHEMAS
from study.store.store import JOURNAL, Store
from study.store.study_file import NAME as STUDY_FILE
from study.store.study_file import read_study_file
from study.store.tables import read_rows, write_rows

OWN = (
    *SCHEMAS,
    "checkpoints",
    ".partial",
    "tensorboard",
    "mlflow",
    "wandb",
    "study.json",
    STUDY_FILE,
    lock.NAME,
    JOURNAL,
)
"""What a study's folder holds; the names of Optuna's locks begin with the journal's."""
MOST_VALUES = 8
"""Of a field, listed."""


def list_studies(results: str) -> int:
    """A line for each study: how its runs ended, when it last grew, how large it is."""
    root = results_root(results)
    folders = sorted(p for p in root.iterdir() if (p / "members").is_dir()) if root.exists() else []
    if not folders:
        raise UserError(f"{results} holds no study: name a results folder")
    width = max(len(folder.name) for folder in folders)
    for folder in folders:
        store = Store(root, folder.name)
        try:
            said = f"{_kind(store):22}  {_counts(store)}"
        except UserError as error:
            said = f"cannot be read: {error}"
        size = f"  {_megabytes(folder):8,.1f} MB, {_changed(folder)}" if isinstance(folder, Path) else ""
        print(f"{printable(folder.name):{width}}  {said}{size}")
    return 0


def show_study(where: str) -> int:
    """What a study is: what made it, how its runs ended, what varies, and how it is repeated."""
    store = _store(where)
    description = store.description() or {}
    rows = _rows(store)
    print(f"{store.study}: {_kind(store)}, {description.get('fidelity', 'variant unknown')}")
    print(f"  runs: {_counts(store)}")
    for line in _varied(rows):
        print(f"  {line}")
    file = read_study_file(store.folder / STUDY_FILE) if (store.folder / STUDY_FILE).exists() else None
    for claim in file.claims if file else ():
        print(f"  claim: {printable(claim.says)}")
    for row in rows:
        if row["status"] not in ("done", "running"):
            print(f"  {row['member_id']}: {row['status']}: {printable(row.get('error') or 'not trained to its end')}")
    plugins = [word for path in description.get("plugins", []) for word in ("--plugin", str(path))]
    if file:
        where_to = shlex.join(["--results", str(store.folder.parent), *plugins])
        print(f"  repeated by: python study/run.py --file {store.folder / STUDY_FILE} {where_to}")
    print(f"  reported by: {shlex.join(['python', '-m', 'analysis', 'report', str(store.folder), *plugins])}")
    return 0


def rename_study(where: str, name: str) -> int:
    """Give a study, its rows and its file another name."""
    store, folder = _local(where)
    if not re.fullmatch(r"\w[\w.+-]*", name):
        raise UserError(f"{name!r} is no name of a folder: use letters, digits, - . _")
    target = folder.parent / name
    if target.exists():
        raise UserError(f"{target} exists: choose another name")
    if "search" in (store.description() or {}):
        raise UserError(f"{where} is a search's: Optuna knows its trials by this name, so it keeps it")
    with lock.only_writer(store.folder):
        _rename(store, name)
        folder.rename(target)
    print(f"{where} is {target}")
    return 0


def delete_study(where: str, *, yes: bool) -> int:
    """Remove a study's folder, after a question that `y` answers."""
    store, folder = _local(where)
    foreign = sorted(p.name for p in folder.iterdir() if p.name not in OWN and not p.name.startswith(f"{JOURNAL}.lock"))
    if foreign:
        raise UserError(f"{where} holds what is no study's ({', '.join(foreign[:5])}): move that away first")
    with lock.only_writer(store.folder):
        if not yes and not sys.stdin.isatty():
            raise UserError(f"nobody here to ask whether to delete {where}: give --yes")
        for line in _shared(store):
            print(line)
        if not yes:
            print(
                f"{where}: {_counts(store)}, {_megabytes(folder):,.1f} MB. Delete it for good? [y/N] ",
                end="",
                flush=True,
            )
            if input().strip().lower() not in ("y", "yes"):
                print("nothing was deleted")
                return 1
        shutil.rmtree(folder)
    print(f"{where} is deleted")
    return 0


def _shared(store: Store) -> Iterator[str]:
    """What other studies of the results root lose: they have copies of the rows of its runs, not of their networks."""
    root, own = store.folder.parent, set(store.ids())
    networks = _networks(store)
    for name in sorted(p.name for p in root.iterdir() if p.name != store.study and (p / "members").is_dir()):
        other = Store(root, name)
        if (shared := own & networks & set(other.ids())) and (shared := shared - _networks(other)):
            runs = "1 run" if len(shared) == 1 else f"{len(shared)} runs"
            yield f"{name} has {runs} of this study, too: it keeps the rows, and loses generators and training states"


def _networks(store: Store) -> set[str]:
    """The runs whose trained generators the study has itself."""
    from binarygan.training import checkpoints  # imports torch, which takes seconds

    found: set[str] = set()
    for path in store.files("checkpoints", f"*/{checkpoints.FINAL}"):
        with suppress(checkpoints.DamagedCheckpointError):
            found |= {config.member_id for config in checkpoints.describe(path).members}
    return found


def _store(where: str) -> Store:
    """The study of that folder."""
    folder = path_of(where)
    folder = folder.resolve() if isinstance(folder, Path) and not folder.is_symlink() else folder
    store = Store(folder.parent, folder.name)
    if not (folder / "members").is_dir() and store.description() is None:
        raise UserError(f"{where} holds no study: name a results/STUDY")
    return store


def _local(where: str) -> tuple[Store, Path]:
    """The same, and its folder, if its files can be moved and removed: a folder of its own on a disk, no link."""
    folder = path_of(where)
    if not isinstance(folder, Path):
        raise UserError(f"{where} is in a bucket: rename or delete it with that bucket's own tools")
    if folder.is_symlink():
        raise UserError(f"{where} is a link: name the folder that it leads to")
    store = _store(where)
    assert isinstance(store.folder, Path)
    return store, store.folder


def _rename(store: Store, name: str) -> None:
    assert isinstance(store.folder, Path)
    partial = store.folder / ".partial"
    partial.mkdir(exist_ok=True)  # a published study has none
    for path in store.files("members", "*.parquet"):
        write_rows(path, "members", [row | {"study": name} for row in read_rows(path, "members")], partial=partial)
    if (description := store.description()) is not None:
        renamed = Store(store.folder.parent, name)
        renamed.folder = store.folder
        renamed.describe({k: v for k, v in description.items() if k not in ("study", "schema_version")})
    file = store.folder / STUDY_FILE
    if file.exists():
        _, rest = file.read_bytes().decode().split("\n", 1)  # it begins with the name
        write_whole(file, f"name = {json.dumps(name, ensure_ascii=False)}\n{rest}".encode())


def _kind(store: Store) -> str:
    said = store.description() or {}
    for key in ("grid", "search", "retrain"):
        if isinstance(said.get(key), str):
            return f"{key} {said[key]}"
    return "a study of its own" if said else "origin unknown"


def _rows(store: Store) -> list[dict[str, Any]]:
    """Of all runs; of a published study, too, whose rows are in one file."""
    return rows_of(store.folder, "members") if isinstance(store.folder, Path) else list(store.statuses().values())


def _counts(store: Store) -> str:
    counts = Counter(row["status"] for row in _rows(store))
    if counts["running"] and not lock.is_held(store.folder):
        counts["interrupted"] = counts.pop("running")
    counts = +counts
    return ", ".join(f"{n} {status}" for status, n in sorted(counts.items())) or "no runs"


def _varied(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Each field that differs between the runs, with its values."""
    last = list(rows[0]).index("status") if rows else 0
    found = []
    for row in rows:
        own = json_object("part_parameters", row.get("part_parameters") or "")
        found.append(dict(list(row.items())[:last]) | own)
    for field in dict.fromkeys(name for fields in found for name in fields):
        if field in ("study", "member_id", "cell_id", "data_digest", "part_parameters", "part_sources"):
            continue
        values = sorted({str(fields[field]) for fields in found if field in fields}, key=_in_order)
        if len(values) > 1:
            more = f" and {len(values) - MOST_VALUES} more" if len(values) > MOST_VALUES else ""
            yield f"{field}: {printable(', '.join(values[:MOST_VALUES]))}{more}"


def _in_order(value: str) -> tuple[float, str]:
    """Numbers by their size, before words."""
    try:
        return float(value), value
    except ValueError:
        return math.inf, value


def _megabytes(folder: Path) -> float:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6


def _changed(folder: Path) -> str:
    latest = max(p.stat().st_mtime for p in [folder, *folder.glob("*"), *folder.glob("members/*")])
    return datetime.fromtimestamp(latest, UTC).strftime("%Y-%m-%d %H:%M UTC")
