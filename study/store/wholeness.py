"""Whether the store has all of a member that its row, or a checkpoint, speaks of."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from study.store.store import Store

Row = dict[str, Any]
OF_SAMPLES = ("samples", "histograms")


def missing_epochs(store: Store, member_ids: Iterable[str], epochs_done: int) -> str:
    """Which of the epochs up to `epochs_done` lack rows, of the first member and table where any do; empty if none.

    An epoch in which a member diverged has a curve without metrics, and no samples and histogram.
    """
    for member_id in member_ids:
        wanted = set(range(1, epochs_done + 1))
        curves = store.epochs("curves", member_id, having="ink")
        measured = {epoch for epoch, there in curves.items() if there}
        tables = {"curves": (wanted, set(curves))}
        tables |= {t: (measured & wanted, set(store.epochs(t, member_id))) for t in OF_SAMPLES}
        for table, (needed, found) in tables.items():
            if lacking := sorted(needed - found):
                listed = ", ".join(map(str, lacking[:5])) + ", …" * (len(lacking) > 5)
                return f"{member_id} has no {table} of epoch {listed}"
    return ""


def whole_member(store: Store, member_id: str) -> Row | None:
    """The row of a member that is done, is the one that its file is named after, and has every epoch; else None."""
    try:
        rows = store.read("members", member_id)
        if len(rows) != 1 or rows[0]["status"] != "done" or _id_of(rows[0]) != member_id:
            return None
        [row] = rows
        whole = row["epochs_done"] == row["epochs"] and not missing_epochs(store, [member_id], row["epochs"])
    except (UserError, OSError, KeyError, TypeError, ValueError):
        return None
    return row if whole else None


def _id_of(row: Mapping[str, Any]) -> str:
    """The id of the configuration in a row; empty where the row says that it is another."""
    config = MemberConfig.from_dict({f.name: row[f.name] for f in dataclasses.fields(MemberConfig)})
    return config.member_id if row["member_id"] == config.member_id else ""
