"""What a search declares, in words: of two declarations what differs."""

from collections.abc import Iterable, Mapping
from typing import Any


def differences(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """What two declarations have unlike, in words: the parameter first where a space differs."""
    parts = []
    for key in sorted({*known, *wanted} - {"space", "fixed"}):
        if known.get(key) != wanted.get(key):
            parts.append(f"{key}: {words(known.get(key))} there, {words(wanted.get(key))} asked")
    for part in ("space", "fixed"):
        before, now = (x if isinstance(x := of.get(part), dict) else {} for of in (known, wanted))
        for name in sorted({*before, *now}):
            if before.get(name) != now.get(name):
                parts.append(f"{name}: {words(before.get(name))} there, {words(now.get(name))} asked")
    return "; ".join(parts[:4]) + (" …" if len(parts) > 4 else "")


def words(value: Any) -> str:
    """A declared value in a few words."""
    if not isinstance(value, dict) or "attributes" not in value:
        return "nothing" if value is None else "/".join(map(str, value)) if isinstance(value, list) else str(value)
    attributes = value["attributes"]
    try:
        if "choices" in attributes:
            text = "/".join(map(str, attributes["choices"]))
        else:
            text = f"{attributes['low']:g} to {attributes['high']:g}{' log' if attributes.get('log') else ''}"
        conditions: Iterable[tuple[str, Any]] = (value.get("when") or {}).items()
        return text + "".join(f" where {k} is {'/'.join(map(str, v))}" for k, v in conditions)
    except (AttributeError, KeyError, TypeError, ValueError):  # of a file from elsewhere
        return "something else"
