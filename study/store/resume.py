"""What a command that is given again still has to train: which runs are finished, and which go on from a checkpoint."""

from collections.abc import Sequence

from binarygan.config import MemberConfig
from binarygan.io.files import AnyPath
from study.store.schemas import FINISHED
from study.store.store import Store


def unfinished(members: Sequence[MemberConfig], store: Store) -> list[MemberConfig]:
    """Those of these runs that are not finished in the store."""
    finished = {i for i, row in store.statuses().items() if row["status"] in FINISHED}
    return [m for m in members if m.member_id not in finished]


def started(store: Store) -> dict[AnyPath, list[MemberConfig]]:
    """The cohorts that have a checkpoint to go on from: its folder, and the cohort's members in their order."""
    folders = sorted({p.parent for p in store.files("checkpoints", "*/epoch-*")}, key=str)
    if not folders:
        return {}
    from binarygan.training import checkpoints  # imports torch, which takes seconds

    return {folder: members for folder in folders if (members := checkpoints.saved_members(folder))}


def tidy(store: Store) -> None:
    """Drop what a killed run left half written, and the checkpoints of cohorts that are finished.

    Only for the run that holds the study's lock.
    """
    store.drop_partial_files()
    for folder, members in started(store).items():
        rows = [row for m in members for row in store.read("members", m.member_id)]
        if len(rows) == len(members) and all(row["status"] in FINISHED for row in rows):
            from binarygan.training import checkpoints

            checkpoints.forget_epochs(folder)
