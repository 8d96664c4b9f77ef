"""`python -m analysis report STUDY --watch`: the page is made anew whenever epochs have come in."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from analysis.report.contents import Kept
from analysis.report.report import write_report
from analysis.results.load import load_study
from binarygan.errors import UserError
from study.store.schemas import SCHEMAS

SECONDS = 5
"""Between two looks at the files, and two loadings of the page by the browser that shows it."""
Files = dict[Path, tuple[int, int]]
"""When each file was last written, in nanoseconds, and its bytes."""


def watch(folder: Path, out: Path, say: Callable[[str], None]) -> None:
    """Make the page again after every change of the study's files, until somebody interrupts it.

    Pictures that show the same as before stay as they are, and there are no PDF files: a report without `--watch` has
    them.

    Args:
        say: gets a line after each renewal.

    Raises:
        UserError: there is nothing to report, or `out` cannot be written.
    """
    kept: Kept = {}
    seen: Files | None = None
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist: name a study's folder")
    if not _files(folder):
        say(f"{folder} has no run yet: waiting for the first epoch")
    while True:
        if (now := _files(folder)) and now != seen:
            start = time.monotonic()
            notes = write_report(folder, out, kept=kept, reloads=SECONDS)
            counts = load_study(folder).members["status"].value_counts()
            ended = ", ".join(f"{n} {status}" for status, n in counts.items())
            failed = f"; {notes.failed} parts could not be made" if notes.failed else ""
            clock = datetime.now().astimezone().strftime("%H:%M:%S")
            say(f"{clock} {out / 'report.html'} renewed in {time.monotonic() - start:.1f} s: {ended}{failed}")
            seen = now
        time.sleep(SECONDS)


def _files(folder: Path) -> Files:
    """All tables' files as they are now; one that is just being replaced is seen the next time."""
    found: Files = {}
    for table in SCHEMAS:
        for path in (folder / table).glob("*.parquet"):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            found[path] = stat.st_mtime_ns, stat.st_size
    return found
