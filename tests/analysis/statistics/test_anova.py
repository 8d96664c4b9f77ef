"""Analysis of variance against statsmodels' own on full designs, contrasts by hand on others, and properties."""

import warnings
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import grid, known, noisy, runs
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from analysis.statistics.anova import anova
from analysis.statistics.summaries import Unavailable

BINARY = ("deterministic", "stochastic")


def reference_anova(members: pd.DataFrame, *more: str) -> pd.DataFrame:
    data = members.assign(y=np.log(members["fid"].astype(float)))
    terms = " * ".join(f"C({factor}, Sum)" for factor in ("objective", "neuron", *more))
    return anova_lm(ols(f"y ~ {terms}", data).fit(), typ=2)


def drawn(*cells: dict[str, Any], seed: int = 0, **shared: Any) -> pd.DataFrame:
    """Three seeds of each cell, scattered about the same FID."""
    rng = np.random.default_rng(seed)
    return runs(*({"fid": list(rng.lognormal(2, 0.3, 3))} | cell for cell in cells), **shared)


@pytest.mark.parametrize(
    "keep", [slice(None), [0, 1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 16]], ids=["balanced", "not"]
)
def test_a_full_design_is_anova_lm(keep: Any) -> None:
    members = grid(noisy()).iloc[keep]
    result, reference = known(anova(members)), reference_anova(members)
    table, squares = result.table, reference["sum_sq"].to_numpy()
    assert table["term"].tolist() == ["objective", "neuron", "objective × neuron", "residual"]
    assert table["df"].tolist() == reference["df"].tolist()
    for ours, theirs in (("sum_of_squares", "sum_sq"), ("f", "F"), ("p", "PR(>F)")):
        assert table[ours].to_numpy() == pytest.approx(reference[theirs].to_numpy(), nan_ok=True)
    y = np.log(members["fid"].astype(float))
    total = ((y - y.mean()) ** 2).sum()
    assert table["share"].to_numpy() == pytest.approx(squares / total)
    assert (table["share"].sum() == pytest.approx(1)) == (len(members) == 18), "of a balanced design"
    assert table["partial_eta_squared"].iloc[0] == pytest.approx(squares[0] / (squares[0] + squares[-1]))
    assert result.r_squared == pytest.approx(1 - squares[-1] / total)


def test_a_planted_effect_is_where_it_was_planted() -> None:
    rng = np.random.default_rng(1)
    members = grid(lambda o, n: list((40 if n == "stochastic" else 10) * rng.lognormal(0, 0.05, size=3)))
    rows = known(anova(members)).table.set_index("term")
    assert rows.loc["neuron", "share"] > 0.97
    assert rows.loc["neuron", "p_holm"] < 1e-6
    assert rows.loc[["objective", "objective × neuron"], "share"].max() < 0.02


