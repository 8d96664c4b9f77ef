"""Which runs answer to a cell of the paper."""

from pathlib import Path

import pandas as pd
import pytest
from made_study import write_study
from made_up import runs

from analysis.results.cells import is_papers, label, lacking, members_of, undecided
from analysis.results.load import load_study
from binarygan.paper import Cell

DBN = Cell(objective="wgan-gp", neuron="deterministic")


def of(**choices: object) -> pd.DataFrame:
    return runs({"fid": 10.0}, **choices)


CELLS: dict[str, tuple[Cell, dict[str, object]]] = {
    "WGAN-GP, MLP, DBN": (DBN, {}),
    "WGAN-GP, MLP, SBN": (Cell(objective="wgan-gp", neuron="stochastic"), {"neuron": "stochastic"}),
    "WGAN-GP, CNN, DBN": (
        Cell(objective="wgan-gp", neuron="deterministic", architecture="cnn"),
        {"architecture": "cnn"},
    ),
    "WGAN-GP, MLP, DBN, norm in D": (
        Cell(objective="wgan-gp", neuron="deterministic", norm_in_d=True),
        {"discriminator_norm": "affine"},
    ),
    "GAN, MLP, DBN": (Cell(objective="gan", neuron="deterministic"), {"objective": "gan"}),
    "GAN, MLP, DBN, no norm in D": (
        Cell(objective="gan", neuron="deterministic", norm_in_d=False),
        {"objective": "gan", "discriminator_norm": "none"},
    ),
}
"""What figures call a cell, and its runs."""


def test_each_field_of_a_cell_chooses_and_names_it() -> None:
    members = pd.concat([of(**choices) for _, choices in CELLS.values()], ignore_index=True)
    for place, (words, (cell, _)) in enumerate(CELLS.items()):
        assert list(members_of(members, cell)["member_id"]) == list(members["member_id"][3 * place : 3 * place + 3])
        assert label(cell) == words
    assert members_of(members, Cell(objective="wgan", neuron="real")).empty
    assert label(Cell(objective="gan", neuron="real", norm_in_d=True)) == "GAN, MLP, real-valued"


@pytest.mark.parametrize("fidelity", ["as-described", "as-released"])
def test_other_rates_and_searches_do_not_enter_a_paper_cell(fidelity: str) -> None:
    paper = of(fidelity=fidelity)
    others = [
        of(fidelity=fidelity, **change) for change in ({"slope_rate": 1.05}, {"learning_rate": 3e-4}, {"beta1": 0.0})
    ]
    others.append(of(fidelity=fidelity, generator_norm="layer", seeds=9))
    for order in ([*others, paper], [paper, *others]):
        found = members_of(pd.concat(order, ignore_index=True), DBN)
        assert list(found["member_id"]) == list(paper["member_id"])
    assert is_papers(paper.iloc[0])
    assert not any(is_papers(other.iloc[0]) for other in others)


def test_tf32_is_no_deviation_from_the_paper() -> None:
    """A cell trained in tf32 answers for the paper's; never mixed with the same in float32."""
    exact, rounded = of(seeds=2), of(seeds=4, dtype="tf32")
    assert is_papers(rounded.iloc[0])
    found = members_of(pd.concat([exact, rounded], ignore_index=True), DBN)
    assert list(found["member_id"]) == list(rounded["member_id"]), "the one with most runs done"
    assert not is_papers(of(dtype="tf32", slope_rate=1.05).iloc[0])
    assert not is_papers(of(dtype="bfloat16").iloc[0]), "which was compared by beginnings of training alone"


def test_without_the_papers_settings_no_run_answers() -> None:
    """A study of estimators or of learning rates is not the paper's, whichever of its configurations comes first."""
    members = pd.concat([of(slope_rate=1.05, seeds=2), of(slope_rate=1.2, seeds=4)], ignore_index=True)
    assert members_of(members, DBN).empty
    assert lacking(members, DBN) == (
        "trained with other settings than the paper's alone: slope rate 1.05; slope rate 1.2"
    )
    many = pd.concat([of(learning_rate=rate) for rate in (1e-3, 2e-3, 3e-3, 4e-3)], ignore_index=True)
    assert lacking(many, DBN).endswith("learning rate 0.001; learning rate 0.002; learning rate 0.003; and 1 more")


def test_of_several_that_are_equal_none_is_taken_and_the_study_says_so(tmp_path: Path) -> None:
    """The same settings on two sets of images, as long and as complete."""
    members = pd.concat([of(seeds=2), of(seeds=2, data="other", data_digest="0123")], ignore_index=True)
    assert members_of(members, DBN).empty
    [line] = undecided(members)
    assert line.startswith("WGAN-GP, MLP, DBN: several configurations have the paper's settings and are equally long")
    assert all(cell_id in line for cell_id in members["cell_id"])
    assert undecided(members.iloc[1:]) == [], "one has more runs done"
    write_study(tmp_path / "s", members, samples=False)
    assert line in load_study(tmp_path / "s").problems


def test_the_longer_training_is_meant() -> None:
    quick, full = of(epochs=1, train_images=6400, seeds=5), of(seeds=2)
    assert set(members_of(pd.concat([quick, full]), DBN)["epochs"]) == {20}


def test_every_status_is_kept_and_seeds_are_in_order() -> None:
    members = of(seeds=4, statuses=["done", "failed", "diverged", "running"]).iloc[::-1]
    found = members_of(members, DBN)
    assert found["seed"].tolist() == [0, 1, 2, 3]
    assert found["status"].tolist() == ["done", "failed", "diverged", "running"]


def test_values_that_the_paper_knows_nothing_of_are_no_error() -> None:
    members = of().assign(fidelity="as-imagined")
    assert members_of(members, DBN).empty
    assert lacking(members, DBN) == "trained with other settings than the paper's alone: fidelity as-imagined"
    assert not is_papers(members.iloc[0])
