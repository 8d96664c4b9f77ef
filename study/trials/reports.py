"""Reports of a cohort's parts, put together: an epoch is told once, when every member's row of it is there."""

from study.design.cohorts import Cohort
from study.trials.recording import Report, Row


class Gathering:
    """What the parts of a cohort report, as the report of the whole.

    Args:
        cohort: the whole.
        report: gets each epoch once, in order, with all members' rows.
    """

    def __init__(self, cohort: Cohort, report: Report) -> None:
        self._report, self._told = report, 0
        self._rows: dict[str, dict[int, Row]] = {m.member_id: {} for m in cohort.members}
        self._ended: set[str] = set()

    def of(self, part: Cohort) -> Report:
        """The report of a part."""

        def report(epoch: int, rows: list[Row]) -> None:
            for member, row in zip(part.members, rows, strict=True):
                self._rows[member.member_id][epoch] = row
            self._tell()

        return report

    def end(self, part: Cohort) -> None:
        """The part reports no more. Where all its members diverged early, their last rows stand for later epochs."""
        self._ended |= {m.member_id for m in part.members}
        self._tell()

    def _tell(self) -> None:
        while any(self._told + 1 in rows for rows in self._rows.values()):
            rows = [self._row(member_id, self._told + 1) for member_id in self._rows]
            if None in rows:
                return
            self._told += 1
            self._report(self._told, [row for row in rows if row is not None])

    def _row(self, member_id: str, epoch: int) -> Row | None:
        rows = self._rows[member_id]
        if epoch not in rows and rows and member_id in self._ended:
            return rows[max(rows)]
        return rows.get(epoch)
