"""The figure and the sentence of gates against the numbers that they are made from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_figures import drawn
from made_gates import gate_members
from made_study import paper_members

from analysis.experiments import EXPERIMENTS
from analysis.figures import FIGURES
from analysis.results.study import Study
from analysis.statistics.gates import of_gates, sentence

[SECTION] = [e for e in EXPERIMENTS if e.name == "gates"]


def test_points_are_the_means_of_the_seeds_that_are_done(tmp_path: Path) -> None:
    members = gate_members()
    members.loc[0, ["status", "fid"]] = ["diverged", 999.0]
    found = drawn("gates", Study(tmp_path, members))
    of_dbn = members[(members["neuron"] == "deterministic") & (members["status"] == "done")]
    lines = {container.get_label(): container.lines[0] for container in found.figure.axes[0].containers}
    assert list(lines) == [f"{n}, {what}" for n in ("DBN", "SBN") for what in ("gated MLP", "plain MLP of that width")]
    for name, architecture in (("DBN, gated MLP", "gated-mlp"), ("DBN, plain MLP of that width", "narrow-mlp")):
        cells = of_dbn[of_dbn["architecture"] == architecture].groupby("cell_id", sort=False)
        np.testing.assert_allclose(lines[name].get_ydata().astype(float), list(cells["fid"].mean()))
        shares = cells["active_share"].mean() if architecture == "gated-mlp" else [0.25, 0.5, 0.75]
        np.testing.assert_allclose(lines[name].get_xdata().astype(float), list(shares))
    assert found.missing == []
    assert sentence(members) in found.alt


def test_the_sentence_sets_each_gated_mlp_beside_the_plain_one_of_its_width() -> None:
    members = gate_members()
    said = SECTION.says(members) if SECTION.says else ""
    rows = [
        members[(members["neuron"] == "stochastic") & members["part_parameters"].str.contains(words)]
        for words in ('target_share": 0.25', 'hidden": 256')
    ]
    gated, plain = (rows_["fid"].to_numpy() for rows_ in rows)
    ratio = np.exp(np.log(gated / plain).mean())
    assert (
        f"SBN: of blocks to be on 25%, 27% are on (1 always, 2 never), which saves 73% of the products, and FID is "
        f"{gated.mean():.1f} against {plain.mean():.1f} of a plain MLP of 256 hidden units ({ratio:.2f} times"
    ) in said
    assert "3 common seeds" in said
    alone = members[members["architecture"] == "gated-mlp"]
    assert "with no plain MLP of 512 hidden units beside it" in sentence(alone)


def test_runs_of_other_settings_are_left_out_and_counted(tmp_path: Path) -> None:
    members = gate_members()
    other = members.iloc[:3].assign(cell_id="0" * 16, epochs=5, fid=1.0)
    rate = members.iloc[3:6].assign(cell_id="1" * 16, learning_rate=1.0, fid=1.0)
    torn = members.iloc[6:9].assign(cell_id="2" * 16, part_parameters="{", fid=1.0)
    whole = pd.concat([members, other, rate, torn], ignore_index=True)
    kept, left = of_gates(whole)
    assert (set(kept["cell_id"]), left) == (set(members["cell_id"]), 3)
    assert drawn("gates", Study(tmp_path, whole)).missing == ["3 configurations of other settings"]


@pytest.mark.parametrize("gates", [True, False])
def test_a_study_without_gated_runs_has_none_of_it(gates: bool, tmp_path: Path) -> None:
    members = gate_members() if gates else paper_members(seeds=1)
    members = members[members["architecture"] != "gated-mlp"]
    assert SECTION.members(members).empty
    assert FIGURES["gates"].draw(Study(tmp_path, members)) is None
