"""Runs that another study of the same results root has finished already: they are copied, not trained again."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from binarygan.errors import UserError, counted
from binarygan.metrics.names import outside
from binarygan.registry import json_object
from study.store.schemas import SCHEMAS
from study.store.store import Store, config_of

DIRTY = "-dirty"
"""How the commit of a run ends whose code had changes that nobody committed: no one can say what trained it."""


@dataclass(frozen=True)
class Elsewhere:
    """What other studies have of the runs that were asked for."""

    usable: dict[str, str] = field(default_factory=dict)
    """Runs that may be taken over, by member_id: the study that has each."""
    dirty: frozenset[str] = frozenset()
    """The member_ids of finished runs that may not, because only uncommitted code has trained them."""

    def lines(self, *, copied: bool) -> list[str]:
        """What a user is told: from where runs were copied, or are to be; how many may not be, and why."""
        count, studies = len(self.usable), ", ".join(sorted(set(self.usable.values())))
        taken = (
            f"{counted(count, 'member')} taken over from"
            if copied
            else f"to be taken over: {counted(count, 'member')} from"
        )
        refused = (
            f"{len(self.dirty)} finished members of other studies are not taken over, as uncommitted code trained them "
            f"(git_commit ends in {DIRTY}): --trust-dirty takes them over, too"
        )
        return [f"{taken} {studies}"] * bool(self.usable) + [refused] * bool(self.dirty)


def trained_elsewhere(store: Store, member_ids: Iterable[str], *, trust_dirty: bool = False) -> Elsewhere:
    """Which of these runs a neighbouring study has finished.

    A run's id is the digest of everything that its training depends on, so it does not matter which study trained it.
    Where other extractors measured a run, its metrics do not compare with this study's, so it is not taken over.
    """
    wanted = set(member_ids)
    root = store.folder.parent
    if not wanted or not root.exists():
        return Elsewhere()
    usable: dict[str, str] = {}
    dirty: set[str] = set()
    for name in sorted(p.name for p in root.iterdir() if p.name != store.study and p.is_dir()):
        neighbour = Store(root, name)
        for member_id in sorted(wanted.intersection(neighbour.ids()) - usable.keys()):
            row = whole_member(neighbour, member_id)
            if row is None or not measured_as_here(row):
                continue
            if str(row.get("git_commit")).endswith(DIRTY) and not trust_dirty:
                dirty.add(member_id)
            else:
                usable[member_id] = name
    return Elsewhere(usable, frozenset(dirty - usable.keys()))


def take_over(store: Store, member_ids: Iterable[str], *, trust_dirty: bool = False) -> Elsewhere:
    """Copy those of these runs that neighbouring studies have finished, without checkpoints; what there was.

    A run has the same id in every variant that has its configuration: the copy's row names the variant of this study.
    """
    variant = {k: v for k, v in (store.description() or {}).items() if k == "fidelity"}
    found = trained_elsewhere(store, member_ids, trust_dirty=trust_dirty)
    copied = {i: n for i, n in found.usable.items() if _copy(Store(store.folder.parent, n), store, i, variant)}
    return dataclasses.replace(found, usable=copied)


def whole_member(store: Store, member_id: str) -> dict[str, Any] | None:
    """The row of a run that is done, that its file is named after, and that has every epoch in every table; or None."""
    try:
        [row] = store.read("members", member_id)
        whole = (
            row["status"] == "done"
            and member_id == row["member_id"] == config_of(row).member_id
            and row["epochs_done"] == row["epochs"]
            and not store.missing_epochs([member_id], row["epochs"])
        )
    except (UserError, OSError, KeyError, TypeError, ValueError):  # a file that is damaged, or of another program
        return None
    return row if whole else None


def measured_as_here(row: dict[str, Any]) -> bool:
    """Whether the extractors that this program has measured the run, and the metrics from outside as they are now."""
    from binarygan.metrics.extractor import extractors_digest  # imports torch, which takes seconds

    return bool(row["extractors"] == extractors_digest(row["reference"])) and not measured_otherwise(row)


def measured_otherwise(row: dict[str, Any]) -> list[str]:
    """The metrics from outside that did not measure the run, or another version of whose file did."""
    try:
        by = json_object("versions", row.get("versions") or "")
    except UserError:  # of another program
        by = {}
    return [name for name, digest in outside().items() if by.get(f"metric {name}") != digest]


def _copy(neighbour: Store, store: Store, member_id: str, variant: dict[str, Any]) -> bool:
    """Copy a run's rows of all tables, its own row last; whether the neighbour still has them all.

    The neighbour's study may be going on. A trial writes the row that says `done` after all other rows, so that row is
    read first: then the other rows cannot be older.
    """
    try:
        tables = {table: neighbour.read(table, member_id) for table in SCHEMAS}
    except (UserError, OSError):
        return False
    if not all(tables.values()):
        return False
    [row] = tables.pop("members")
    for table, rows in tables.items():
        store.write(table, member_id, rows)
    store.write("members", member_id, [row | {"study": store.study} | variant])
    return True
