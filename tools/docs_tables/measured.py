"""Numbers of docs/measured: what was measured once, on some machine, and is in no row that ships."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from binarygan.errors import UserError
from tools.docs_tables.named import Table

FOLDER = Path(__file__).parents[2] / "docs" / "measured"
HEADER = ("command", "commit", "processor")
"""What each file says first, in lines like `# commit: 8ed53bf`; "not kept" where it is not known any more."""


def names() -> list[str]:
    """Of all files, without their ending."""
    return sorted(path.stem for path in FOLDER.glob("*/*.csv"))


def measured(name: str) -> Table:
    """A file's columns and rows, as they stand there."""
    (path,) = FOLDER.glob(f"*/{name}.csv")
    where = f"docs/measured/{path.parent.name}/{path.name}"
    lines = path.read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if line.startswith("#")]
    for what in HEADER:
        if not any(re.fullmatch(rf"# {what}: .+", line) for line in said):
            raise UserError(f"{where} does not say its {what}: add a line '# {what}: ...'")
    heads, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    if uneven := [row for row in rows if len(row) != len(heads)]:
        raise UserError(f"{where}: {uneven[0]} has not the {len(heads)} columns of the head")
    return Table(heads, rows)


def records(name: str) -> Iterator[dict[str, str]]:
    """A file's rows by column."""
    table = measured(name)
    return (dict(zip(table.heads, row, strict=True)) for row in table.rows)


def entry(name: str, row: str, column: str) -> str:
    """What a file has in a column of the row that begins with `row`."""
    table = measured(name)
    (found,) = (own for own in table.rows if own[0] == row)
    return found[list(table.heads).index(column)]
