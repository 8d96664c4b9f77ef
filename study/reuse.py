"""Members that another study of the same results root has trained already: taken over, not trained again."""

from collections.abc import Iterable

from binarygan.errors import UserError
from study.results import Store
from study.schemas import SCHEMAS


def take_over(store: Store, member_ids: Iterable[str]) -> dict[str, str]:
    """Copy the finished ones of these members from neighbouring studies; member_id -> the study it came from.

    A member's id is the digest of everything that affects its outcome, so whichever study trained it, it is the same.
    What its trial goes on from stays where it was.
    """
    wanted = set(member_ids)
    taken: dict[str, str] = {}
    root = store.folder.parent
    for name in sorted(p.name for p in root.iterdir() if p.name != store.study and p.is_dir()):
        neighbour = Store(root, name)
        for member_id in sorted(wanted - set(taken)):
            if _copy(neighbour, store, member_id):
                taken[member_id] = name
    return taken


def _copy(neighbour: Store, store: Store, member_id: str) -> bool:
    """Whether `neighbour` has the whole member; if so it is in the store now, its row last."""
    try:
        tables = {table: neighbour.read(table, member_id) for table in reversed(SCHEMAS)}
    except (UserError, OSError):
        return False
    if not all(tables.values()):
        return False
    [row] = tables.pop("members")
    if row["status"] != "done":
        return False
    for table, rows in tables.items():
        store.write(table, member_id, rows)
    store.write("members", member_id, [row | {"study": store.study}])
    return True
