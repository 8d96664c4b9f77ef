"""The command line in processes of its own, as its user has it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

from binarygan.data.images import load_images

ROOT = Path(__file__).parents[1]
RUN = [sys.executable, str(ROOT / "study" / "run.py")]


def command(*options: object, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`study/run.py` with these options, to its end."""
    words = [*RUN, *map(str, options)]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment)


def started(*options: object, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """`study/run.py` with these options, running."""
    quiet = subprocess.DEVNULL
    words = [*RUN, *map(str, options)]
    return subprocess.Popen(words, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet, start_new_session=True)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to it and to every process that it started."""
    for victim in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
        with suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
    process.wait()


def wait_until(reached: Callable[[], bool], seconds: float = 200) -> None:
    """An AssertionError where it is not reached in time."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"not reached in {seconds} s"
        time.sleep(0.1)


def write_digits(path: Path, count: int = 64) -> Path:
    """So many real digits, as data of one's own: 64 make one iteration an epoch."""
    np.save(path, load_images("mnist").bits(count).reshape(-1, 28, 28))
    return path
