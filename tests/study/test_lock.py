"""One writer a study, and who it is."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from upath import UPath

from binarygan.errors import UserError
from study.lock import NAME, STALE_SECONDS, only_writer

HOLD = """
import time
from pathlib import Path
from study.lock import only_writer
with only_writer(Path({!r})):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_who_holds_it_and_a_dead_holder_does_not_block(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD.format(str(tmp_path))], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(UserError, match=rf"being written by process {holder.pid} on .* since 20"),
        only_writer(tmp_path),
    ):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with only_writer(tmp_path):
        pass


def test_a_name_in_the_lock_that_is_none_of_ours_is_not_shown(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD.format(str(tmp_path))], stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    holder.stdout.readline()
    (tmp_path / NAME).write_text('{"pid": "\\u001b[31m"}')
    with pytest.raises(UserError, match="by another run"), only_writer(tmp_path):
        pass
    holder.kill()
    holder.wait()


def test_a_lease_in_an_object_store() -> None:
    folder = UPath("memory://lease/s")
    with only_writer(folder):
        entry = json.loads((folder / NAME).read_bytes())
        assert entry["pid"] == os.getpid()
        with pytest.raises(UserError, match=f"process {os.getpid()}"), only_writer(folder):
            pass
    assert not (folder / NAME).exists()


@pytest.mark.parametrize(
    ("change", "free"),
    [
        ({}, False),
        ({"renewed": time.time() - STALE_SECONDS - 5}, True),
        ({"host": "elsewhere"}, False),
        ({"host": "elsewhere", "renewed": time.time() - STALE_SECONDS - 5}, True),
        ({"pid": 2**22 + 1}, True),
        ({"renewed": "never"}, True),
    ],
    ids=["alive", "silent", "another host's", "another host's, silent", "its process is gone", "damaged"],
)
def test_when_a_lease_is_stale(change: dict[str, object], free: bool) -> None:
    folder = UPath("memory://stale/s")
    folder.mkdir(parents=True, exist_ok=True)
    import socket

    entry = {"host": socket.gethostname(), "pid": os.getpid(), "renewed": time.time(), "since": "2026"}
    (folder / NAME).write_bytes(json.dumps(entry | change).encode())
    try:
        with only_writer(folder):
            assert free
    except UserError:
        assert not free
    finally:
        (folder / NAME).unlink(missing_ok=True)
