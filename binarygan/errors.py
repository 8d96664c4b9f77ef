"""What a user did wrong, as one line."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can mend. Its text is one line: what is wrong, where, and what to do."""

    def __str__(self) -> str:
        return printable(super().__str__())


def printable(text: str) -> str:
    """The text on one line without control characters: what a file says must not steer the terminal.

    >>> printable("a" + chr(27) + "[31m" + chr(10) + "b")
    'a?[31m b'
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def counted(count: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "run"), counted(12000, "run")
    ('1 run', '12,000 runs')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def first_line(error: BaseException) -> str:
    """What an error of some library says, on one line."""
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__


def nearest(name: str, known: Iterable[str]) -> str:
    """The closing words of an error about an unknown name.

    >>> nearest("determinstic", ["deterministic", "stochastic"])
    "did you mean 'deterministic'? known: deterministic, stochastic"
    """
    known = list(known)
    if not known:
        return "there is none"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    listed = "known: " + ", ".join(known)
    return f"did you mean {close[0]!r}? {listed}" if close else listed
