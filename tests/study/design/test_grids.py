"""Grids: whose values count where a grid and an option both have some, and what no grid may hold."""

import dataclasses
from typing import Any

import pytest

from binarygan.config import MemberConfig
from binarygan.errors import UserError
from binarygan.paper import paper_config
from study.design.grids import GRIDS, Grid, every
from study.design.spaces import SPACES, Space

COMMON = {"data_digest": "0" * 16, "train_images": 640, "epochs": 2}


def cells(grid: str, fidelity: str = "as-described") -> list[MemberConfig]:
    return GRIDS[grid].cells(fidelity, **COMMON)


def of(**axes: Any) -> Grid:
    return Grid("a test", lambda _: every(**axes))


def test_a_grids_own_values_win_over_what_the_user_did_not_choose() -> None:
    found = of(epochs=(1, 2, 4), train_images=(64, 128)).cells("as-described", asked={"dtype": "-"}, **COMMON)
    assert [(c.epochs, c.train_images) for c in found] == [(e, n) for e in (1, 2, 4) for n in (64, 128)]


@pytest.mark.parametrize(
    ("axes", "field", "option", "words"),
    [
        ({"epochs": (1, 2, 4)}, "epochs", "--epochs 3", "epochs 1, 2, 4 of its own: leave --epochs out, or choose by"),
        ({"train_images": (64, 128)}, "train_images", "--quick", "train_images 64, 128 of its own: leave --quick out"),
        ({"dtype": ("float32", "tf32")}, "dtype", "--precision bf16", "dtype float32, tf32 of its own: leave --prec"),
        ({"epochs": (5,)}, "epochs", "--epochs 3", "has epochs 5 of its own"),
    ],
)
def test_an_option_for_what_the_grid_decides_is_refused(
    axes: dict[str, Any], field: str, option: str, words: str
) -> None:
    with pytest.raises(UserError, match=words) as error:
        of(**axes).cells("as-described", asked={field: option}, **COMMON)
    assert str(error.value).startswith(f"{option}: ")


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"data": ("mnist", "kmnist")}, "has data of its own: one command reads one data set: use --data"),
        ({"seed": (0, 1)}, "seed of its own: each configuration gets the seeds of --seeds"),
        ({"neuron": ("real", "real")}, "has one configuration twice: wgan-gp, real"),
        ({"slope_rate": (1.0, 1.1), "epochs": (1,)}, r"slope_rate 1.0 or 1.1: .* give --epochs 2 or more"),
        ({"split": ("train", "all")}, "split train or all: these .* train_images alone"),
        ({"critic_steps": (100,), "critic_schedule": ("released", "constant")}, "as many critic steps either way"),
        ({"critic_steps": (1, 5), "epochs": (2,)}, "critic_steps 1 or 5: .* as many critic steps either way"),
        ({"neuron": ()}, "has no configurations"),
    ],
)
def test_what_cannot_be_compared_is_refused(axes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        of(**axes).cells("as-described", **COMMON)


def test_what_has_an_effect_is_not_refused() -> None:
    """The slope from the second epoch on, critic steps once the released schedule has warmed up, after 25 steps."""
    assert len(of(slope_rate=(1.0, 1.1), neuron=("stochastic", "real")).cells("as-described", **COMMON)) == 4
    longer = COMMON | {"train_images": 64 * 13}
    assert len(of(critic_steps=(1, 5)).cells("as-described", **longer)) == 2


def test_a_search_space_decides_as_a_grid_does() -> None:
    SPACES["everything"].check({"epochs": "--epochs 3", "train_images": "--quick", "dtype": "--precision bf16"})
    with pytest.raises(UserError, match="--epochs 3: this search space has epochs 5 of its own"):
        Space("a test", (), {"epochs": 5}).check({"epochs": "--epochs 3"})
    with pytest.raises(UserError, match="use --data"):
        Space("a test", (), {"data": "kmnist"}).check({})


def test_unknown_names_are_told_the_nearest() -> None:
    for registry, name in ((GRIDS, "paper-apendix"), (SPACES, "anealing")):
        with pytest.raises(UserError, match="did you mean"):
            registry[name]  # type: ignore[index]


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


def test_a_grid_whose_choices_are_no_mappings_is_refused() -> None:
    with pytest.raises(UserError, match="a grid's choices are mappings of field to value"):
        Grid("a test", lambda _: {"objective": "gan"}).cells("as-described", **COMMON)
