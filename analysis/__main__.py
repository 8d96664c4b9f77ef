"""Tables, figures and one page from results: `python -m analysis report results/<study>`."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from binarygan.errors import UserError

EXAMPLES = """examples:
  python -m analysis report results/paper                  tables, figures and report.html in report/paper/
  python -m analysis compare results/A results/B           the two side by side in report/A-and-B/
"""
MOST_NOTES = 40


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def parser() -> argparse.ArgumentParser:
    """Both commands and their options."""
    p = _Parser(prog="python -m analysis", description=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = p.add_subparsers(dest="command", required=True, metavar="report|compare")
    report = commands.add_parser("report", help="tables, figures and report.html of one study")
    report.add_argument("study", type=Path, help="results/<study>")
    report.add_argument("--out", type=Path, metavar="DIR", help="default: report/<study>")
    compare = commands.add_parser("compare", help="two results folders side by side")
    compare.add_argument("a", type=Path, metavar="A", help="results/<study>")
    compare.add_argument("b", type=Path, metavar="B", help="results/<study>")
    compare.add_argument("--out", type=Path, metavar="DIR", help="default: report/<A>-and-<B>")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status: 2 where there is nothing to report."""
    try:
        arguments = parser().parse_args(argv)
        if arguments.command == "report":
            from analysis.report import write_report

            out = arguments.out or Path("report") / arguments.study.resolve().name
            notes, page = write_report(arguments.study, out), "report.html"
        else:
            from analysis.compare import write_comparison

            names = [p.resolve().name for p in (arguments.a, arguments.b)]
            out = arguments.out or Path("report") / "-and-".join(names)
            notes, page = write_comparison(arguments.a, arguments.b, out), "compare.html"
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for note in notes[:MOST_NOTES]:
        print(note)
    if len(notes) > MOST_NOTES:
        print(f"… and {len(notes) - MOST_NOTES} lines more: all of them in {page}")
    print(f"wrote {', '.join(sorted(p.name for p in out.iterdir()))} in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
