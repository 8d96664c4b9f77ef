"""Cohorts: the runs of a study that are still to be trained, put together so that each trial trains several at once."""

import dataclasses
import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from binarygan.config import MemberConfig


@dataclass(frozen=True)
class Cohort:
    """The runs that one trial trains together, its members."""

    members: tuple[MemberConfig, ...]

    @property
    def cohort_id(self) -> str:
        """Digest of the members' ids."""
        return hashlib.sha256(" ".join(m.member_id for m in self.members).encode()).hexdigest()[:16]

    def critic_steps(self) -> int:
        """How many critic steps each member takes over all its epochs."""
        shared = self.members[0]
        return sum(shared.critic_steps_in_epoch(e + 1) for e in range(shared.epochs))

    def halves(self) -> tuple["Cohort", "Cohort"]:
        """The first half of the members, which has the odd one, and the second."""
        middle = (len(self.members) + 1) // 2
        return Cohort(self.members[:middle]), Cohort(self.members[middle:])


def members_of(cells: Sequence[MemberConfig], seeds: int) -> list[MemberConfig]:
    """Each cell with seeds 0 to `seeds` - 1, seed by seed, so that every cell has its first result early."""
    return [dataclasses.replace(cell, seed=seed) for seed in range(seeds) for cell in cells]


def make_cohorts(
    missing: Sequence[MemberConfig],
    started: Sequence[Sequence[MemberConfig]],
    size_of: Callable[[Sequence[MemberConfig]], int],
) -> list[Cohort]:
    """Cohorts of all `missing` runs, in their order; those that share every tensor shape are divided evenly.

    Args:
        started: the members of cohorts that have a checkpoint. A cohort with a missing member goes on as it was.
        size_of: gets runs that fit into one cohort, and says how many of them one trial should train at most.
    """
    index = {m.member_id: i for i, m in enumerate(missing)}
    cohorts: list[Cohort] = []
    taken: set[str] = set()
    # The largest first: where the halving of a cohort was cut off, its checkpoint lies beside those of its halves.
    for members in sorted(started, key=len, reverse=True):
        ids = {m.member_id for m in members}
        if ids & index.keys() and not ids & taken:
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
    return sorted(cohorts, key=lambda c: min(index.get(m.member_id, len(index)) for m in c.members))
