"""A run that is trained again: where it is found, and how it compares with the one before."""

from pathlib import Path

import pytest

from binarygan.data.images import load_images
from binarygan.errors import UserError
from binarygan.paper import paper_config
from study.commands.retrain import _comparison, compared_with, find_member
from study.publish import SHIPPED, rows_of


def row(fid: float, torch: str | None) -> dict[str, object]:
    return {"member_id": "m", "status": "done", "fid": fid, "versions": torch and f'{{"torch": "{torch}"}}'}


def test_equal_numbers_are_said_to_be() -> None:
    assert _comparison(row(1.5, "2.11.0"), row(1.5, "2.15.0"), "home") == "m: all 1 numbers equal those in home"


def test_where_they_differ_other_versions_of_pytorch_are_named() -> None:
    told = _comparison(row(1.5, "2.11.0"), row(2.5, "2.15.0"), "home")
    assert "1 of 1 numbers differ from those in home (fid: 1.5 there, 2.5 now)" in told
    assert told.endswith("; PyTorch 2.11.0 there, 2.15.0 now")
    assert "PyTorch" not in _comparison(row(1.5, "2.15.0"), row(2.5, "2.15.0"), "home")
    assert "PyTorch of unknown version there, 2.15.0 now" in _comparison(row(1.5, None), row(2.5, "2.15.0"), "home")


def test_a_run_of_the_results_that_ship_can_be_trained_again(tmp_path: Path) -> None:
    [first, *_] = rows_of(SHIPPED / "paper-as-released", "members")
    assert find_member(tmp_path, first["member_id"][:12]) == (first, "paper-as-released")


@pytest.mark.parametrize(
    ("before", "images", "reference", "after"),
    [
        ("validation", 50_000, "test", 60_000),
        ("validation", 6_400, "test", 6_400),  # it might have had more
        ("test", 60_000, "validation", 50_000),
        ("test", 70_000, "validation", 50_000),
    ],
)
def test_all_that_there_is_becomes_all_that_there_is_then(before: str, images: int, reference: str, after: int) -> None:
    data = load_images("mnist")
    fields = {"data_digest": data.digest, "train_images": images, "reference": before}
    split = {"split": "all"} if images == 70_000 else {}
    config = paper_config(fidelity="as-described", objective="gan", **fields, **split)
    found = compared_with(config, reference, data)
    assert (found.reference, found.split, found.train_images) == (reference, "train", after)


def test_data_without_a_test_split_has_none_to_report_on(tiny: Path) -> None:
    data = load_images(str(tiny))
    fields = {"data": data.name, "data_digest": data.digest, "train_images": 107, "reference": "validation"}
    config = paper_config(fidelity="as-described", objective="gan", **fields)
    with pytest.raises(UserError, match=r"digits\.npy has no test split"):
        compared_with(config, "test", data)
