"""A part of a grid."""

from pathlib import Path

import pytest
from running import FEW, here

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from study.design.cohorts import members_of
from study.design.grids import GRIDS
from study.design.selection import selected
from study.store.store import Store


def members(grid: str = "paper-appendix") -> list[MemberConfig]:
    cells = GRIDS[grid].cells("as-described", data_digest="0" * 16, train_images=640, epochs=2)
    return members_of(cells, 3)


def test_nothing_named_is_the_whole_grid() -> None:
    assert selected(members(), []) == members()


def test_values_of_a_field_are_alternatives_and_fields_are_both_asked_for() -> None:
    found = selected(members(), ["objective=gan,wgan", "discriminator_norm=none", "seed=0,2"])
    assert found == [
        m for m in members() if m.objective in ("gan", "wgan") and m.discriminator_norm == "none" and m.seed in (0, 2)
    ]
    assert len(found) == 8


def test_a_parameter_of_a_part_is_a_field() -> None:
    found = selected(members("estimators"), ["estimator.temperature=1"])
    assert {m.part("estimator").temperature for m in found} == {1.0}
    assert 0 < len(found) < len(members("estimators"))


def test_a_field_named_twice_has_the_values_of_both() -> None:
    assert selected(members(), ["seed=0", "seed=2"]) == selected(members(), ["seed=0,2"])


@pytest.mark.parametrize("word", ["1", "1.0", "1e0"])
def test_numbers_are_compared_as_numbers(word: str) -> None:
    found = selected(members("slope-annealing"), [f"slope_rate={word}"])
    assert {m.slope_rate for m in found} == {1.0}
    assert len(found) == 9


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["objective"], "is not FIELD=VALUE"),
        (["objective="], "is not FIELD=VALUE"),
        (["objectiv=gan"], "no field 'objectiv'; did you mean 'objective'"),
        (["__class__=gan"], "no field '__class__'; known: neuron, objective, "),
        (["sed=0"], "no field 'sed'; did you mean 'seed'"),
        (["objective=gna"], "no run of this grid has objective=gna; did you mean 'gan'"),
        (["seed=3"], r"no run of this grid has seed=3; known: 0, 1, 2 \(give --seeds N\)"),
        (["seed=zero"], "no run of this grid has seed=zero"),
        (["objective=gan", "penalty_weight=10"], "no member of the grid has all of these"),
    ],
)
def test_what_the_grid_has_not_is_refused(texts: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        selected(members(), texts)


@pytest.mark.usefixtures("few_samples", "committed")
@pytest.mark.long
def test_parts_of_a_grid_become_its_study(batch: Path, tmp_path: Path) -> None:
    """One part in the study itself, one in another study, as from another machine; then all of it."""
    same = ("--grid", "paper-neurons", "--executor", "local", "--data", batch, "--results", tmp_path, "--epochs", 1)

    def neurons() -> list[str]:
        return sorted(r["neuron"] for r in Store(tmp_path, "paper-neurons").statuses().values())

    first = here(*same, "--only", "neuron=real")
    assert (first.returncode, first.stderr) == (0, FEW)
    assert "1 cell, 1 member, 1 trial" in first.stdout
    assert neurons() == ["real"]
    assert here(*same, "--study", "other", "--only", "neuron=stochastic").returncode == 0
    plan = here(*same, "--plan", "--only", "neuron=stochastic,real").stdout
    assert "2 cells, 2 members, 1 finished, 0 trials" in plan
    assert "to be taken over: 1 member from other" in plan
    assert "deterministic" not in plan
    whole = here(*same)
    assert (whole.returncode, whole.stderr) == (0, FEW)
    assert "1 member taken over from other" in whole.stdout
    assert "3 done" in whole.stdout
    assert neurons() == ["deterministic", "real", "stochastic"]