def test_of_an_interaction_with_empty_cells_is_kept_what_can_be_estimated() -> None:
    members = grid(noisy())
    members = members[~((members["objective"] == "gan") & (members["neuron"] == "stochastic"))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = known(anova(members))
    rows = result.table.set_index("term")
    assert rows["df"].to_dict() == {"objective": 2, "neuron": 1, "objective × neuron": 1, "residual": 10}
    assert any("objective × neuron in part (1 of 2" in note for note in result.notes)
    # What is left of it is the interaction of the two objectives that have both neurons.
    y = np.log(members["fid"].astype(float)).groupby([members["objective"], members["neuron"]]).mean()
    of_wgan, of_wgan_gp = (y[o, "deterministic"] - y[o, "stochastic"] for o in ("wgan", "wgan-gp"))
    assert rows.loc["objective × neuron", "sum_of_squares"] == pytest.approx((of_wgan - of_wgan_gp) ** 2 * 3 / 4)


NORMS = {"as-released": "affine", "as-described": "batch"}
PARTIAL: dict[str, tuple[pd.DataFrame, list[str], str]] = {
    "an interaction that was not trained": (
        drawn({"architecture": "mlp"}, {"architecture": "mlp", "neuron": "stochastic"}, {"architecture": "cnn"}),
        ["neuron", "network"],
        "neuron × network cannot be estimated: too few of its combinations were trained",
    ),
    "a factor that goes with another": (  # the paper's norm in D
        drawn(*({"objective": o, "neuron": n} for o, n in product(("gan", "wgan"), BINARY))),
        ["objective", "neuron", "objective × neuron"],
        "norm in D cannot be estimated: it goes with other factors",
    ),
    "the own norms of two variants are one level": (
        drawn(
            *({"fidelity": f, "discriminator_norm": norm} for f, own in NORMS.items() for norm in ("none", own)),
            objective="wgan",
        ),
        ["norm in D", "norm in G", "norm in D × norm in G"],
        "slope rate cannot be estimated: it goes with other factors",
    ),
    "a column that is searched over": (
        runs(
            *({"neuron": n, "slope_rate": 1 + i / 100, "fid": 9.0 + i} for i, n in product(range(12), BINARY)),
            objective="wgan",
            seeds=2,
            scatter=0.1,
        ),
        ["neuron"],
        "slope rate has 12 values: searched over, not a factor; it is in the residual",
    ),
    "several cells in one combination": (
        drawn({}, {"split": "train", "train_images": 60_000}, {"neuron": "stochastic"}),
        ["neuron"],
        "1 combinations hold several cells that differ in other fields: that difference is in the residual",
    ),
    "a field that is none of the usual factors": (
        drawn(*({"learning_rate": rate, "neuron": n} for rate in (1e-4, 1e-3) for n in BINARY)),
        ["neuron", "learning rate", "neuron × learning rate"],
        "F assumes that seeds scatter alike in every cell",
    ),
}


@pytest.mark.parametrize("case", PARTIAL)
def test_what_cannot_be_estimated_is_left_out_and_said(case: str) -> None:
    members, terms, note = PARTIAL[case]
    result = known(anova(members))
    assert result.table["term"].tolist() == [*terms, "residual"]
    assert any(said.startswith(note) for said in result.notes), result.notes


def test_what_is_not_done_or_has_no_logarithm_is_out_and_said() -> None:
    members = grid(noisy())
    members.loc[0, ["status", "fid"]] = ["diverged", np.nan]
    members.loc[1, "status"] = "failed"
    members.loc[5, "fid"] = 0.0
    members.loc[6, "fid"] = np.nan
    result = known(anova(members))
    assert result.members == len(members) - 4
    assert any("1 diverged" in note and "1 failed" in note for note in result.notes)
    assert any("2 done whose fid is no finite number above 0" in note for note in result.notes)
    reference = reference_anova(members.drop([0, 1, 5, 6]))
    assert result.table["sum_of_squares"].to_numpy() == pytest.approx(reference["sum_sq"].to_numpy())


def test_joint_interactions_are_tested_against_the_seeds_as_the_full_model_would() -> None:
    rng = np.random.default_rng(5)
    cells = [
        {"objective": o, "neuron": n, "architecture": a, "fid": list(level * rng.lognormal(1, 0.1, 3))}
        for (o, n, a), level in zip(product(("gan", "wgan"), BINARY, ("mlp", "cnn")), (10, *[1] * 7), strict=True)
    ]
    members = runs(*cells, discriminator_norm="none")
    joint = reference_anova(members, "architecture").loc["C(objective, Sum):C(neuron, Sum):C(architecture, Sum)"]
    [note] = [n for n in known(anova(members)).notes if "joint interactions" in n]
    assert f"F {joint['F']:.2g}, p {joint['PR(>F)']:.2g}, they are there" in note
    assert not [n for n in known(anova(grid(noisy()))).notes if "joint" in n]


def test_the_spread_of_the_cells_is_told() -> None:
    rng = np.random.default_rng(1)
    spreads = {"gan": 1.0, "wgan": 0.02, "wgan-gp": 0.02}
    for members, said in (
        (grid(noisy()), "which takes 5 seeds a cell to test"),
        (grid(noisy(seeds=6), seeds=6), "not shown to differ"),
        (grid(lambda o, n: list(10 * rng.lognormal(0, spreads[o], 12)), seeds=12), "they do not, so p is rough"),
    ):
        assert any("scatter alike" in note and said in note for note in known(anova(members)).notes)


def test_other_lengths_and_data_are_left_out_and_said() -> None:
    members = grid(noisy())
    short, other = grid(noisy(), objectives=("gan",)), grid(noisy(), objectives=("gan",))
    short["epochs"], other["data_digest"] = 2, "0123"
    short["cell_id"] += "s"
    other["cell_id"] += "o"
    mixed, alone = known(anova(pd.concat([short, members, other]))), known(anova(members))
    pd.testing.assert_frame_equal(mixed.table, alone.table)
    assert "not in it: 12 of other data or another length of training" in mixed.notes


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (grid(noisy(seeds=1), seeds=1), "one seed a cell"),
        (runs({"objective": "gan", "neuron": "real", "fid": 9.0}), "no factor varies"),
        (grid(lambda o, n: 9.0, scatter=0.0), "the same for every run"),
        (grid(noisy(), statuses=["failed"] * 3), "no run is done"),
    ],
    ids=["one seed", "one cell", "no variance", "none done"],
)
def test_what_cannot_be_said(members: pd.DataFrame, reason: str) -> None:
    result = anova(members)
    assert isinstance(result, Unavailable)
    assert reason in result.reason
