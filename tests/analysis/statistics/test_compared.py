"""Groups of configurations that differ in some fields, and what is said of the best of each."""

import json

import numpy as np
import pandas as pd
from made_up import runs
from scipy import stats

from analysis.statistics.compared import compared, leader

SBN = {"neuron": "stochastic", "discriminator_norm": "none"}
PAPERS, OTHERS = [12.9, 13.3, 12.6], [10.1, 10.4, 9.9]


def sentences(members: pd.DataFrame) -> list[str]:
    return [leader(group, "estimators") for group in compared(members, ["estimator"])[0]]


def test_the_best_is_held_against_the_papers_by_pairs_of_seeds() -> None:
    cells = ({"fid": PAPERS}, {"estimator": "reinmax", "fid": OTHERS}, {"estimator": "identity", "fid": [20, 30, 25]})
    [said] = sentences(runs(*cells, **SBN))
    logs = np.log(OTHERS) - np.log(PAPERS)
    p = stats.ttest_1samp(logs, 0).pvalue
    low, high = stats.t.interval(0.95, 2, loc=np.mean(OTHERS), scale=stats.sem(OTHERS))
    assert said == (
        f"Of 3 estimators with SBN the lowest mean FID has ReinMax, 10.1 (95% interval {low:.2f} to {high:.1f}, "
        "3 seeds); the paper's, sigmoid-adjusted, has 12.9 (95% interval 12.1 to 13.8, 3 seeds); the difference is "
        f"significant after Holm over 2 comparisons (ratio {np.exp(logs.mean()):.3f}, p {2 * p:.2g})."
    )
    [said] = sentences(runs({"fid": PAPERS}, {"estimator": "reinmax", "fid": [10.0, 13.4, 12.5]}, **SBN))
    assert "the difference is not significant after Holm over 1 comparisons" in said


def test_the_papers_own_has_no_norm_in_d_where_both_are_there() -> None:
    for norms, paper in ((("affine", "none"), "none"), (("affine", "batch"), "affine")):
        cells = ({"discriminator_norm": norm, "fid": 10.0} for norm in norms)
        [group] = compared(runs(*cells, neuron="stochastic"), ["discriminator_norm"])[0]
        assert group.paper
        assert group.names[group.paper] == paper


def test_one_seed_says_no_more_than_it_can() -> None:
    cells = ({"fid": [13.0]}, {"estimator": "reinmax", "fid": [12.0]}, {"estimator": "gst", "statuses": ["failed"]})
    [said] = sentences(runs(*cells, seeds=1, **SBN))
    assert "ReinMax, 12 (1 seed, so no interval) (1 more have none yet)" in said
    assert said.endswith("cannot be said (one pair: no interval, no effect size and no test).")
    [said] = sentences(runs({"fid": [11.0]}, {"estimator": "reinmax", "fid": [12.0]}, seeds=1, **SBN))
    assert "it is the paper's own; whether the others differ from it cannot be said (one pair" in said
    [said] = sentences(
        runs({"estimator": "gst", "fid": [11.0]}, {"estimator": "reinmax", "fid": [12.0]}, seeds=1, **SBN)
    )
    assert said.endswith("the paper's is not among them, so that nothing is tested against it.")
    assert sentences(runs({"fid": [11.0]}, seeds=1, **SBN)) == [""]


def test_configurations_of_one_name_are_told_apart() -> None:
    slope = json.dumps({"estimator.backward_slope": 2.0})
    cells = (
        {"estimator": "decoupled"},
        {"estimator": "decoupled", "part_parameters": slope},
        {},
        {"dtype": "tf32"},
        {"neuron": "deterministic"},
        {"fidelity": "as-described"},
    )
    groups, notes = compared(runs(*({"fid": 10.0, **cell} for cell in cells), **{**SBN}), ["estimator"])
    assert not notes
    assert [(group.name, set(group.names.values())) for group in groups] == [
        ("DBN, as-released", {"sigmoid-adjusted"}),
        ("SBN, as-described", {"sigmoid-adjusted"}),
        (
            "SBN, as-released",
            {
                "decoupled",
                "decoupled, backward slope 2",
                "sigmoid-adjusted, precision float32",
                "sigmoid-adjusted, precision tf32",
            },
        ),
    ]
    assert all(group.paper in group.names for group in groups)
