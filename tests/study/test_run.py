"""How the command ends where something around it fails."""

import pytest

from study import run


class EndpointConnectionError(Exception):
    """As botocore's is: no OSError."""

    __module__ = "botocore.exceptions"


def ended(error: Exception, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit status of a command that fails so."""

    def fails(_: object) -> int:
        raise error

    monkeypatch.setattr(run, "_run", fails)
    return run.main(["--grid", "paper"])


def test_what_a_librarys_error_says_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "Traceback …\n  File …\nCould not connect to the endpoint URL\n"
    assert ended(EndpointConnectionError(said), monkeypatch) == 1
    assert capsys.readouterr().err == (
        "error: EndpointConnectionError: Could not connect to the endpoint URL; "
        "the same command goes on from the last whole epoch\n"
    )


def test_a_fault_of_our_own_keeps_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError(), monkeypatch)
