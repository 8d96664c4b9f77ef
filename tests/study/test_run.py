"""How the command ends where something around it fails."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from running import ROOT

from study import run
from study.store.provenance import sources_digest


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


@pytest.mark.parametrize("said", ["database is locked", "attempt to write a readonly database", "disk I/O error"])
def test_what_a_database_says_is_told_not_what_optuna_supposes(
    said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the middle of a search; Optuna speaks of invalid data."""
    cause = sqlalchemy.exc.OperationalError("UPDATE trials SET …", {}, sqlite3.OperationalError(said))
    supposed = optuna.exceptions.StorageInternalError("possibly because of invalid data")
    supposed.__cause__ = cause
    assert ended(supposed, monkeypatch) == 1
    expected = f"error: OperationalError: {said}; the same command goes on from the last whole epoch\n"
    assert capsys.readouterr().err == expected


def test_a_fault_of_our_own_keeps_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError(), monkeypatch)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_said_and_how_to_go_on(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal that is closed, a scheduler's time limit, Ctrl-C."""
    before = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def is_signalled(_: object) -> int:
        os.kill(os.getpid(), number)
        signal.pause()
        return 0

    monkeypatch.setattr(run, "_run", is_signalled)
    try:
        assert run.main(["--grid", "paper"]) == 130
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == "interrupted: the same command goes on from the last whole epoch\n"


def test_under_nohup_a_closed_terminal_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def is_signalled(_: object) -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    monkeypatch.setattr(run, "_run", is_signalled)
    try:
        assert run.main(["--grid", "paper"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


SHOW = """
import binarygan
import study
from study.store import provenance

print(study.__file__, binarygan.__file__, provenance.SOURCES, sep="\\n")
"""


@pytest.mark.parametrize("safe", ["", "1"])
def test_of_two_checkouts_the_one_that_is_called_runs(safe: str, checkouts: tuple[Path, Path]) -> None:
    """Also where Python is told to import nothing from the script's folder."""
    called, user = checkouts
    (user / "show.py").write_text(SHOW)
    own = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": safe}
    words = [sys.executable, str(called / "study" / "run.py"), "--list", "--plugin", "show.py"]
    outcome = subprocess.run(words, cwd=user, env=own, capture_output=True, text=True)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout.splitlines()[:3] == [
        str(called / "study" / "__init__.py"),
        str(called / "binarygan" / "__init__.py"),
        str(called),
    ]


WORKER = """
import ray
from study.launch import connection
from study.store import provenance

def where():
    import binarygan
    import study
    from study.store import provenance

    return [study.__file__, binarygan.__file__, provenance.sources_digest()]

where.__module__ = "__main__"  # so that workers get it by value
connection.before_ray(None)
with connection.connected(None, {"cpu": 1.0}):
    found = ray.get(ray.remote(where).remote())
print(*found, provenance.sources_digest(), sep="\\n")
"""


def test_workers_run_the_checkout_that_is_called(checkouts: tuple[Path, Path]) -> None:
    """A real worker of Ray's; its digest is what it compares with the command's before it trains."""
    called, user = checkouts
    (user / "ask.py").write_text(WORKER)
    (called / "study" / "own.py").write_text("here = True\n")
    words = [sys.executable, str(called / "study" / "run.py"), "--list", "--plugin", "ask.py"]
    own = os.environ | {"PYTHONPATH": str(ROOT)}
    outcome = subprocess.run(words, cwd=user, env=own, capture_output=True, text=True)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    study, binarygan, workers, commands, *_ = outcome.stdout.splitlines()
    assert [Path(study), Path(binarygan)] == [called / p / "__init__.py" for p in ("study", "binarygan")]
    assert workers == commands != sources_digest()
