"""From cells and seeds to cohorts that are still to be trained."""

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from binarygan.config import MemberConfig
from binarygan.schedules import critic_steps_in_epoch
from study.results import FINISHED, Store


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
        return sum(critic_steps_in_epoch(shared, e + 1) for e in range(shared.epochs))


def members_of(cells: Sequence[MemberConfig], seeds: int) -> list[MemberConfig]:
    """Each cell with seeds 0 to `seeds` - 1, seed by seed, so that every cell has its first result early."""
    return [dataclasses.replace(cell, seed=seed) for seed in range(seeds) for cell in cells]


def missing_cohorts(members: Sequence[MemberConfig], store: Store, *, size: int) -> list[Cohort]:
    """Cohorts of at most `size` members for all that are not finished in the store."""
    finished = {i for i, row in store.statuses().items() if row["status"] in FINISHED}
    groups: dict[tuple[object, ...], list[MemberConfig]] = defaultdict(list)
    for member in members:
        if member.member_id not in finished:
            groups[member.cohort_key].append(member)
    return [Cohort(tuple(g[i : i + size])) for g in groups.values() for i in range(0, len(g), size)]
