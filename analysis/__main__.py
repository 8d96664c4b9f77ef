"""`python -m analysis report results/<study> --out DIR`."""

import argparse
import sys
from pathlib import Path

from analysis.report import write_report
from binarygan.errors import UserError


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="tables and figures of one study")
    report.add_argument("study", type=Path, help="results/<study>")
    report.add_argument("--out", type=Path, help="default: report/<study>")
    arguments = parser.parse_args(argv)
    out = arguments.out or Path("report") / arguments.study.resolve().name
    try:
        notes = write_report(arguments.study, out)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for note in notes:
        print(note)
    print(f"wrote {', '.join(sorted(p.name for p in out.iterdir()))} in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
