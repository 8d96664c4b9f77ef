"""What surrounds a command: outputs that fail, signals, arguments that a shell left empty, backends of notebooks."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from binarygan.cli.commands import Parser, status_of, whole_files
from binarygan.errors import UserError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("stream", "status", "said"),
    [
        (lambda: open("/dev/full", "w"), 1, "error: the standard output cannot be written: No space left on device\n"),  # noqa: SIM115, PTH123
        (lambda: io.TextIOWrapper(io.BytesIO(), encoding="latin-1"), 0, ""),
        (lambda: None, 0, ""),
    ],
    ids=["full", "latin-1", "closed"],
)
def test_printing_undoes_no_work(
    stream: object, status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = []

    def command() -> int:
        print("a line …", flush=True)
        sys.stdout.isatty()
        done.append(1)
        return 0

    monkeypatch.setattr(sys, "stdout", before := stream())  # type: ignore[operator]
    assert status_of(command) == status
    assert done
    assert sys.stdout is before
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_no_half_of_a_file(number: signal.Signals, tmp_path: Path) -> None:
    inherited = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def command() -> int:
        with whole_files([tmp_path / "a.npy"]) as [file]:
            file.write(b"half")
            os.kill(os.getpid(), number)
            signal.pause()
        return 0

    before = signal.getsignal(number)
    assert status_of(command) == 130
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) == before
    signal.signal(number, inherited)


def test_arguments_are_never_empty_and_a_tilde_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    parser = Parser("program")
    parser.add_argument("--results")
    for words in (["--results=~/x"], ["--results", "~/x"]):
        assert parser.parse_args(words).results == "/home/me/x"
    for words in (["--results="], ["--results", ""]):
        with pytest.raises(UserError, match="--results is empty"):
            parser.parse_args(words)


def test_a_backend_that_is_not_installed_stops_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "analysis", "report", str(tmp_path / "none")]
    notebook = os.environ | {"MPLBACKEND": "module://no_such.backend"}
    outcome = subprocess.run(words, cwd=ROOT, env=notebook, capture_output=True, text=True)
    assert (outcome.returncode, outcome.stderr.count("\n")) == (2, 1), outcome.stderr
