"""More epochs: runs that go on from those of fewer epochs which another study of the same results root has finished."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from binarygan.config import MemberConfig
from binarygan.errors import UserError, counted
from binarygan.io.files import AnyPath
from study.design.cohorts import Cohort
from study.store.resume import started
from study.store.store import Store
from study.store.take_over import DIRTY, measured_as_here, whole_member

TABLES = ("curves", "samples", "histograms")
"""What a run has of each epoch."""
NO_STATE = "kept no training state that can be read (--forget-state, copied, damaged): the longer runs begin anew"


@dataclass(frozen=True)
class Finished:
    """A finished run of a neighbouring study."""

    study: str
    run: MemberConfig


@dataclass(frozen=True)
class Shorter:
    """What other studies have of the first epochs of the runs that were asked for."""

    usable: dict[str, Finished] = field(default_factory=dict)
    """By the longer run's member_id."""
    states: dict[tuple[AnyPath, int], dict[int, MemberConfig]] = field(default_factory=dict)
    """By a file with a training state and the epochs to come to: the longer run of each of its members that has one."""
    stateless: list[Finished] = field(default_factory=list)
    """Those from which no run can go on."""

    def lines(self) -> list[str]:
        """What a user is told: what goes on, and from where; what does not, and why."""
        told = {"the longer runs go on from there": self.usable.values(), NO_STATE: self.stateless}
        return [f"{count}: {what}" for what, runs in told.items() for count in _counted(runs)]


def shorter_elsewhere(store: Store, members: Sequence[MemberConfig], *, trust_dirty: bool = False) -> Shorter:
    """Which of these runs can go on from a finished run of fewer epochs, the longest there is, and from what file.

    Schedules count from the start and none knows which epoch is the last, so the first epochs of a longer run are those
    of the shorter one.
    """
    begun = {m.member_id for cohort in started(store).values() for m in cohort}
    found = Shorter(states=defaultdict(dict))
    neighbours = _neighbours(store)
    for member in (m for m in members if m.member_id not in begun):
        stateless = None
        for epochs, neighbour in neighbours:
            if epochs >= member.epochs:
                continue
            run = dataclasses.replace(member, epochs=epochs)
            finished = Finished(neighbour.store.study, run)
            if run.member_id not in neighbour.ids or not _is_usable(neighbour.store, run.member_id, trust_dirty):
                continue
            if run.member_id in neighbour.states:
                path, index = neighbour.states[run.member_id]
                found.states[path, member.epochs][index] = member
                found.usable[member.member_id] = finished
                break
            stateless = stateless or finished
        else:
            found.stateless.extend([stateless] if stateless else [])
    return found


def go_on(store: Store, members: Sequence[MemberConfig], *, trust_dirty: bool = False) -> Shorter:
    """Copy what shorter runs have of these runs, and the training states to go on from; what there was."""
    found = shorter_elsewhere(store, members, trust_dirty=trust_dirty)
    for (path, _), unordered in found.states.items():
        from binarygan.training import checkpoints  # imports torch, which takes seconds

        longer = dict(sorted(unordered.items()))
        for member in longer.values():
            source = found.usable[member.member_id]
            shorter = Store(store.folder.parent, source.study)
            for table in TABLES:
                rows = shorter.read(table, source.run.member_id)
                store.write(table, member.member_id, [row | {"member_id": member.member_id} for row in rows])
        # the state comes last: a cohort that has one is not begun again
        checkpoints.lengthen(path, store.checkpoints(Cohort(tuple(longer.values())).cohort_id), longer)
    return found


@dataclass(frozen=True)
class _Neighbour:
    store: Store
    ids: set[str]
    states: dict[str, tuple[AnyPath, int]]
    """The file with each run's training state, and the run's index in it."""


def _neighbours(store: Store) -> list[tuple[int, _Neighbour]]:
    """The other studies of the results root that are grids, by the epochs of their runs, most epochs first."""
    found = []
    root = store.folder.parent
    for name in sorted(p.name for p in root.iterdir() if p.name != store.study and p.is_dir()) if root.exists() else ():
        other = Store(root, name)
        try:
            cells = (other.description() or {}).get("cells", {})
        except UserError:
            continue
        neighbour = _Neighbour(other, set(other.ids()), _states(other))
        found += [(int(epochs), neighbour) for epochs in {c.get("epochs", 0) for c in cells.values()}]
    return sorted(found, key=lambda pair: -pair[0])


def _states(store: Store) -> dict[str, tuple[AnyPath, int]]:
    paths = store.files("checkpoints", "*/state.safetensors")
    found: dict[str, tuple[AnyPath, int]] = {}
    for path in paths:
        from binarygan.training import checkpoints  # imports torch, which takes seconds

        try:
            members = checkpoints.describe(path).members
        except checkpoints.DamagedCheckpointError:
            continue
        found |= {m.member_id: (path, i) for i, m in enumerate(members)}
    return found


def _is_usable(store: Store, member_id: str, trust_dirty: bool) -> bool:
    row = whole_member(store, member_id)
    dirty = row is not None and str(row.get("git_commit")).endswith(DIRTY)
    return row is not None and (trust_dirty or not dirty) and measured_as_here(row)


def _counted(runs: Iterable[Finished]) -> list[str]:
    counts = Counter((finished.study, finished.run.epochs) for finished in runs)
    return [
        f"{counted(count, 'member')} of {study} with {counted(epochs, 'epoch')}"
        for (study, epochs), count in sorted(counts.items())
    ]
