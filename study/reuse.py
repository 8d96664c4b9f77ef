"""Members that another study of the same results root has trained already: taken over, not trained again."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from study.results import SCHEMAS, Store


def take_over(store: Store, member_ids: Iterable[str]) -> dict[str, str]:
    """Copy the finished ones of these members from neighbouring studies; member_id -> the study it came from.

    A member's id is the digest of everything that affects its outcome, so whichever study trained it, it is the same.
    What its trial goes on from stays where it was.
    """
    wanted = set(member_ids)
    taken: dict[str, str] = {}
    for neighbour in sorted(p for p in store.folder.parent.iterdir() if p != store.folder and p.is_dir()):
        for member_id in sorted(wanted - set(taken)):
            if _copy(neighbour, store, member_id):
                taken[member_id] = neighbour.name
    return taken


def _copy(neighbour: Path, store: Store, member_id: str) -> bool:
    """Whether `neighbour` has the whole member; if so it is in the store now, its row last."""
    paths = {table: neighbour / table / f"{member_id}.parquet" for table in SCHEMAS}
    if not all(path.is_file() for path in paths.values()):
        return False
    try:
        tables = {table: pq.read_table(path, partitioning=None).to_pylist() for table, path in paths.items()}
    except (pa.ArrowException, OSError):
        return False
    [row] = tables.pop("members")
    if row["status"] != "done":
        return False
    for table, rows in tables.items():
        store.write(table, member_id, rows)
    store.write("members", member_id, [row | {"study": store.study}])
    return True
