"""The command line: `python study/run.py --grid paper-appendix`."""

import re
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a script: imports start at the repository's root, not in study/
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from binarygan.cli.surroundings import own_process
from binarygan.errors import UserError
from binarygan.plugins import load_plugins
from study.options import RunOptions, parse

AGAIN = "the same command goes on from the last whole epoch"
OF_OTHERS = re.compile(r"(adlfs|aiobotocore|aiohttp|azure|botocore|fsspec|gcsfs|google|ray|s3fs|sqlalchemy)\b")
"""Packages whose errors tell of a bucket, a database or a cluster that went away: one line, no stack."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    with own_process() as output:
        return output.status(_status(argv))


def _status(argv: list[str] | None) -> int:
    try:
        return _run(parse(argv))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a disk that is full or read-only, for example; what was written stays whole
        print(f"error: {error.filename or 'the results'}: {error.strerror or error}; {AGAIN}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted: {AGAIN}", file=sys.stderr)
        return 130
    except Exception as error:
        if (cause := _of_others(error)) is None:
            raise  # a fault of this program
        lines = [line for line in str(cause).splitlines() if line.strip()] or [""]
        print(f"error: {type(cause).__name__}: {lines[-1].strip()}; {AGAIN}", file=sys.stderr)
        return 1


def _of_others(error: BaseException) -> BaseException | None:
    """The first cause of an error, if others' packages raised it: a database's own error rather than Optuna's."""
    found: BaseException | None = None
    at: BaseException | None = error
    while at is not None:
        found = at if OF_OTHERS.match(type(at).__module__) else found
        at = at.__cause__
    return getattr(found, "orig", None) or found  # SQLAlchemy adds its statement to what the database says


def _run(options: RunOptions) -> int:
    if options.described is not None:
        from study.design.studies import check_plugins

        check_plugins(options)
    load_plugins(options.plugins)
    if options.listing:
        return _list()
    if options.fields is not None:
        return _fields(options)
    if options.search:
        from study.commands.search import run_search

        return run_search(options, options.search)
    if options.retrain:
        from study.commands.retrain import run_retrain

        return run_retrain(options, options.retrain)
    from study.commands.grid import run_grid

    return run_grid(options)


def _fields(options: RunOptions) -> int:
    from study.design.fields import fields_table

    print("\n".join(fields_table(options.fidelity, options.fields or ())))
    return 0


def _list() -> int:
    from study.design.grids import GRIDS
    from study.design.spaces import SPACES

    print("grids:")
    for name, grid in GRIDS.items():
        print(f"  {name:22}{grid.shows}")
    print("search spaces:")
    for name, space in SPACES.items():
        print(f"  {name:22}{space.shows}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
