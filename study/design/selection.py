"""`--only`: the members of a grid that a run is asked for; the others are for another run, or another machine."""

from collections.abc import Iterable, Sequence

from binarygan.config import MemberConfig
from binarygan.errors import UserError, nearest


def selected(members: Sequence[MemberConfig], texts: Iterable[str]) -> list[MemberConfig]:
    """Those that have, of each field named, one of the values named: `objective=gan,wgan`, `seed=0`.

    Raises:
        UserError: a field or a value that none of them has, or values that none has together.
    """
    wanted: dict[str, list[str]] = {}
    for text in texts:
        field, equals, listed = text.partition("=")
        words = [word for word in listed.split(",") if word]
        if not equals or not words:
            raise UserError(f"--only {text} is not FIELD=VALUE or FIELD=VALUE,VALUE")
        values = _values(members, field)
        if not values:
            raise UserError(f"--only {text}: no field {field!r}; {nearest(field, members[0].to_dict())}")
        for word in words:
            if not any(_same(value, word) for value in values):
                more = " (give --seeds N)" if field == "seed" else ""
                raise UserError(f"--only {text}: {field} {word!r} is unknown; {nearest(word, map(str, values))}{more}")
        wanted.setdefault(field, []).extend(words)
    found = [
        m
        for m in members
        if all(any(_same(m.to_dict()[field], word) for word in words) for field, words in wanted.items())
    ]
    if not found:
        asked = " ".join(f"{field}={','.join(words)}" for field, words in wanted.items())
        raise UserError(f"--only {asked}: no member of the grid has all of these")
    return found


def _values(members: Sequence[MemberConfig], field: str) -> list[object]:
    """What the members have there, each once, in their order; none where there is no such field."""
    return list(dict.fromkeys(fields[field] for m in members if field in (fields := m.to_dict())))


def _same(value: object, word: str) -> bool:
    """Whether a field's value is what the word says; numbers however they are written."""
    if isinstance(value, int | float):
        try:
            return float(word) == value
        except ValueError:
            return False
    return str(value) == word
