"""How the command ends where something around it fails."""

import pytest

from study import run


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
