"""The anchors are what today's code measures on the samples that lie beside them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.results.anchors import load_anchors
from binarygan.data.images import load_images
from binarygan.metrics.extractor import extractors_digest
from binarygan.metrics.names import BERNOULLI
from binarygan.metrics.scores import light_scores, reference_of

IMAGES = Path(__file__).parents[2] / "analysis" / "anchors" / "images"


def test_anchors_are_up_to_date() -> None:
    members = load_anchors().members
    assert len(members) == 8
    assert set(members["extractors"]) == {extractors_digest()}
    reference = reference_of(load_images("mnist"), torch.device("cpu"))
    for row in members.to_dict("records"):
        stored = pd.read_parquet(IMAGES / f"{row['member_id']}.parquet").iloc[0]
        for column, ending in (("bits", ""), ("bernoulli_bits", BERNOULLI)):
            if stored[column] is None:
                continue
            bits = np.unpackbits(np.frombuffer(stored[column], np.uint8)).reshape(-1, 28, 28)
            for name, value in light_scores(torch.from_numpy(bits).bool(), reference).items():
                assert row[name + ending] == pytest.approx(value, rel=1e-4, abs=1e-6), (row["member_id"], name)


def test_anchors_are_ranked_as_a_person_would_and_by_both_extractors() -> None:
    members = load_anchors().members
    runs = members[members["study"] == "released code"]
    best = runs.groupby("objective")["fid"].agg(["min", "max"])
    assert best.loc["wgan-gp", "max"] < best.loc["wgan", "min"] < best.loc["wgan", "max"] < best.loc["gan", "min"]
    assert runs[["fid", "fid_check"]].corr("spearman").iloc[0, 1] >= 0.95
    floor = members.loc[members["study"] == "real images", "fid"].item()
    assert floor < 0.05 * runs["fid"].min()
