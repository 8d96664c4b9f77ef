"""How a run ends, and what it says, where something around it fails."""

from pathlib import Path
from typing import Any

import pytest
from cohorts import cohort, train

from binarygan.errors import UserError
from study import run
from study.commands import summary
from study.launch.progress import StudyProgress
from study.search.declarations import differences
from study.store.schemas import check_version
from study.store.store import Store


class EndpointConnectionError(Exception):
    """As botocore's is: no OSError."""

    __module__ = "botocore.exceptions"


def test_what_a_librarys_error_says_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: object) -> int:
        raise EndpointConnectionError("Traceback …\n  File …\nCould not connect to the endpoint URL\n")

    monkeypatch.setattr(run, "_run", fails)
    monkeypatch.setattr(run.signal, "signal", lambda *_: None)
    assert run.main(["--grid", "paper"]) == 1
    said = capsys.readouterr().err
    assert said == (
        "error: EndpointConnectionError: Could not connect to the endpoint URL; "
        "the same command goes on from the last whole epoch\n"
    )


def test_a_fault_of_our_own_keeps_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(run, "_run", fails)
    monkeypatch.setattr(run.signal, "signal", lambda *_: None)
    with pytest.raises(ZeroDivisionError):
        run.main(["--grid", "paper"])


def test_training_goes_on_where_nobody_can_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    progress = StudyProgress(members=1, total=2)
    monkeypatch.setattr("study.launch.progress.QUIET_SECONDS", -1.0)
    monkeypatch.setattr("builtins.print", full)
    progress.epoch(1)
    progress.finished(1)
    progress.close()


def test_a_member_that_diverged_is_named_and_the_status_is_1(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("binarygan.metrics.evaluation.EVALUATION_SAMPLES", 256)
    whole = cohort(tiny, 2, epochs=1)
    store = train(tiny, tmp_path, whole)
    assert summary.summarize(store, whole.members) == 0
    member_id = whole.members[1].member_id
    [row] = store.read("members", member_id)
    lost = {"status": "diverged", "error": "epoch 1: generator_loss is nan \x1b[31m\nand more"}
    store.write("members", member_id, [row | lost])
    capsys.readouterr()
    assert summary.summarize(store, whole.members) == 1
    said = capsys.readouterr().out
    assert "1 diverged, 1 done" in said
    assert f"{member_id} gan mlp deterministic D norm affine seed 1: diverged: epoch 1: generator_loss is nan" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("text", ["[" * 100_000, '{"cells": 1}', '{"schema_version": 1e999}', '{"schema_version": []}'])
def test_a_description_from_elsewhere_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "study.json").write_text(text)
    with pytest.raises(UserError) as error:
        Store(tmp_path, "s").description()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("space", [[1], 5, {"a": {"attributes": {}}}, {"a": {"attributes": {"low": "x", "high": []}}}])
def test_a_declaration_from_elsewhere_is_put_into_words(space: Any) -> None:
    assert isinstance(differences({"space": space}, {"space": {"b": 1}, "fixed": None}), str)


def test_a_version_is_a_number() -> None:
    for found in (float("inf"), "x", None, []):
        with pytest.raises(UserError, match="damaged"):
            check_version(found, "file")
