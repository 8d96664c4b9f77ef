"""Polars in a process of its own: a damaged file can end it (its runtime aborts), and then only it.

Requests and answers are lines of JSON over pipes, an answer's table after it in Arrow's stream format.
"""

import atexit
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from analysis.results.reading import BROKEN, read_files
from study.store.schemas import SCHEMAS

LONGEST = 300
"""Seconds for an answer to begin; later than that the process hangs over a damaged file."""


class PolarsProcess:
    """The process, started at the first request and after each end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def read(
        self, table: str, paths: list[Path], columns: Sequence[str], needed: Sequence[str]
    ) -> tuple[pa.Table, list[str]] | None:
        """As `reading.read_files` with Polars; None where the process ended or hung over it."""
        request = {"table": table, "paths": [str(p) for p in paths], "columns": list(columns), "needed": list(needed)}
        try:
            process = self._started()
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], LONGEST)[0]:
                raise TimeoutError
            head = json.loads(process.stdout.readline())
            content = process.stdout.read(head["bytes"])
            return pa.ipc.open_stream(content).read_all(), head["problems"]
        except (OSError, ValueError, pa.ArrowException):
            self.close()
            return None
        except BaseException:  # an interrupt: the answer would be taken for the next request's
            self.close()
            raise

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process:
            with suppress(OSError):
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            code = f"import sys; sys.path[:] = {sys.path!r}; from analysis.results.polars_process import serve; serve()"
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # its runtime prints a stack of each panic, which is caught
                start_new_session=True,  # Ctrl-C is the parent's to answer
                env=os.environ | {"RUST_BACKTRACE": "0"},
            )
        return self._process


def serve() -> None:
    """Answer requests on stdin until it ends."""
    answers = sys.stdout.buffer
    polars = _Polars()
    for line in sys.stdin.buffer:
        _answer(json.loads(line), polars, answers)


def _answer(request: Mapping[str, Any], polars: "_Polars", answers: BinaryIO) -> None:
    paths = [Path(p) for p in request["paths"]]
    table, problems = read_files(paths, SCHEMAS[request["table"]], request["columns"], request["needed"], polars)
    buffer = pa.BufferOutputStream()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    content = buffer.getvalue()
    answers.write(json.dumps({"bytes": content.size, "problems": problems}).encode() + b"\n")
    answers.write(content)
    answers.flush()


class _Polars:
    """The backend, imported where it is used alone."""

    def __init__(self) -> None:
        import polars as pl

        self._pl = pl
        self.broken: tuple[type[BaseException], ...] = (
            pl.exceptions.PolarsError,
            pl.exceptions.PanicException,
            *BROKEN,
        )

    def metadata(self, path: Path) -> Mapping[str, str]:
        return self._pl.read_parquet_metadata(path)

    def columns(self, path: Path) -> dict[str, Any]:
        return dict(self._pl.read_parquet_schema(path))

    def load(self, paths: list[Path], columns: list[str]) -> pa.Table:
        scan = self._pl.scan_parquet(
            paths, glob=False, hive_partitioning=False, missing_columns="raise", extra_columns="raise"
        )
        return scan.select(columns).collect().rechunk().to_arrow()
