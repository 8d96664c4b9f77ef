"""Tables 1 to 4 against the paper's numbers and the networks that torch trains."""

import pytest
import torch
from made_up import column

from analysis.tables.architecture_tables import architecture_tables, counts_note, parameter_counts
from binarygan.model.networks import Network
from binarygan.paper import FIDELITIES, paper_config

TABLES = {t.name: t for t in architecture_tables("as-described")}


def test_layers_and_shapes_are_the_papers() -> None:
    assert {name: column(t, "layer") for name, t in TABLES.items()} == {
        "table-1": ["input", "dense", "dense", "sum"],
        "table-2": ["input", "dense", "dense", "dense", "sum"],
        "table-3": ["input", *["transconv"] * 4, "sum"],
        "table-4": ["input", "conv", "maxpool", "conv", "maxpool", "flatten", "dense", "dense", "sum"],
    }
    assert {name: column(t, "output shape")[:-1] for name, t in TABLES.items()} == {
        "table-1": ["128", "1024", "784"],
        "table-2": ["784", "512", "256", "1"],
        "table-3": ["1×1×128", "2×2×128", "6×6×64", "13×13×32", "28×28×1"],
        "table-4": ["28×28×1", "26×26×32", "13×13×32", "11×11×64", "6×6×64", "2304", "128", "1"],
    }
    cnn = TABLES["table-3"]
    assert column(cnn, "kernel")[1:-1] == ["2×2", "4×4", "3×3", "4×4"]
    assert column(cnn, "stride")[1:-1] == ["1", "2", "2", "2"]
    assert column(cnn, "activation")[1:-1] == ["ReLU"] * 3 + ["neuron"]
    assert set(column(TABLES["table-4"], "norm")) == {"–"}


def test_each_layers_parameters_by_hand() -> None:
    """(inputs + 1) x units, and a scale and a shift a channel where there is a norm."""
    by_hand = {
        "table-1": [0, 129 * 1024 + 2048, 1025 * 784],
        "table-2": [0, 785 * 512, 513 * 256, 257],
        "table-3": [0, 128 * 4 * 128 + 128 * 3, 128 * 16 * 64 + 64 * 3, 64 * 9 * 32 + 32 * 3, 32 * 16 + 1],
        "table-4": [0, 10 * 32, 0, 289 * 64, 0, 0, 2305 * 128, 129],
    }
    for name, expected in by_hand.items():
        assert column(TABLES[name], "parameters") == [f"{n:,}" for n in (*expected, sum(expected))]


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_counts_are_those_of_the_networks_that_are_trained(architecture: str) -> None:
    config = paper_config(
        fidelity="as-released", objective="wgan-gp", architecture=architecture, data_digest="-", train_images=64
    )
    networks = [Network.of(layers) for layers in (config.generator_layers(), config.discriminator_layers())]
    made = [network.initial_parameters([0], "-", device=torch.device("cpu")) for network in networks]
    assert parameter_counts(architecture) == tuple(sum(p[0].numel() for p in of.values()) for of in made)


def test_the_norms_are_those_of_the_variants_that_a_study_has() -> None:
    for fidelities, norm, parameters, notes in (
        ((), "BN", "803,600", ("Norms are those of as-described.",)),
        (("as-described",), "BN", "803,600", ()),
        (("as-released",), "affine", "805,168", ()),
        (FIDELITIES, "BN / affine", "803,600 / 805,168", ("Norms are those of as-described / as-released.",)),
    ):
        tables = architecture_tables(*fidelities)
        assert {table.notes for table in tables} == {notes}
        assert column(tables[0], "norm")[1] == norm
        assert column(tables[0], "parameters")[2] == parameters
        assert column(tables[1], "parameters") == column(TABLES["table-2"], "parameters")


def test_the_note_says_that_the_papers_counts_are_swapped() -> None:
    note = counts_note()
    for number in ("1,472,817", "939,312", "533,505", "530,212", "216,227", "313,985", "0.53M for the MLP", "swapped"):
        assert number in note
