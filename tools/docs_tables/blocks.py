"""Where a document's tables stand: each between a marker with its name and `<!-- end of table -->`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from binarygan.errors import UserError

_START = re.compile(r"<!-- table: (.+) -->")
_END = "<!-- end of table -->"
_BY_HAND = re.compile(r"by hand: .+")
_RULE = re.compile(r"\|?( *:?-+:? *\|)+( *:?-+:? *)?")
"""The line below a Markdown table's head."""


@dataclass(frozen=True)
class Block:
    """A table's lines, without those of its markers."""

    name: str
    first: int
    """Its first line, counted from 0: the one behind the marker."""
    end: int
    """The line of the closing marker."""

    @property
    def by_hand(self) -> bool:
        """Whether it is a table of words, which the marker gives the reason of: `by hand: REASON`."""
        return bool(_BY_HAND.fullmatch(self.name))


def blocks_of(text: str) -> list[Block]:
    """All blocks in order.

    Raises:
        UserError: a marker is left open, stands within another block, or closes none.
    """
    found: list[Block] = []
    open_: tuple[str, int] | None = None
    for i, line in _lines(text):
        start, ends = _START.fullmatch(line), line == _END
        if (start and open_) or (ends and not open_):
            raise UserError(f"line {i + 1}: {line} {'stands within another table' if open_ else 'closes no table'}")
        if start:
            open_ = (start[1], i + 1)
        elif ends and open_:
            found.append(Block(*open_, end=i))
            open_ = None
    if open_:
        raise UserError(f"line {open_[1]}: the table {open_[0]} has no {_END}")
    return found


def unmarked(text: str) -> list[int]:
    """The lines, counted from 1, at which tables begin that stand between no markers."""
    within = {i for block in blocks_of(text) for i in range(block.first, block.end)}
    return [i for i, line in _lines(text) if _RULE.fullmatch(line) and i not in within]


def replaced(text: str, made: Callable[[Block], str]) -> str:
    """The text with each block's lines made anew, those by hand as they are."""
    lines = text.split("\n")
    for block in reversed(blocks_of(text)):
        if not block.by_hand:
            lines[block.first : block.end] = made(block).splitlines()
    return "\n".join(lines)


def content(text: str, block: Block) -> str:
    """What stands between a block's markers."""
    return "\n".join(text.split("\n")[block.first : block.end])


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines outside of fenced code, each with its number from 0."""
    fenced = False
    for i, line in enumerate(text.split("\n")):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield i, line.strip()
