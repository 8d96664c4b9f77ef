"""What is printed while a command trains."""

import pytest

from study.launch.progress import StudyProgress


def test_training_goes_on_where_nobody_can_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("study.launch.progress.QUIET_SECONDS", -1.0)
    monkeypatch.setattr("builtins.print", full)
    with StudyProgress(members=1, total=2) as progress:
        progress.epoch(1)
        progress.finished(1)
