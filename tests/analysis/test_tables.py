"""Tables against hand computations."""

import pandas as pd

from analysis.load import load_anchors
from analysis.tables import cells_table, sections_markdown

ANCHORS = load_anchors().members


def of_seeds(fids: list[float], statuses: list[str]) -> pd.DataFrame:
    base = ANCHORS[(ANCHORS["objective"] == "wgan-gp") & (ANCHORS["neuron"] == "real")]
    rows = pd.concat([base] * len(fids), ignore_index=True)
    return rows.assign(study="s", fid=fids, fid_bernoulli=[f + 1 for f in fids], status=statuses)


def test_means_and_deviations_are_over_the_seeds_that_are_done() -> None:
    table = cells_table(of_seeds([10.0, 14.0, 99.0], ["done", "done", "failed"]), ANCHORS)
    ours = table[table["source"] == "this study"]
    assert ours["output"].tolist() == ["real-valued, threshold", "real-valued, Bernoulli"]
    assert ours["fid"].tolist() == [12, 13]
    assert ours["fid_sd"].round(4).tolist() == [2.8284, 2.8284]
    assert ours[["members", "done"]].to_numpy().tolist() == [[3, 2], [3, 2]]


def test_anchors_follow_with_real_images_last() -> None:
    table = cells_table(of_seeds([10.0], ["done"]), ANCHORS)
    assert table["source"].tolist() == ["this study"] * 2 + ["released code"] * 8 + ["real images"]
    text = sections_markdown(table)
    assert "| this study | WGAN-GP | MLP | no BN in D | real-valued, threshold | 1 | 1 |" in text
    assert "| real images | – | – | – | – | 1 | 1 |" in text


def test_a_cell_without_a_finished_seed_has_dashes() -> None:
    text = sections_markdown(cells_table(of_seeds([10.0], ["failed"]), ANCHORS))
    line = next(line for line in text.splitlines() if line.startswith("| this study"))
    assert line.split("|")[6:8] == [" 1 ", " 0 "]
    assert set(line.split("|")[8:-1]) == {" – "}
