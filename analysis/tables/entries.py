"""What tables are made of: entries that every format writes in its own way."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from analysis.labels import NOTHING, decimals, number
from analysis.statistics.summaries import Summary

MOST_ROWS = 200
"""Of a table for a reader; CSV has all rows."""


@dataclass(frozen=True)
class Entry:
    """What stands in one row and column of a table."""

    text: str
    key: float | str = ""
    """What the column sorts by; NaN and the empty string come last."""
    parts: Mapping[str, float | int | str] = field(default_factory=dict)
    """In CSV: ending of the column -> value; the empty ending is the column itself. A column without a name has
    whole names here."""


@dataclass(frozen=True)
class Column:
    """Its name in CSV, its head elsewhere, and what its numbers mean."""

    name: str
    label: str
    meaning: str = ""
    numeric: bool = True
    entry: Callable[[Any], Entry] | None = None
    """What stands there, made of one of the things that are tabled."""


@dataclass(frozen=True)
class Table:
    """Entries in rows, with what a reader has to know of them."""

    name: str
    """Of its files."""
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Entry, ...], ...]
    notes: tuple[str, ...] = ()


def tabled(
    name: str, title: str, columns: Sequence[Column], things: Iterable[Any], notes: tuple[str, ...] = ()
) -> Table:
    """A row for each thing, its entries those that the columns make of it."""
    rows = tuple(tuple(c.entry(thing) for c in columns if c.entry) for thing in things)
    return Table(name, title, tuple(columns), rows, notes)


def word(text: object) -> Entry:
    """A text, a dash where it is missing."""
    missing = text is None or text == "" or (isinstance(text, float) and math.isnan(text))
    return Entry(NOTHING if missing else str(text), "" if missing else str(text), {"": "" if missing else str(text)})


def count(value: int) -> Entry:
    """A whole number."""
    return Entry(f"{value:,}", value, {"": value})


def measure(value: float | None, *, text: str | None = None) -> Entry:
    """A number, a dash where it is missing; `text` where the number is written in another way."""
    value = math.nan if value is None else float(value)
    return Entry(text or number(value), value, {"": value})


def interval(value: float, low: float, high: float, **rests_on: float) -> Entry:
    """A number with its interval, and in CSV what else is named."""
    others = {f"_{name}": number for name, number in rests_on.items()}
    return Entry(_with_interval(value, low, high), value, {"": value, "_low": low, "_high": high, **others})


def spread(summary: Summary) -> Entry:
    """The mean over seeds with its interval."""
    return interval(summary.mean, summary.low, summary.high, sd=summary.sd, n=summary.n)


def seeds(values: Mapping[int, float], *, most: int = 10) -> Entry:
    """Every seed's number, in order of seeds; beyond `most` of them the text has the extremes, CSV still has all."""
    listed = [number(v) for v in values.values()]
    if len(listed) > most:
        ordered = sorted(values.values())
        listed = [f"{number(ordered[0])} to {number(ordered[-1])} ({len(ordered)} seeds)"]
    every = "; ".join(f"{seed}: {float(value)!r}" for seed, value in values.items())
    return Entry(", ".join(listed) or NOTHING, min(values.values(), default=math.nan), {"": every})


def outcome(counts: Mapping[str, int], names: Mapping[str, str]) -> Entry:
    """How many runs are done of how many, and what became of the others.

    >>> outcome({"done": 2, "failed": 1, "running": 0}, {"failed": "failed"}).text
    '2 of 3, 1 failed'
    """
    members = sum(counts.values())
    others = [f"{n} {names[status]}" for status, n in counts.items() if n and status != "done"]
    text = ", ".join([f"{counts['done']} of {members}", *others])
    return Entry(text, counts["done"], {"members": members, **counts})


def probability(value: float) -> Entry:
    """A p value."""
    return measure(value, text="< 0.0001" if value < 1e-4 else None if math.isnan(value) else f"{value:.2g}")


def hundredths(value: float) -> Entry:
    """A share or an effect size, in two decimals."""
    return measure(value, text=NOTHING if math.isnan(value) else f"{value:.2f}")


def column(
    name: str,
    label: str,
    make: Callable[[Any], Entry] = word,
    meaning: str = "",
    *,
    of: Callable[[Any], Any] | None = None,
) -> Column:
    """A column whose entries `make` makes of each record's value by its name, or of what `of` finds in each thing."""
    find = of or itemgetter(name)
    return Column(name, label, meaning, make is not word, lambda thing: make(find(thing)))


def first(table: Table, most: int = MOST_ROWS) -> Table:
    """The table's first rows, with a note where that is not all of them."""
    if len(table.rows) <= most:
        return table
    note = f"The first {most} of {len(table.rows):,} rows; tables/{table.name}.csv has all of them."
    return Table(table.name, table.title, table.columns, table.rows[:most], (*table.notes, note))


def _with_interval(value: float, low: float, high: float) -> str:
    """`10.7 [9.7, 11.6]`: as many decimals as the largest of the three needs for three digits."""
    if math.isnan(low):
        return number(value, 3)
    largest = max(abs(value), abs(low), abs(high))
    digits = decimals(largest, 3)
    if largest == 0 or math.isinf(largest) or digits > 6:
        return f"{number(value, 3)} [{number(low, 3)}, {number(high, 3)}]"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
