"""`--only FIELD=VALUES`: which runs of a grid a command trains; another command, or another machine, has the others."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from binarygan.config import MemberConfig
from binarygan.errors import UserError, nearest


def selected(members: Sequence[MemberConfig], texts: Iterable[str]) -> list[MemberConfig]:
    """The runs that have, in each field that is named, one of the values that are named: `objective=gan,wgan seed=0`.

    Raises:
        UserError: no run has such a field or value, or no run has all the values together.
    """
    wanted: dict[str, list[str]] = {}
    for text in texts:
        field, equals, listed = text.partition("=")
        words = [word for word in listed.split(",") if word]
        if not equals or not words:
            raise UserError(f"--only {text} is not FIELD=VALUE or FIELD=VALUE,VALUE")
        # Each value once, in the order of the runs; none where no run has such a field.
        values = list(dict.fromkeys(fields[field] for m in members if field in (fields := _fields(m))))
        if not values:
            known = dict.fromkeys(name for m in members for name in _fields(m))
            raise UserError(f"--only {text}: no field {field!r}; {nearest(field, known)}")
        for word in words:
            if not any(_same(value, word) for value in values):
                more = " (give --seeds N)" if field == "seed" else ""
                has = nearest(word, map(str, values))
                raise UserError(f"--only {text}: no run of this grid has {field}={word}; {has}{more}")
        wanted.setdefault(field, []).extend(words)
    found = [
        m
        for m in members
        if all(any(_same(_fields(m).get(field), word) for word in words) for field, words in wanted.items())
    ]
    if not found:
        asked = " ".join(f"{field}={','.join(words)}" for field, words in wanted.items())
        raise UserError(f"--only {asked}: no member of the grid has all of these")
    return found


def _fields(member: MemberConfig) -> dict[str, Any]:
    """Its fields and the parameters of its parts that have none: `estimator.temperature`."""
    return member.to_dict() | json.loads(member.part_parameters or "{}")


def _same(value: object, word: str) -> bool:
    """Whether a word names a field's value. Numbers are compared as numbers: 1, 1.0 and 1e0 are the same."""
    if isinstance(value, int | float):
        try:
            return float(word) == value
        except ValueError:
            return False
    return str(value) == word
