"""What the package's commands have in common: one-line errors, where a generator is found, files whole or not there."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from binarygan.errors import UserError
from binarygan.io.files import whole_file


class Parser(argparse.ArgumentParser):
    """Says what is wrong as a UserError; the description is printed as it is written."""

    def __init__(self, prog: str, description: str | None = None, **more: Any) -> None:
        shown: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        super().__init__(prog=prog, description=description, **(shown | more))

    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def status_of(command: Callable[[], int]) -> int:
    """The exit status of a command: its own, or 2 after a UserError, which becomes one line."""
    try:
        return command()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def leave(main: Callable[[], int]) -> NoReturn:
    """Run `main` as this process. Where nobody reads its output any more, it ends without a word, as others do."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)


def add_generator_arguments(parser: Parser, endings: Sequence[str]) -> None:
    """Which generator, and into which files."""
    parser.add_argument("generator", metavar="MEMBER_OR_CHECKPOINT")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help=f"what to write, by its ending: {', '.join(endings)}; may be given several times",
    )
    parser.add_argument("--results", default="results", metavar="DIR", help="where members are looked up by id")
    parser.add_argument(
        "--plugin", action="append", default=[], metavar="FILE.py", help="a module with parts of your own"
    )
    parser.add_argument("--member", metavar="ID", help="which member of a checkpoint that holds several")


def checked_endings(paths: Sequence[Path], endings: Sequence[str]) -> None:
    """A UserError where a file's ending says nothing of what it should be."""
    for path in paths:
        if path.suffix not in endings:
            raise UserError(f"{path} has none of the endings {', '.join(endings)}")


@contextmanager
def whole_files(paths: Sequence[Path]) -> Iterator[list[BinaryIO]]:
    """Files to write into, all of which come to be at the end of the block, or none where it fails.

    Raises:
        UserError: one of them cannot be written; before the block where that can be known.
    """
    with ExitStack() as stack:
        files = []
        for path in paths:
            if path.is_dir():
                raise UserError(f"{path} cannot be written: it is a folder")
            stack.enter_context(_named(path))
            files.append(stack.enter_context(whole_file(path)))
        yield files


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Says of a failure on disk which file it was about."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from None
