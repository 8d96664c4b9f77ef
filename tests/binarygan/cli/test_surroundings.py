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


PLOTS = """
import sys
from {module} import {name}

def command(*_):
    import matplotlib.pyplot as plt  # as torchmetrics does, which training and evaluations import
    plt.figure().savefig(sys.argv[1])
    return 0

{patched}
sys.exit({call})
"""
PLOTTING = {
    "the package's, analysis and publish": ("binarygan.cli.commands", "status_of", "", "status_of(command)"),
    "study/run.py": ("study", "run", "run._run = command", "run.main(['--list'])"),
}


@pytest.mark.parametrize("whose", PLOTTING)
@pytest.mark.parametrize("settings", ["MPLBACKEND", "matplotlibrc"])
def test_a_backend_that_is_not_installed_stops_nothing(whose: str, settings: str, tmp_path: Path) -> None:
    """A notebook's `!python` has one in its environment; a matplotlibrc may name one."""
    backend = "module://no_such.backend"
    (tmp_path / "matplotlibrc").write_text(f"backend: {backend}\n" * (settings == "matplotlibrc"))
    own = {"MPLBACKEND": backend} if settings == "MPLBACKEND" else {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
    module, name, patched, call = PLOTTING[whose]
    code = PLOTS.format(module=module, name=name, patched=patched, call=call)
    words = [sys.executable, "-c", code, str(tmp_path / "out.png")]
    outcome = subprocess.run(words, cwd=ROOT, env=os.environ | own, capture_output=True, text=True)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert (tmp_path / "out.png").exists()


def test_every_command_has_its_own_surroundings() -> None:
    """Those that have a `main`: outputs, signals and backends are dealt with in one place, which none goes without."""
    mains = {
        p
        for k in ("binarygan", "study", "analysis")
        for p in (ROOT / k).rglob("*.py")
        if "\ndef main(" in p.read_text()
    }
    assert len(mains) == 7
    for path in mains:
        assert "status_of(" in path.read_text() or "own_process()" in path.read_text(), path


@pytest.mark.parametrize(
    ("closed", "options", "status"), [((1,), ["--list"], 0), ((2,), ["--grid", "none"], 2), ((0, 1, 2), ["--list"], 0)]
)
def test_closed_files_are_no_fault(closed: tuple[int, ...], options: list[str], status: int) -> None:
    """`>&-`, `2>&-`, and a daemon that has none of the three."""

    def close() -> None:
        for number in closed:
            os.close(number)

    words = [sys.executable, "study/run.py", *options]
    outcome = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, preexec_fn=close)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (status, "", "")


def test_a_full_disk_under_the_output_is_told_as_that() -> None:
    """It is not the results that cannot be written."""
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "study/run.py", "--list"]
        outcome = subprocess.run(words, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert outcome.stderr == "error: the standard output cannot be written: No space left on device\n"
    assert outcome.returncode == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_lacks_is_written_as_its_number(encoding: str) -> None:
    """Names of files are whatever they are; LC_ALL=C has ASCII. Standard error has the same."""
    own = os.environ | {"PYTHONIOENCODING": encoding + ":strict"}
    words = [sys.executable, "study/run.py", "--grid", "Ziffern-\u4e00"]
    outcome = subprocess.run(words, cwd=ROOT, env=own, capture_output=True)
    assert outcome.returncode == 2
    assert outcome.stderr.startswith(b"error: ")
    assert (b"Traceback" in outcome.stderr, b"\\u4e00" in outcome.stderr) == (False, True)
