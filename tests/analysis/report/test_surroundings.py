"""Reports in surroundings of a user's own: settings of matplotlib, a poor locale, signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
from made_reports import Report

from analysis.__main__ import main
from analysis.report import report
from binarygan.io.files import PARTIAL

ROOT = Path(__file__).parents[3]
SETTINGS = """
image.origin: lower
text.usetex: True
axes.facecolor: red
savefig.bbox: tight
axes.formatter.use_locale: True
lines.linewidth: 9
"""


@pytest.mark.long
def test_every_file_has_the_same_bytes_whatever_the_users_settings(grid_report: Report, tmp_path: Path) -> None:
    """Also where a process that died while it wrote matplotlib's list of fonts left its lock."""
    (tmp_path / "matplotlibrc").write_text(SETTINGS)
    (tmp_path / f"fontlist-v{mpl.font_manager.FontManager.__version__}.json.matplotlib-lock").touch()
    own = {"MPLBACKEND": "svg", "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "MPLCONFIGDIR": str(tmp_path)}
    own |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = [sys.executable, "-m", "analysis", "report", str(grid_report.folder), "--out", str(tmp_path / "out")]
    outcome = subprocess.run(words, cwd=ROOT, env=os.environ | own, capture_output=True)
    assert outcome.returncode == 0, outcome.stderr
    before, after = (
        {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file() and p.suffix != ".html"}
        for out in (grid_report.out, tmp_path / "out")
    )
    assert len([p for p in before if p.suffix in (".png", ".pdf")]) > 20
    assert [p for p in before.keys() | after.keys() if before.get(p) != after.get(p)] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_report_that_is_stopped_leaves_the_page_before_it(
    number: signal.Signals, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherited = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.html").write_text("the one before")
    monkeypatch.setattr(report.Contents, "draw", lambda _: None)

    def is_signalled(**_: object) -> str:
        """While the page is written, after its tables."""
        monkeypatch.setattr("binarygan.io.files._flush", lambda _: (os.kill(os.getpid(), number), signal.pause()))
        return "half"

    monkeypatch.setattr(report, "render", is_signalled)
    assert main(["report", str(folder), "--out", str(tmp_path / "out")]) == 130
    signal.signal(number, inherited)
    assert (tmp_path / "out" / "report.html").read_text() == "the one before"
    assert not list((tmp_path / "out").rglob(f"{PARTIAL}*"))
