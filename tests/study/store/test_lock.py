"""One writer a study, and who it is."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from binarygan.errors import UserError
from binarygan.io.files import AnyPath
from study.store import lock
from study.store.lock import NAME, STALE_SECONDS, only_writer

HOLD = """
import time
from pathlib import Path
from study.store.lock import only_writer
with only_writer(Path({!r})):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's entry is seen at once in the memory of this process."""
    monkeypatch.setattr(lock, "SETTLED_SECONDS", 0.1)


def in_memory(name: str) -> UPath:
    """The folder of a study in an object store."""
    folder = UPath(f"memory://{name}/s")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_second_is_told_who_holds_it_and_a_dead_holder_does_not_block(tmp_path: Path) -> None:
    """A name in the lock that is none of ours is not shown."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD.format(str(tmp_path))], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(UserError, match=rf"being written by process {holder.pid} on .* since 20"),
        only_writer(tmp_path),
    ):
        pass
    (tmp_path / NAME).write_text('{"pid": "\\u001b[31m"}')
    with pytest.raises(UserError, match="by another process"), only_writer(tmp_path):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with only_writer(tmp_path):
        pass


def test_a_lease_in_an_object_store() -> None:
    folder = in_memory("lease")
    with only_writer(folder):
        entry = json.loads((folder / NAME).read_bytes())
        assert entry["pid"] == os.getpid()
        with pytest.raises(UserError, match=f"process {os.getpid()}"), only_writer(folder):
            pass
    assert not (folder / NAME).exists()


SILENT = {"renewed": time.time() - STALE_SECONDS - 5}
LEASES = {
    "alive": ({}, False),
    "silent": (SILENT, True),
    "another host's": ({"machine": "elsewhere"}, False),
    "another host's, silent": ({"machine": "elsewhere"} | SILENT, True),
    "its process is gone": ({"pid": 2**22 + 1}, True),
    "another container's": ({"machine": "another container's", "pid": 2**22 + 1}, False),
    "damaged": ({"renewed": "never"}, True),
    "of a clock that is ahead, silent": ({"machine": "elsewhere", "renewed": time.time() + 1e7}, True),
    "no time": ({"machine": "elsewhere", "renewed": float("nan")}, True),
}
"""What differs from a fresh entry, and whether the lease is free then."""


@pytest.mark.parametrize("name", LEASES)
def test_when_a_lease_is_stale(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "WATCHED_SECONDS", 0.2)
    folder, (change, free) = in_memory("stale"), LEASES[name]
    entry = {"host": "h", "machine": lock._machine(), "pid": os.getpid(), "renewed": time.time(), "since": "2026"}
    (folder / NAME).write_bytes(json.dumps(entry | change).encode())
    try:
        with only_writer(folder):
            assert free
    except UserError:
        assert not free
    finally:
        (folder / NAME).unlink(missing_ok=True)


@pytest.mark.parametrize("off", [-1e4, 1e4])
def test_a_holder_whose_clock_is_off_lives_while_it_renews(off: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "WATCHED_SECONDS", 1.0)
    folder, ended = in_memory(f"clock{off}"), threading.Event()
    entry = {"host": "h", "machine": "elsewhere", "pid": 7, "since": "2026"}

    def renew() -> None:
        while not ended.wait(0.1):
            (folder / NAME).write_bytes(json.dumps(entry | {"renewed": time.time() + off}).encode())

    other = threading.Thread(target=renew)
    other.start()
    time.sleep(0.3)
    try:
        with pytest.raises(UserError, match="process 7 on h"), only_writer(folder):
            pass
    finally:
        ended.set()
        other.join()


def test_of_two_that_come_at_once_one_holds_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read that nobody holds it, before either writes."""
    folder = in_memory("race")
    held: list[int] = []
    told: list[str] = []
    both, original = threading.Barrier(2), lock._entry
    seen, ended = threading.local(), threading.Event()

    def entry(path: AnyPath) -> dict[str, Any] | None:
        found = original(path)
        if not getattr(seen, "once", False):
            seen.once = True
            both.wait(timeout=20)
        return found

    def hold() -> None:
        try:
            with only_writer(folder):
                held.append(1)
                ended.wait(timeout=20)
        except UserError as error:
            told.append(str(error))
            ended.set()

    monkeypatch.setattr(lock, "_entry", entry)
    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(told)) == (1, 1)


def test_a_renewal_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    folder, original = in_memory("renewed"), lock._renewed
    calls: list[int] = []

    def renewed(entry: dict[str, Any]) -> bytes:
        calls.append(1)
        if len(calls) == 3:
            raise OSError("the network is down")
        return original(entry)

    monkeypatch.setattr(lock, "RENEWED_SECONDS", 0.05)
    monkeypatch.setattr(lock, "_renewed", renewed)
    with only_writer(folder):
        deadline = time.monotonic() + 20
        while len(calls) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
    assert len(calls) >= 5


def test_a_run_whose_lease_another_has_taken_ends_and_leaves_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = in_memory("taken")
    monkeypatch.setattr(lock, "RENEWED_SECONDS", 0.05)
    theirs = json.dumps({"token": "theirs", "pid": 7, "host": "elsewhere", "since": "2026"}).encode()

    def run() -> None:
        with only_writer(folder):
            (folder / NAME).write_bytes(theirs)
            time.sleep(20)

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert time.monotonic() - start < 15
    assert "is being written by process 7 on elsewhere" in capsys.readouterr().err
    assert (folder / NAME).read_bytes() == theirs
