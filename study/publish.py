"""Compact studies for a repository: `python -m study.publish results/A [results/B …] published/<study>`.

One Parquet file a table instead of one a member, without checkpoints. Members and curves are kept whole; of samples the
epochs 1, 2, 5, 10, 20 and last of each cell's first seed, the last of the others; of histograms the last epoch.
"""

import json
import sys
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from binarygan.cli.commands import Parser, status_of
from binarygan.errors import UserError, counted
from binarygan.io.files import PARTIAL, write_whole
from study.store.reading import files_of, read_file
from study.store.schemas import FINISHED, schema_of
from study.store.study_file import NAME as STUDY_FILE

SHOWN = (1, 2, 5, 10, 20)
"""Epochs whose samples are kept of a cell's first seed, beside the last."""
ENDED = (*FINISHED, "failed")
SHIPPED = Path(__file__).resolve().parent.parent / "published"
"""The studies that come with the project."""
Row = dict[str, Any]


def publish(sources: Sequence[Path], target: Path) -> int:
    """Write `target` anew from the members of `sources` that ended (done, diverged or failed), each once; how many.

    A member that one source has done and another has not is taken where it is done.

    Raises:
        UserError: no study in a source, a damaged file, nothing ended, or `target` is one of the sources.
    """
    if target.resolve() in {s.resolve() for s in sources}:
        raise UserError(f"{target} is one of the studies to be published; name another folder")
    members: dict[str, tuple[Row, Path]] = {}
    for source in sources:
        if not files_of(source / "members")[0]:
            raise UserError(f"{source} holds no study: it has no members/*.parquet")
        for row in rows_of(source, "members"):
            known = members.get(row["member_id"])
            if row["status"] in ENDED and (known is None or _rank(row) < _rank(known[0])):
                members[row["member_id"]] = (row | {"study": target.name}, source)
    if not members:
        raise UserError(f"no member has ended in {', '.join(map(str, sources))}")
    first = {row["cell_id"]: row for row, _ in sorted(members.values(), key=lambda m: -m[0]["seed"])}
    shown = {row["member_id"] for row in first.values()}
    kept: dict[str, Callable[[Row, int], bool]] = {
        "curves": lambda row, last: True,
        "samples": lambda row, last: row["epoch"] in ((*SHOWN, last) if row["member_id"] in shown else (last,)),
        "histograms": lambda row, last: row["epoch"] == last,
    }
    ordered = sorted(members.values(), key=lambda m: (m[0]["cell_id"], m[0]["seed"]))
    content = {"members": [row for row, _ in ordered]}
    for table, keeps in kept.items():
        rows: list[Row] = []
        for member, source in ordered:
            own = rows_of(source, table, member["member_id"])
            last = max((r["epoch"] for r in own), default=0)
            rows += [r for r in own if keeps(r, last)]
        content[table] = rows
    # All of it is read by now. Members come last: where this is cut off, none is published without its other rows.
    for left in target.rglob(f"{PARTIAL}*"):
        left.unlink(missing_ok=True)
    for table in kept:
        _write(target, table, content[table])
    description = json.dumps(_description(sources[0], target.name), indent=1) + "\n"
    write_whole(target / "study.json", description.encode())
    if (sources[0] / STUDY_FILE).is_file():
        write_whole(target / STUDY_FILE, (sources[0] / STUDY_FILE).read_bytes())
    _write(target, "members", content["members"])
    return len(members)


def _rank(row: Row) -> int:
    """Lower is taken rather: done, diverged, failed."""
    return ENDED.index(row["status"])


def rows_of(source: Path, table: str, member_id: str | None = None) -> list[Row]:
    """A table's rows, one member's where asked; also of a folder that was itself published."""
    folder, advice = source / table, "mend it or move it away"
    own = folder / f"{member_id}.parquet"
    paths = [own] if own.is_file() and own.resolve().parent == folder.resolve() else files_of(folder)[0]
    return [row for p in paths for row in read_file(p, table, p, member_id=member_id, advice=advice).to_pylist()]


def _write(published: Path, table: str, rows: list[Row]) -> None:
    folder = published / table
    folder.mkdir(parents=True, exist_ok=True)
    content = BytesIO()
    made = pa.Table.from_pylist(rows, schema=schema_of(table, rows))
    pq.write_table(made, content, compression="zstd", compression_level=19)
    target = folder / f"{table}.parquet"
    write_whole(target, content.getvalue())
    for old in files_of(folder)[0]:
        if old != target:
            old.unlink()


def _description(source: Path, name: str) -> Row:
    """What the first study says of its run, without its list of cells."""
    try:
        known = json.loads((source / "study.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    return {k: v for k, v in known.items() if k != "cells"} | {"study": name}


def main(argv: list[str]) -> int:
    """Run the command; the exit status."""
    return status_of(lambda: _run(argv))


def _run(argv: list[str]) -> int:
    parser = Parser("python -m study.publish", __doc__)
    parser.add_argument("sources", metavar="results/A", nargs="+", type=Path, help="studies, published ones too")
    parser.add_argument("target", metavar="published/STUDY", type=Path, help="the folder to write anew")
    words = parser.parse_args(argv)
    try:
        count = publish(words.sources, words.target)
    except OSError as error:
        where = error.filename or words.target
        raise UserError(f"{where} cannot be written: {error.strerror or error}") from None
    size = sum(p.stat().st_size for p in words.target.rglob("*.parquet"))
    print(f"{words.target}: {counted(count, 'member')}, {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
