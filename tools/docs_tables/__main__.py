"""Make the tables of README.md and docs/ anew of what ships; `--check` names those that drifted and writes nothing."""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from binarygan.errors import UserError
from tools.docs_tables import claims, findings, performance, registries, scores  # noqa: F401 (they name their tables)
from tools.docs_tables.blocks import Block, blocks_of, content, replaced, unmarked
from tools.docs_tables.measured import measured
from tools.docs_tables.measured import names as measured_names
from tools.docs_tables.named import TABLES

ROOT = Path(__file__).parents[2]
OF_FILE = "measured/"
"""What a name begins with where the table is a file of docs/measured as it stands."""


def documents(root: Path) -> list[Path]:
    """Those whose tables are made."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


@cache
def made(name: str) -> str:
    """A table in Markdown."""
    file = name.removeprefix(OF_FILE)
    if name != file and file in measured_names():
        return measured(file).markdown
    return TABLES[name]().markdown


def problems(root: Path) -> list[str]:
    """A line for each table that has drifted, is not known, or stands between no markers."""
    lines, shown = [], set()
    for path in documents(root):
        text, where = path.read_text(encoding="utf-8"), path.relative_to(root)
        try:
            lines += [f"{where}, line {i}: a table between no markers" for i in unmarked(text)]
            for block in blocks_of(text):
                shown.add(block.name)
                lines += [f"{where}: {said}" for said in _drift(text, block)]
        except UserError as error:
            lines.append(f"{where}, {error}")
    lines += [f"no document shows the table {name}" for name in TABLES if name not in shown]
    return lines


def rewrite(root: Path) -> list[Path]:
    """Make every table anew; the documents that changed."""
    changed = []
    for path in documents(root):
        text = path.read_text(encoding="utf-8")
        if (new := replaced(text, lambda block: made(block.name))) != text:
            path.write_text(new, encoding="utf-8")
            changed.append(path)
    return changed


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs_tables", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 where something has drifted")
    if parser.parse_args(arguments).check:
        lines = problems(root)
        print(*lines, *(["make docs-tables makes them anew"] if lines else []), sep="\n", end="\n" * bool(lines))
        return 1 if lines else 0
    for path in rewrite(root):
        print(f"{path.relative_to(root)}: tables made anew")
    return 0


def _drift(text: str, block: Block) -> list[str]:
    """What is wrong with a block: one line, or none."""
    if block.by_hand:
        return []
    try:
        return [] if content(text, block) == made(block.name) else [f"the table {block.name} has drifted"]
    except UserError as error:
        return [f"table {block.name}: {error}"]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        sys.exit(f"error: {error}")
