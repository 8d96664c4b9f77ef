"""The command line, in this process or in processes of its own, as its user has it."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import numpy as np
import psutil

from analysis.figures import FIGURES
from binarygan.config import PARTS
from binarygan.data.images import load_images
from binarygan.metrics.names import METRICS
from study.design.grids import GRIDS
from study.design.spaces import SPACES
from study.run import main

ROOT = Path(__file__).parents[1]
RUN = [sys.executable, str(ROOT / "study" / "run.py")]
FEW = "warning: 64 images to compare with are few: scores rest on them\n"
"""Of a command that trains on the fixture `batch`."""
FEW_SAMPLES = """
from binarygan.metrics import evaluation
from binarygan.training import gradient_quality

evaluation.EVALUATION_SAMPLES = 256
gradient_quality.EXAMPLES, gradient_quality.SAMPLES = 1, 2
"""
"""A plugin's text: in workers, too, evaluations take less time, as by the fixture `few_samples`, which undoes it."""
Outcome = subprocess.CompletedProcess[str]


def here(*options: object, program: Callable[[list[str]], int] = main) -> Outcome:
    """`study/run.py`, or another program, with these options in this process, which keeps its answer to SIGTERM."""
    words, out, err = [*map(str, options)], io.StringIO(), io.StringIO()
    before = signal.getsignal(signal.SIGTERM)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = program(words)
    finally:
        signal.signal(signal.SIGTERM, before)
    return Outcome(words, status, out.getvalue(), err.getvalue())


def assert_refused(outcome: Outcome, words: str) -> None:
    """The command was wrong, and says why in one line, after what it may have said of its data."""
    said = outcome.stderr.removeprefix(FEW)
    assert (outcome.returncode, said.count("\n")) == (2, 1), outcome
    assert words in said


@contextmanager
def plugins_forgotten() -> Iterator[None]:
    """What plugins register in the block is forgotten after it."""
    registries = [*PARTS.values(), METRICS, FIGURES, GRIDS, SPACES]
    parts, modules = [dict(registry._parts) for registry in registries], dict(sys.modules)
    try:
        yield
    finally:
        for registry, before in zip(registries, parts, strict=True):
            registry._parts = before
        for name in [n for n in sys.modules if n.startswith("plugin_")]:
            del sys.modules[name]
        sys.modules.update({n: m for n, m in modules.items() if n.startswith("plugin_")})


def command(*options: object, environment: Mapping[str, str] | None = None) -> Outcome:
    """`study/run.py` with these options, to its end."""
    words = [*RUN, *map(str, options)]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment)


def started(
    *options: object, environment: Mapping[str, str] | None = None, folder: Path = ROOT
) -> subprocess.Popen[bytes]:
    """`study/run.py` with these options, running in this working folder."""
    quiet = subprocess.DEVNULL
    words = [*RUN, *map(str, options)]
    return subprocess.Popen(words, cwd=folder, env=environment, stdout=quiet, stderr=quiet, start_new_session=True)


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
