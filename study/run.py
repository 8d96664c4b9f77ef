"""The command line: `python study/run.py --grid paper-appendix`."""

import argparse
import os
import signal
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a script: the repository's root, not study/, is where imports start
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from binarygan.errors import UserError
from study.options import check, parser

AGAIN = "the same command goes on from the last whole epoch"
OF_OTHERS = {
    "botocore",
    "aiobotocore",
    "aiohttp",
    "s3fs",
    "gcsfs",
    "adlfs",
    "azure",
    "google",
    "fsspec",
    "ray",
    "sqlalchemy",
}
"""Whose errors tell of a bucket that went away, a database or a cluster: one line, no stack."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(parser().parse_args(argv))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # nobody reads what is said any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # a full or read-only disk, say: what was written stays whole
        print(f"error: {error.filename or 'the results'}: {error.strerror or error}; {AGAIN}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted: {AGAIN}", file=sys.stderr)
        return 130
    except Exception as error:
        if type(error).__module__.split(".")[0] not in OF_OTHERS:
            raise  # a fault of ours
        lines = [line for line in str(error).splitlines() if line.strip()] or [""]
        print(f"error: {type(error).__name__}: {lines[-1].strip()}; {AGAIN}", file=sys.stderr)
        return 1


def _interrupt(*_: object) -> None:
    """Stop as Ctrl-C does, in a shell's background job, too, which is started deaf to it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.list:
        return _list()
    check(arguments)
    if arguments.search:
        from study.commands.search import run_search

        return run_search(arguments)
    if arguments.retrain:
        from study.commands.retrain import run_retrain

        return run_retrain(arguments)
    from study.commands.grid import run_grid

    return run_grid(arguments)


def _list() -> int:
    from study.design.grids import GRIDS
    from study.design.spaces import SPACES

    print("grids:")
    for grid in GRIDS.values():
        print(f"  {grid.name:22}{grid.shows}")
    print("search spaces:")
    for space in SPACES.values():
        print(f"  {space.name:22}{space.shows}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
