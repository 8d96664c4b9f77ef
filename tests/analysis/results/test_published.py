"""The studies that come with the project: small enough for it, whole, and read without a complaint."""

from pathlib import Path

import pytest

from analysis.results.load import load_study
from study.publish import SHIPPED

STUDIES = sorted(p for p in SHIPPED.iterdir() if p.is_dir())


def test_they_are_small() -> None:
    assert STUDIES
    assert sum(p.stat().st_size for p in SHIPPED.rglob("*") if p.is_file()) < 40e6


@pytest.mark.parametrize("folder", STUDIES, ids=lambda p: p.name)
def test_they_are_whole(folder: Path) -> None:
    """Every run has its curve of each epoch, and samples and histogram of its last."""
    study = load_study(folder)
    members = study.members.set_index("member_id")
    assert (members["study"] == folder.name).all()
    assert members.index.is_unique
    epochs = study.curves().groupby("member_id")["epoch"].agg(["count", "max"]).reindex(members.index)
    assert (epochs["count"] == members["epochs_done"]).all()
    assert (epochs["max"] == members["epochs_done"]).all()
    for member_id, row in members[members["status"] == "done"].iterrows():
        assert row["fid"] > 0
        samples, histogram = study.samples(member_id), study.histogram(member_id)
        assert samples is not None
        assert histogram is not None
        assert samples.epoch == row["epochs_done"]
        assert histogram[1].sum() == 7_840_000
    assert all(line.startswith("runs come from ") for line in study.problems), "only versions and commits differ"
