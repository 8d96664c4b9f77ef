"""Fuzzing: `python tests/fuzz/fuzz.py --inputs 10000` gives each reader so many damaged files.

A right answer and a clear error are both fine; any other exception, a warning on stderr, or more than 10 s is a fault.
The seed is printed; a fault's input is kept in --keep.
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import random
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from mutations import mutate
from readers import READERS, Reader

SECONDS = 10


class HangError(Exception):
    """A reader took too long."""


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """Raise a HangError in the block after `SECONDS`."""

    def late(*_: object) -> None:
        raise HangError(f"no answer after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fuzz(reader: Reader, inputs: int, seed: int, keep: Path | None = None) -> tuple[Counter[str], list[str]]:
    """Feed it; how often it answered in which way, and each fault's traceback."""
    chance = random.Random(seed)
    valid, answers, faults = reader.valid(), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        path = Path(scratch) / reader.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(valid)
        reader.read(Path(scratch))
        for number in range(inputs):
            content = mutate(valid, chance)
            path.write_bytes(content)
            try:
                with time_limit(), contextlib.redirect_stdout(io.StringIO()):
                    reader.read(Path(scratch))
                answers["read"] += 1
            except reader.answers as error:
                answers["refused"] += 1
                if len(str(error).splitlines()) != 1:
                    faults.append(f"input {number}: not one line: {error}")
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                answers["fault"] += 1
                faults.append(f"input {number}: {''.join(traceback.format_exception(error)[-3:])}")
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{reader.file.replace('/', '-')}-{seed}-{number}").write_bytes(content)
    return answers, faults


def _job(arguments: tuple[str, int, int, Path | None]) -> tuple[str, dict[str, float], list[str]]:
    """One reader's answers and seconds, and its faults."""
    name, start = arguments[0], time.monotonic()
    answers, faults = fuzz(READERS[name], *arguments[1:])
    return name, {**answers, "seconds": round(time.monotonic() - start, 1)}, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--reader", nargs="+", choices=tuple(READERS), default=list(READERS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="readers at a time")
    parser.add_argument("--keep", type=Path, help="folder for inputs that are faults")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    report, failed = {}, 0
    jobs = [(name, arguments.inputs, arguments.seed, arguments.keep) for name in arguments.reader]
    with ProcessPoolExecutor(arguments.jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(_job, job) for job in jobs]):
            name, answers, faults = future.result()  # BrokenProcessPool where a reader ended its process
            report[name] = answers
            print(f"{name:24}{answers}", flush=True)
            for fault in faults[:3]:
                print(fault)
            failed += len(faults)
    if arguments.json:
        arguments.json.write_text(json.dumps({"seed": arguments.seed, "readers": report}, indent=1))
    print(f"{sum(arguments.inputs for _ in arguments.reader):,} inputs, {failed} faults")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
