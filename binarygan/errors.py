"""What a user did wrong, as one line."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can mend. Its text is one line: what is wrong, where, and what to do."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The closing words of an error about an unknown name.

    >>> nearest("determinstic", ["deterministic", "stochastic"])
    "did you mean 'deterministic'? known: deterministic, stochastic"
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    listed = "known: " + ", ".join(known)
    return f"did you mean {close[0]!r}? {listed}" if close else listed
