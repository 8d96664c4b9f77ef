"""Members that another study of the same results root has trained already: taken over, not trained again."""

from collections.abc import Iterable

from binarygan.errors import UserError
from study.store.schemas import SCHEMAS
from study.store.store import Store
from study.store.wholeness import whole_member


def trained_elsewhere(store: Store, member_ids: Iterable[str]) -> dict[str, str]:
    """Which of these members a neighbouring study has to their end: member_id -> that study.

    A member's id is the digest of everything that training depends on, so whichever study trained it, it is the same;
    only one that other extractors measured does not compare, and is left where it is.
    """
    wanted = set(member_ids)
    found: dict[str, str] = {}
    root = store.folder.parent
    if not wanted or not root.exists():
        return {}
    for name in sorted(p.name for p in root.iterdir() if p.name != store.study and p.is_dir()):
        neighbour = Store(root, name)
        for member_id in sorted(wanted.intersection(neighbour.ids()) - found.keys()):
            if _usable(neighbour, member_id):
                found[member_id] = name
    return found


def take_over(store: Store, member_ids: Iterable[str]) -> dict[str, str]:
    """Copy the finished ones of these members from neighbouring studies; member_id -> the study it came from.

    What a member's trial goes on from stays where it was.
    """
    found = trained_elsewhere(store, member_ids)
    return {i: name for i, name in found.items() if _copy(Store(store.folder.parent, name), store, i)}


def _usable(neighbour: Store, member_id: str) -> bool:
    row = whole_member(neighbour, member_id)
    if row is None:
        return False
    from binarygan.metrics.extractor import extractors_digest  # and with it torch, which takes seconds

    return bool(row["extractors"] == extractors_digest())


def _copy(neighbour: Store, store: Store, member_id: str) -> bool:
    """Whether `neighbour` has the whole member; if so it is in the store now, its row last.

    Its row is read first: what a row that says `done` belongs to is written before it.
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
    store.write("members", member_id, [row | {"study": store.study}])
    return True
