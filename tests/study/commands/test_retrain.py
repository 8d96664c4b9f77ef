"""A run that is trained again: where it is found, and how it compares with the one before."""

from pathlib import Path

from study.commands.retrain import _comparison, find_member
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
