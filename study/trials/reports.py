"""What a trial reports after each epoch: the rows of its cohort's members, each epoch once and in order.

A trial that goes on reports its earlier epochs from the store (`replay`). Where a cohort is trained in parts, because
it does not fit into memory, their reports are joined (`Joined`).
"""

from collections.abc import Callable
from typing import Any

from study.design.cohorts import Cohort
from study.store.schemas import FINISHED
from study.store.store import Store

Row = dict[str, Any]
Report = Callable[[int, list[Row]], None]
"""Gets an epoch and the members' rows after it: status, losses, metrics, seconds up to then."""
UNKNOWN: Row = {"status": "running", "error": None, "epochs_done": 0}


def replay(cohort: Cohort, store: Store, epochs: int, report: Report) -> bool:
    """Report the first `epochs` epochs from the store.

    Returns:
        Whether that was done. Where `epochs` are all, it is only done if every member is finished.
    """
    ended = [store.read("members", m.member_id) for m in cohort.members]
    last = epochs == cohort.members[0].epochs
    if last and not all(rows and rows[0]["status"] in FINISHED for rows in ended):
        return False
    curves = [{row["epoch"]: row for row in store.read("curves", m.member_id)} for m in cohort.members]
    seconds = [0.0] * len(curves)
    for epoch in range(1, epochs + 1):
        rows: list[Row] = []
        for i, (curve, stored) in enumerate(zip(curves, ended, strict=True)):
            row, member = curve.get(epoch, {}), stored[0] if stored else UNKNOWN
            seconds[i] += row.get("seconds", 0.0)
            diverged = member["status"] == "diverged" and epoch >= member["epochs_done"]
            status = {"status": "diverged" if diverged else "running", "error": member["error"]}
            rows.append(member if last and epoch == epochs else {**row, **status, "seconds": seconds[i]})
        report(epoch, rows)
    return True


class Joined:
    """Joins the reports of a cohort's parts into reports of the whole cohort.

    Args:
        report: gets each epoch once, in order, as soon as every member's row of it is there.
    """

    def __init__(self, cohort: Cohort, report: Report) -> None:
        self._report, self._epoch = report, 0
        self._rows: dict[str, dict[int, Row]] = {m.member_id: {} for m in cohort.members}
        self._ended: set[str] = set()

    def of(self, part: Cohort) -> Report:
        """What the part is to report to."""

        def report(epoch: int, rows: list[Row]) -> None:
            for member, row in zip(part.members, rows, strict=True):
                self._rows[member.member_id][epoch] = row
            self._pass_on()

        return report

    def end(self, part: Cohort) -> None:
        """Note that the part is done. If it ended early, as all its members diverged, their last rows are repeated."""
        self._ended |= {m.member_id for m in part.members}
        self._pass_on()

    def _pass_on(self) -> None:
        while any(self._epoch + 1 in rows for rows in self._rows.values()):
            rows = [self._row(member_id, self._epoch + 1) for member_id in self._rows]
            if None in rows:
                return
            self._epoch += 1
            self._report(self._epoch, [row for row in rows if row is not None])

    def _row(self, member_id: str, epoch: int) -> Row | None:
        rows = self._rows[member_id]
        if epoch not in rows and rows and member_id in self._ended:
            return rows[max(rows)]
        return rows.get(epoch)
