"""Which cohorts are to be trained."""

import dataclasses
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binarygan.config import MemberConfig
from binarygan.paper import paper_config
from study.cost.cohort_size import best_size, fastest_sizes
from study.design.cohorts import Cohort, make_cohorts, members_of
from study.design.grids import GRIDS, find_grid

COMMON = {"data_digest": "0" * 16, "train_images": 640, "epochs": 2}


def cells(grid: str = "paper-appendix", fidelity: str = "as-described") -> list[MemberConfig]:
    return find_grid(grid).cells(fidelity, **COMMON)


@given(seeds=st.integers(1, 5), size=st.integers(1, 7), first=st.integers(0, 12))
def test_every_missing_member_is_in_one_cohort(seeds: int, size: int, first: int) -> None:
    missing = members_of(cells(), seeds)[first:]
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


@pytest.mark.parametrize("fidelity", ["as-described", "as-released"])
@pytest.mark.parametrize("grid", GRIDS)
def test_no_grid_has_a_cell_twice(grid: str, fidelity: str) -> None:
    ids = [c.cell_id for c in cells(grid, fidelity)]
    assert len(ids) == len(set(ids))


def test_the_papers_union_holds_every_grid_of_the_paper() -> None:
    union = {c.cell_id for c in cells("paper")}
    parts = [{c.cell_id for c in cells(g)} for g in GRIDS if g.startswith("paper-")]
    assert union == set().union(*parts)
    assert len(union) == 16


def test_the_fidelity_grid_ends_in_both_fidelities() -> None:
    """Its corners are the paper's text and its code, but for the split."""
    found = {c.cell_id for c in cells("fidelity")}
    for neuron in ("deterministic", "stochastic"):
        for fidelity in ("as-described", "as-released"):
            corner = paper_config(fidelity=fidelity, objective="wgan-gp", neuron=neuron, split="train", **COMMON)
            assert dataclasses.replace(corner, split="train").cell_id in found


def test_the_fastest_size_is_measured() -> None:
    config = paper_config(
        fidelity="as-described", objective="gan", data_digest="x", train_images=64, epochs=1, latent_size=2
    )
    with fastest_sizes("cpu") as size_of:
        assert size_of(members_of([config], 17)) in (16, 17)


def test_a_size_that_does_not_fit_is_not_taken() -> None:
    def holding(most: int) -> Callable[[int], float]:
        def seconds(size: int) -> float:
            if size > most:
                raise RuntimeError("CUDA error: out of memory")
            return 1.0

        return seconds

    assert [best_size(100, holding(most)) for most in (0, 1, 5, 16, 50, 64, 99, 100)] == [1, 1, 4, 16, 32, 64, 64, 100]
    with pytest.raises(RuntimeError, match="illegal"):
        best_size(100, lambda _: raised(RuntimeError("CUDA error: an illegal memory access was encountered")))


def test_the_rest_of_a_few_members_is_trained_with_the_others() -> None:
    """Eighteen members cost what sixteen do and an eighth: no more an hour, and no fewer."""
    assert best_size(18, lambda size: float(size)) == 18
    assert best_size(32, lambda size: float(size)) == 16
    assert best_size(18, lambda size: 1.0 if size == 16 else 2.0) == 16


def raised(error: Exception) -> float:
    raise error
