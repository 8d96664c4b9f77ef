"""Which cohorts are to be trained."""

import dataclasses
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from binarygan.config import MemberConfig
from binarygan.paper import FIDELITIES
from study.design.cohorts import Cohort, make_cohorts, members_of
from study.design.grids import GRIDS


def cells(grid: str = "paper-appendix", fidelity: str = "as-described") -> list[MemberConfig]:
    return GRIDS[grid].cells(fidelity, data_digest="0" * 16, train_images=640, epochs=2)


@settings(deadline=None)
@given(
    grid=st.sampled_from(sorted(GRIDS)),
    fidelity=st.sampled_from(FIDELITIES),
    seeds=st.integers(1, 5),
    size=st.integers(1, 7),
    first=st.integers(0, 12),
)
def test_every_missing_member_is_in_one_cohort(grid: str, fidelity: str, seeds: int, size: int, first: int) -> None:
    missing = members_of(cells(grid, fidelity), seeds)[first:]
    cohorts = make_cohorts(missing, [], lambda _: size)
    assert Counter(m.member_id for c in cohorts for m in c.members) == Counter(m.member_id for m in missing)
    for cohort in cohorts:
        assert len({m.cohort_key for m in cohort.members}) == 1
        assert len(cohort.members) <= size


def test_single_members_come_seed_by_seed() -> None:
    missing = members_of(cells(), 3)
    assert [c.members[0] for c in make_cohorts(missing, [], lambda _: 1)] == missing


def test_sizes_are_even() -> None:
    [cell] = cells("paper-real-valued")
    assert [len(c.members) for c in make_cohorts(members_of([cell], 9), [], lambda _: 8)] == [5, 4]


def test_what_has_a_checkpoint_goes_on_as_it_was() -> None:
    """Also where one of the cohort's members has ended meanwhile, and with a member that is not asked for."""
    [cell] = cells("paper-real-valued")
    everyone = members_of([cell], 5)
    missing = [m for m in everyone[:4] if m.seed != 1]
    started = [everyone[1:3], [dataclasses.replace(cell, seed=9)]]
    cohorts = make_cohorts(missing, started, lambda _: 8)
    assert [[m.seed for m in c.members] for c in cohorts] == [[0, 3], [1, 2]]


def test_overlapping_checkpoints_are_used_once() -> None:
    [cell] = cells("paper-real-valued")
    everyone = members_of([cell], 3)
    cohorts = make_cohorts(everyone, [everyone[:2], everyone[1:]], lambda _: 8)
    assert [[m.seed for m in c.members] for c in cohorts] == [[0, 1], [2]]


def test_a_split_that_was_cut_off_leaves_the_whole_to_go_on_with() -> None:
    [cell] = cells("paper-real-valued")
    everyone = members_of([cell], 4)
    cohorts = make_cohorts(everyone, [everyone[:2], everyone], lambda _: 8)
    assert [[m.seed for m in c.members] for c in cohorts] == [[0, 1, 2, 3]]


def test_halves_are_the_cohort() -> None:
    [cell] = cells("paper-real-valued")
    cohort = Cohort(tuple(members_of([cell], 5)))
    first, second = cohort.halves()
    assert first.members + second.members == cohort.members
    assert (len(first.members), len(second.members)) == (3, 2)
