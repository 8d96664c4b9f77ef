"""The tables by name, and what a table is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from binarygan.registry import Registry


@dataclass(frozen=True)
class Table:
    """Texts in rows and columns; Markdown may stand in them."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def markdown(self) -> str:
        """What stands between the markers.

        >>> print(Table(["", "FID"], [["DBN", "10.5"]]).markdown)
        | | FID |
        |---|---|
        | DBN | 10.5 |
        """
        rule = "|" + "---|" * len(self.heads)
        return "\n".join([_line(self.heads), rule, *(_line(row) for row in self.rows)])


TABLES: Registry[Callable[[], Table]] = Registry("table")
"""What stands behind the markers: name -> what makes the table."""


def _line(texts: Sequence[str]) -> str:
    return "|" + "".join(f" {text} |" if text else " |" for text in texts)
