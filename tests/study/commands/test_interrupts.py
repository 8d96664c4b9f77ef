"""Ctrl-C and SIGTERM, as a user and a shell send them."""

import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest
from running import ROOT, RUN, wait_until

from study.store.store import Store


@pytest.mark.parametrize(
    ("executor", "deaf", "times"),
    [
        pytest.param("ray", False, 1, marks=pytest.mark.long),
        ("local", False, 1),
        ("local", False, 2),
        pytest.param("ray", False, 2, marks=pytest.mark.long),
        ("ray", True, 1),
        pytest.param("local", True, 1, marks=pytest.mark.long),
    ],
)
def test_an_interrupt_ends_the_run_soon_and_says_how_to_go_on(
    executor: str, deaf: bool, times: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In the middle of an epoch that takes a minute; SIGTERM for a background job that is deaf to Ctrl-C.

    It takes 10 s at most; the long ones, which run one by one, hold it to that.
    """
    seconds = 10 if request.node.get_closest_marker("long") else 30
    store = Store(tmp_path, "paper-neurons")
    words = [*RUN, "--grid", "paper-neurons", "--results", str(tmp_path), "--executor", executor]
    shell = ["/bin/sh", "-c", "trap '' INT; " * deaf + f"exec {shlex.join(words)}"]
    process = subprocess.Popen(shell, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: bool(store.statuses()), seconds=120)
    time.sleep(2)
    if deaf:
        process.send_signal(signal.SIGINT)
        time.sleep(2)
        assert process.poll() is None
    start = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGTERM if deaf else signal.SIGINT)
        time.sleep(0.5)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    if times == 1 or process.returncode != -signal.SIGINT:  # a second one may find a process that is ending already
        assert process.returncode == 130
        assert said.endswith("interrupted: the same command goes on from the last whole epoch\n")
    assert time.monotonic() - start < seconds
    assert {r["status"] for r in store.statuses().values()} == {"running"}
