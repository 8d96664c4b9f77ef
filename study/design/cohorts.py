"""From cells and seeds to cohorts that are still to be trained."""

import dataclasses
import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from binarygan.config import MemberConfig
from study.store.schemas import FINISHED
from study.store.store import Store


@dataclass(frozen=True)
class Cohort:
    """Members that one trial trains together."""

    members: tuple[MemberConfig, ...]

    @property
    def cohort_id(self) -> str:
        """Digest of its members' ids."""
        return hashlib.sha256(" ".join(m.member_id for m in self.members).encode()).hexdigest()[:16]

    def critic_steps(self) -> int:
        """Critic steps of each member over all its epochs."""
        shared = self.members[0]
        return sum(shared.critic_steps_in_epoch(e + 1) for e in range(shared.epochs))

    def halves(self) -> tuple["Cohort", "Cohort"]:
        """The first half of its members, and the others."""
        middle = (len(self.members) + 1) // 2
        return Cohort(self.members[:middle]), Cohort(self.members[middle:])


def members_of(cells: Sequence[MemberConfig], seeds: int) -> list[MemberConfig]:
    """Each cell with seeds 0 to `seeds` - 1, seed by seed, so that every cell has its first result early."""
    return [dataclasses.replace(cell, seed=seed) for seed in range(seeds) for cell in cells]


def unfinished(members: Sequence[MemberConfig], store: Store) -> list[MemberConfig]:
    """Those that the store does not have to their end."""
    finished = {i for i, row in store.statuses().items() if row["status"] in FINISHED}
    return [m for m in members if m.member_id not in finished]


def make_cohorts(
    missing: Sequence[MemberConfig],
    started: Sequence[Sequence[MemberConfig]],
    size_of: Callable[[Sequence[MemberConfig]], int],
) -> list[Cohort]:
    """Cohorts for all `missing` members, as equal in size as can be, in the order of `missing`.

    Args:
        started: cohorts that checkpoints know; those with a missing member go on as they were.
        size_of: how many of these members, which fit into one cohort, one trial should train at most.
    """
    places = {m.member_id: place for place, m in enumerate(missing)}
    cohorts: list[Cohort] = []
    taken: set[str] = set()
    for members in sorted(started, key=len, reverse=True):  # a split that was cut off left the whole beside its parts
        ids = {m.member_id for m in members}
        if ids & places.keys() and not ids & taken:
            cohorts.append(Cohort(tuple(members)))
            taken |= ids
    groups: dict[tuple[object, ...], list[MemberConfig]] = defaultdict(list)
    for member in missing:
        if member.member_id not in taken:
            groups[member.cohort_key].append(member)
    for group in groups.values():
        parts = math.ceil(len(group) / size_of(group))
        size = math.ceil(len(group) / parts)
        cohorts += [Cohort(tuple(group[i : i + size])) for i in range(0, len(group), size)]
    return sorted(cohorts, key=lambda c: min(places.get(m.member_id, len(places)) for m in c.members))
