"""How a member that was trained again compares with the one before."""

from study.commands.retrain import _comparison


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
