"""Analysis of variance against statsmodels' own on full designs, contrasts by hand on others, and properties."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import grid, made_up, noisy
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from analysis.statistics.anova import anova
from analysis.statistics.summaries import Unavailable


def reference_anova(members: pd.DataFrame) -> pd.DataFrame:
    data = members.assign(y=np.log(members["fid"].astype(float)))
    return anova_lm(ols("y ~ C(objective, Sum) * C(neuron, Sum)", data).fit(), typ=2)


class TestAnova:
    @pytest.mark.parametrize(
        "keep", [slice(None), [0, 1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 16]], ids=["balanced", "not"]
    )
    def test_a_full_design_is_anova_lm(self, keep: Any) -> None:
        members = grid(noisy()).iloc[keep]
        result, reference = anova(members), reference_anova(members)
        assert not isinstance(result, Unavailable)
        table = result.table
        assert table["term"].tolist() == ["objective", "neuron", "objective × neuron", "residual"]
        assert table["df"].tolist() == reference["df"].tolist()
        for ours, theirs in (("sum_of_squares", "sum_sq"), ("f", "F"), ("p", "PR(>F)")):
            assert table[ours].to_numpy() == pytest.approx(reference[theirs].to_numpy(), nan_ok=True)

    def test_shares(self) -> None:
        members = grid(noisy())
        result, reference = anova(members), reference_anova(members)["sum_sq"]
        assert not isinstance(result, Unavailable)
        y = np.log(members["fid"].astype(float))
        total = ((y - y.mean()) ** 2).sum()
        assert result.table["share"].to_numpy() == pytest.approx(reference.to_numpy() / total)
        assert result.table["share"].sum() == pytest.approx(1)  # balanced
        assert result.table["partial_eta_squared"].iloc[0] == pytest.approx(
            reference.iloc[0] / (reference.iloc[0] + reference.iloc[-1])
        )
        assert result.r_squared == pytest.approx(1 - reference.iloc[-1] / total)

    def test_without_a_logarithm(self) -> None:
        members = grid(noisy())
        result = anova(members, "fid", log=False)
        assert not isinstance(result, Unavailable)
        assert result.table["share"].sum() == pytest.approx(1)
        assert result.table["sum_of_squares"].sum() == pytest.approx(members["fid"].var() * (len(members) - 1))

    def test_a_planted_effect_is_where_it_was_planted(self) -> None:
        rng = np.random.default_rng(1)
        members = grid(lambda o, n: list((40 if n == "stochastic" else 10) * rng.lognormal(0, 0.05, size=3)))
        result = anova(members)
        assert not isinstance(result, Unavailable)
        rows = result.table.set_index("term")
        assert rows.loc["neuron", "share"] > 0.97
        assert rows.loc["neuron", "p_holm"] < 1e-6
        assert rows.loc[["objective", "objective × neuron"], "share"].max() < 0.02

    def test_of_an_interaction_with_empty_cells_is_kept_what_can_be_estimated(self) -> None:
        members = grid(noisy())
        members = members[~((members["objective"] == "gan") & (members["neuron"] == "stochastic"))]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = anova(members)
        assert not isinstance(result, Unavailable)
        rows = result.table.set_index("term")
        assert rows["df"].to_dict() == {"objective": 2, "neuron": 1, "objective × neuron": 1, "residual": 10}
        assert any("objective × neuron in part (1 of 2" in note for note in result.notes)
        # What is left of it is the interaction of the two objectives that have both neurons.
        y = np.log(members["fid"].astype(float)).groupby([members["objective"], members["neuron"]]).mean()
        contrast = (
            y["wgan", "deterministic"]
            - y["wgan", "stochastic"]
            - y["wgan-gp", "deterministic"]
            + y["wgan-gp", "stochastic"]
        )
        assert rows.loc["objective × neuron", "sum_of_squares"] == pytest.approx(contrast**2 * 3 / 4)

    def test_an_interaction_that_was_not_trained_is_left_out_and_said(self) -> None:
        cells = [("mlp", "deterministic"), ("mlp", "stochastic"), ("cnn", "deterministic")]
        rng = np.random.default_rng(0)
        members = pd.concat(
            [
                made_up(objective="wgan-gp", architecture=a, neuron=n, metrics={"fid": list(rng.lognormal(2, 0.3, 3))})
                for a, n in cells
            ]
        )
        result = anova(members)
        assert not isinstance(result, Unavailable)
        assert result.table["term"].tolist() == ["neuron", "network", "residual"]
        assert "neuron × network cannot be estimated: too few of its combinations were trained" in result.notes

    def test_a_factor_that_goes_with_another_is_left_out_and_said(self) -> None:
        rng = np.random.default_rng(0)
        cells = [(o, n) for o in ("gan", "wgan") for n in ("deterministic", "stochastic")]  # the paper's norm in D
        members = pd.concat(
            [made_up(objective=o, neuron=n, metrics={"fid": list(rng.lognormal(2, 0.3, 3))}) for o, n in cells]
        )
        result = anova(members)
        assert not isinstance(result, Unavailable)
        assert result.table["term"].tolist() == ["objective", "neuron", "objective × neuron", "residual"]
        assert "norm in D cannot be estimated: it goes with other factors" in result.notes

    def test_in_two_fidelities_their_own_norms_are_one_level(self) -> None:
        rng = np.random.default_rng(0)
        norms = {"as-released": "affine", "as-described": "batch"}
        members = pd.concat(
            [
                made_up(
                    fidelity=f,
                    objective="wgan",
                    neuron="deterministic",
                    discriminator_norm=norm,
                    metrics={"fid": list(rng.lognormal(2, 0.3, 3))},
                )
                for f, own in norms.items()
                for norm in ("none", own)
            ]
        )
        result = anova(members)
        assert not isinstance(result, Unavailable)
        assert result.table["term"].tolist() == ["norm in D", "norm in G", "norm in D × norm in G", "residual"]
        assert "slope rate cannot be estimated: it goes with other factors" in result.notes

    def test_what_is_not_done_or_has_no_logarithm_is_out_and_said(self) -> None:
        members = grid(noisy())
        members.loc[0, ["status", "fid"]] = ["diverged", np.nan]
        members.loc[1, "status"] = "failed"
        members.loc[5, "fid"] = 0.0
        members.loc[6, "fid"] = np.nan
        result = anova(members)
        assert not isinstance(result, Unavailable)
        assert result.members == len(members) - 4
        assert any("1 diverged" in note and "1 failed" in note for note in result.notes)
        assert any("2 done whose fid is no finite number above 0" in note for note in result.notes)
        reference = reference_anova(members.drop([0, 1, 5, 6]))
        assert result.table["sum_of_squares"].to_numpy() == pytest.approx(reference["sum_sq"].to_numpy())

    def test_a_column_that_is_searched_over_is_no_factor(self) -> None:
        members = pd.concat(
            [
                made_up(
                    objective="wgan", neuron=n, slope_rate=1 + i / 100, seeds=2, metrics={"fid": 9.0 + i}, scatter=0.1
                )
                for i in range(12)
                for n in ("deterministic", "stochastic")
            ]
        )
        result = anova(members)
        assert not isinstance(result, Unavailable)
        assert result.table["term"].tolist() == ["neuron", "residual"]
        assert any("slope rate has 12 values" in note for note in result.notes)
        assert any("2 combinations hold several cells" in note for note in result.notes)

    def test_joint_interactions_are_tested_against_the_seeds_as_the_full_model_would(self) -> None:
        rng = np.random.default_rng(5)
        three = [(o, n, a) for o in ("gan", "wgan") for n in ("deterministic", "stochastic") for a in ("mlp", "cnn")]
        members = pd.concat(
            [
                made_up(
                    objective=o,
                    neuron=n,
                    architecture=a,
                    discriminator_norm="none",
                    metrics={"fid": list((10 if (o, n, a) == three[0] else 1) * rng.lognormal(1, 0.1, 3))},
                )
                for o, n, a in three
            ],
            ignore_index=True,
        )
        result = anova(members)
        assert not isinstance(result, Unavailable)
        data = members.assign(y=np.log(members["fid"].astype(float)))
        full = anova_lm(ols("y ~ C(objective, Sum) * C(neuron, Sum) * C(architecture, Sum)", data).fit(), typ=2)
        joint = full.loc["C(objective, Sum):C(neuron, Sum):C(architecture, Sum)"]
        [note] = [n for n in result.notes if "joint interactions" in n]
        assert f"F {joint['F']:.2g}, p {joint['PR(>F)']:.2g}, they are there" in note
        assert not [n for n in anova(grid(noisy())).notes if "joint" in n]  # type: ignore[union-attr]

    def test_the_spread_of_the_cells_is_told(self) -> None:
        rng = np.random.default_rng(1)
        spreads = {"gan": 1.0, "wgan": 0.02, "wgan-gp": 0.02}
        unlike = grid(lambda o, n: list(10 * rng.lognormal(0, spreads[o], 12)), seeds=12)
        alike = grid(noisy(seeds=6), seeds=6)
        for members, said in (
            (grid(noisy()), "which takes 5 seeds a cell to test"),
            (alike, "not shown to differ"),
            (unlike, "they do not, so p is rough"),
        ):
            result = anova(members)
            assert not isinstance(result, Unavailable)
            assert any("scatter alike" in note and said in note for note in result.notes)

    def test_other_lengths_and_data_are_left_out_and_said(self) -> None:
        members = grid(noisy())
        short, other = grid(noisy(), objectives=("gan",)), grid(noisy(), objectives=("gan",))
        short["epochs"], other["data_digest"] = 2, "0123"
        short["cell_id"] += "s"
        other["cell_id"] += "o"
        mixed, alone = anova(pd.concat([short, members, other])), anova(members)
        assert not isinstance(mixed, Unavailable)
        assert not isinstance(alone, Unavailable)
        pd.testing.assert_frame_equal(mixed.table, alone.table)
        assert "not in it: 12 of other data or another length of training" in mixed.notes

    @pytest.mark.parametrize(
        ("members", "reason"),
        [
            (grid(noisy(seeds=1), seeds=1), "one seed a cell"),
            (made_up(objective="gan", neuron="real", metrics={"fid": 9.0}), "no factor varies"),
            (grid(lambda o, n: 9.0, scatter=0.0), "the same for every run"),
            (grid(noisy(), statuses=["failed"] * 3), "no run is done"),
        ],
        ids=["one seed", "one cell", "no variance", "none done"],
    )
    def test_what_cannot_be_said(self, members: pd.DataFrame, reason: str) -> None:
        result = anova(members)
        assert isinstance(result, Unavailable)
        assert reason in result.reason
