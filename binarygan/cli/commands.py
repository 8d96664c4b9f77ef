"""What the package's commands have in common: one-line errors, where a generator is found, files whole or not there."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from binarygan.cli.surroundings import own_process
from binarygan.errors import UserError
from binarygan.io.files import whole_file


class Parser(argparse.ArgumentParser):
    """Says what is wrong as a UserError; the description is printed as it is written."""

    def __init__(self, prog: str, description: str | None = None, **more: Any) -> None:
        shown: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        super().__init__(prog=prog, description=description, **(shown | more))

    def error(self, message: str) -> NoReturn:
        raise UserError(message)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """The arguments, after `~` is what a shell makes of it, also after `--option=`.

        Raises:
            UserError: one is empty, as an unset variable of the shell is.
        """
        words = list(sys.argv[1:] if args is None else args)
        for before, word in zip(["an argument", *words], words, strict=False):
            if not word or re.fullmatch(r"--[\w-]+=", word):
                raise UserError(f"{word.rstrip('=') or before} is empty: give it a value or leave it out")
        return super().parse_known_args([_at_home(word) for word in words], namespace)


def status_of(command: Callable[[], int]) -> int:
    """The exit status of a command: its own, 2 after a UserError, which becomes one line, 130 if it is interrupted."""
    with own_process() as output:
        try:
            status = command()
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            status = 2
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            status = 130
        return output.status(status)


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


def _at_home(word: str) -> str:
    option, path = found.groups() if (found := re.fullmatch(r"(--[\w-]+=)(~.*)", word, re.DOTALL)) else ("", word)
    return option + os.path.expanduser(path)  # noqa: PTH111 - a Path would change other words


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
