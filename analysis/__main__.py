"""Tables, figures and one page from results: `python -m analysis report results/<study>`."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from binarygan.cli.commands import Parser, status_of
from binarygan.errors import UserError, printable
from binarygan.plugins import load_plugins

if TYPE_CHECKING:
    from analysis.report.report import Notes

EXAMPLES = """examples:
  python -m analysis report results/paper                  tables, figures and report.html in report/paper/
  python -m analysis report results/paper --watch          the page again and again while the study runs
  python -m analysis compare results/A results/B           the two side by side in report/A-and-B/
"""
MOST_NOTES = 40


def parser() -> argparse.ArgumentParser:
    """Both commands and their options."""
    p = Parser("python -m analysis", EXAMPLES)
    commands = p.add_subparsers(dest="command", required=True, metavar="report|compare")
    report = commands.add_parser("report", help="tables, figures and report.html of one study")
    report.add_argument("study", help="results/<study>, or the URL of one (s3://…)")
    report.add_argument("--out", type=Path, metavar="DIR", help="default: report/<study>")
    watched = "make the page again as epochs come in; open report.html, it reloads itself"
    report.add_argument("--watch", action="store_true", help=watched)
    compare = commands.add_parser("compare", help="two results folders side by side")
    compare.add_argument("a", metavar="A", help="results/<study>, or the URL of one")
    compare.add_argument("b", metavar="B", help="results/<study>, or the URL of one")
    compare.add_argument("--out", type=Path, metavar="DIR", help="default: report/<A>-and-<B>")
    for command in (report, compare):
        words = "a module with parts, metrics or figures of your own; may be repeated"
        command.add_argument("--plugin", action="append", default=[], metavar="FILE.py", help=words)
    return p


def _run(arguments: argparse.Namespace, scratch: Path) -> "tuple[Notes, Path]":
    """What is to be told, and the page written."""
    from analysis.results.load import local_study

    load_plugins(arguments.plugin)
    if arguments.command == "report":
        from analysis.report.report import write_report

        study = local_study(arguments.study, scratch)
        out = arguments.out or Path("report") / study.resolve().name
        if arguments.watch:
            from analysis.report.watch import watch

            if study.is_relative_to(scratch):
                raise UserError(f"--watch is for a study on a disk: {arguments.study} is in a bucket")
            watch(study, out, lambda line: print(line, flush=True))
        return write_report(study, out), out / "report.html"
    from analysis.compare.compare import write_comparison
    from analysis.report.report import Notes

    a, b = (local_study(text, scratch / side) for side, text in (("a", arguments.a), ("b", arguments.b)))
    out = arguments.out or Path("report") / "-and-".join(p.resolve().name for p in (a, b))
    return Notes(write_comparison(a, b, out)), out / "compare.html"


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status: 1 where a part could not be made, 2 where there is nothing to report."""
    return status_of(lambda: _told(parser().parse_args(argv)))


def _told(arguments: argparse.Namespace) -> int:
    """Run the command and print what is to be told."""
    try:
        with TemporaryDirectory(prefix="analysis-") as scratch:
            notes, page = _run(arguments, Path(scratch))
    except OSError as error:
        raise UserError(f"{error.filename or 'the report'} cannot be written: {error.strerror or error}") from None
    for note in notes.lines[:MOST_NOTES]:
        print(printable(note))
    if len(notes.lines) > MOST_NOTES:
        print(f"… and {len(notes.lines) - MOST_NOTES} lines more: all of them in {page.name}")
    figures = "figures (PNG, PDF) and " if arguments.command == "report" else ""
    print(f"wrote {page}; beside it {figures}tables/ (Markdown, LaTeX, CSV)")
    if notes.failed:
        print(f"error: {notes.failed} parts could not be made", file=sys.stderr)
    return 1 if notes.failed else 0


if __name__ == "__main__":
    sys.exit(main())
