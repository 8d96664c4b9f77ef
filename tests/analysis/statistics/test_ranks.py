"""Critical differences against Demšar's table, Friedman's test against scipy's, and properties."""

import math
from itertools import permutations, product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import grid, known, noisy, runs
from scipy import stats

from analysis.statistics.ranks import Ranks, critical_difference
from analysis.statistics.summaries import Unavailable


def by_rate(fids: list[list[float]]) -> pd.DataFrame:
    """A cell for each list of FIDs."""
    return runs(*({"learning_rate": 10.0**-i, "fid": fid} for i, fid in enumerate(fids)), seeds=len(fids[0]))


def ranked(members: pd.DataFrame, result: Ranks, field: str = "objective") -> list[Any]:
    """What cells have in a field, the best first."""
    return members.drop_duplicates("cell_id").set_index("cell_id").loc[result.table["cell_id"], field].tolist()


# Demšar (2006), Table 5a: critical values of the Nemenyi test, alpha 0.05.
@pytest.mark.parametrize(("k", "q"), [(3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (10, 3.164)])
def test_it_is_demsars(k: int, q: float) -> None:
    members = by_rate(np.random.default_rng(k).lognormal(size=(k, 4)).tolist())
    wanted = q * math.sqrt(k * (k + 1) / 24)
    assert known(critical_difference(members, "fid")).critical_difference == pytest.approx(wanted, rel=1e-3)


def test_ranks_and_friedman_are_by_seed() -> None:
    values = {"gan": [30.0, 31.0, 9.0, 33.0], "wgan": [20.0, 21.0, 10.0, 34.0], "wgan-gp": [10.0, 11.0, 12.0, 13.0]}
    members = runs(*({"objective": o, "fid": v} for o, v in values.items()), seeds=4)
    result = known(critical_difference(members, "fid"))
    ranks = dict(zip(ranked(members, result), result.table["mean_rank"], strict=True))
    assert ranks == {"wgan-gp": 1.5, "wgan": 2.25, "gan": 2.25}
    assert result.statistic == pytest.approx(stats.friedmanchisquare(*values.values()).statistic)
    orders = list(permutations((1, 2, 3)))
    sums = [np.sum(blocks, axis=0) for blocks in product(orders, repeat=4)]
    found = [((s - 8.0) ** 2).sum() for s in sums]
    assert result.p == pytest.approx(np.mean(np.array(found) >= 2**2 + 1**2 + 1**2))  # ranks add up to 6, 9, 9
    assert result.seeds == (0, 1, 2, 3)
    assert result.groups == ((0, 2),)
    assert any("finds no difference" in note for note in result.notes)
    assert "no two cells are shown to differ: first and last are 0.75 of 2 ranks apart" in result.notes


def test_the_highest_is_first_where_higher_is_better() -> None:
    recalls = {"gan": 0.1, "wgan": 0.5, "wgan-gp": 0.8}
    members = runs(*({"objective": o, "metrics": {"recall": v}} for o, v in recalls.items()), seeds=4)
    assert ranked(members, known(critical_difference(members, "recall"))) == ["wgan-gp", "wgan", "gan"]


def test_bars_join_what_is_not_shown_to_differ() -> None:
    rng = np.random.default_rng(0)
    result = known(
        critical_difference(by_rate([list(mean + rng.normal(0, 0.5, 30)) for mean in (1.0, 1.05, 9.0, 9.02)]), "fid")
    )
    assert result.groups == ((0, 1), (2, 3))
    assert result.notes == ()


def test_cells_with_fewer_seeds_do_not_take_the_others_seeds() -> None:
    one = runs({"architecture": "cnn", "fid": 5.0}, seeds=1)
    result = known(critical_difference(pd.concat([grid(noisy(seeds=10), seeds=10), one]), "fid"))
    assert (len(result.table), len(result.seeds)) == (6, 10)
    assert "left out, too few seeds finished: 1 of 7 cells" in result.notes


def test_a_real_valued_cell_counts_once() -> None:
    members = pd.concat([grid(noisy()), runs({"neuron": "real", "metrics": {"fid": 1.0, "fid_bernoulli": 2.0}})])
    result = known(critical_difference(members, "fid"))
    assert ranked(members, result, "neuron").count("real") == 1
    assert result.table["binarization"].iloc[0] == "threshold"


def test_a_seed_that_one_cell_lost_is_left_out_and_said() -> None:
    members = grid(noisy(seeds=6), seeds=6)
    members.loc[2, "status"] = "diverged"
    result = known(critical_difference(members, "fid"))
    assert result.seeds == (0, 1, 3, 4, 5)
    assert "1 seeds are left out: not every cell has them finished" in result.notes


@pytest.mark.parametrize(
    ("members", "metric", "reason"),
    [
        (grid(noisy(seeds=1), seeds=1), "fid", "one seed a cell"),
        (grid(noisy(), objectives=("gan",)), "fid", "2 cells"),
        (grid(noisy(), statuses=["failed"] * 3), "fid", "no cell has a finished seed"),
        (grid(lambda o, n: 9.0, scatter=0.0), "fid", "same for every cell"),
        (grid(noisy()), "ink", "no better end"),
    ],
    ids=["one seed", "two cells", "none done", "no variance", "target"],
)
def test_what_cannot_be_said(members: pd.DataFrame, metric: str, reason: str) -> None:
    result = critical_difference(members, metric)
    assert isinstance(result, Unavailable)
    assert reason in result.reason
