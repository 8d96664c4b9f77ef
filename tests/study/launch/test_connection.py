"""What is set and said before Ray is imported: a public address of a cluster is warned of."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from study.launch import connection
from study.launch.connection import before_ray, connected, exposure
from study.launch.devices import _quotas, usable_cpus

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("address", ["8.8.8.8:6379", "ray://8.8.8.8:10001", "8.8.8.8", "[2001:4860:4860::8888]:6379"])
def test_a_public_address_is_warned_of_in_one_line(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    said = exposure(address)
    assert said is not None
    assert "is public" in said
    assert "RAY_AUTH_MODE=token" in said
    assert "\n" not in said
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert "RAY_AUTH_MODE" not in str(exposure(address))


@pytest.mark.parametrize(
    "address", ["127.0.0.1:6379", "localhost:6379", "10.1.2.3:6379", "ray://192.168.0.7:10001", "[::1]:6379", "auto"]
)
def test_a_private_address_is_not(address: str) -> None:
    assert exposure(address) is None


def test_the_command_says_it_before_ray_starts(capsys: pytest.CaptureFixture[str]) -> None:
    before_ray("8.8.8.8:6379")
    assert capsys.readouterr().err.startswith("warning: --address 8.8.8.8 is public")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Ray is started with, instead of Ray; it has a node."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr("ray.init", lambda **given: seen.append(given | {"folder": Path.cwd()}))
    monkeypatch.setattr("ray.nodes", lambda: [{"Alive": True, "Resources": {}}])
    monkeypatch.setattr(connection, "_wait_for_a_worker", lambda: None)
    return seen


def test_workers_have_the_commands_code_and_the_cpus_that_it_may_use(
    started: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They import first from the folder in which Ray starts: a file study.py in the user's is none of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    with connected(None, {}):
        assert Path.cwd() == tmp_path
    assert (started[0]["folder"], started[0]["num_cpus"]) == (ROOT, 1)


def test_a_long_temporary_folder_is_not_rays(started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("/tmp", "/tmp/" + "x" * 80):
        monkeypatch.setenv("RAY_TMPDIR", folder)
        with connected(None, {}):
            pass
    short, own = (given["_temp_dir"] for given in started)
    assert short is None
    assert own.startswith("/tmp/ray-")
    assert not Path(own).exists()


def test_a_start_that_never_ends_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda status: ended.set() if status == 2 else None)
    with connection._in_time(0.01):
        assert ended.wait(10)
    assert capsys.readouterr().err.startswith("error: Ray does not start: it is not ready after 0 s")


STANDSTILL = """
import sys, threading, time
import psutil
from binarygan.errors import UserError
from study.launch import connection

def stop(name):
    while not (found := [p for p in psutil.Process().children() if p.name() == name]):
        time.sleep(0.01)
    found[0].suspend()

service, when = sys.argv[1:]
connection.ASKED_SECONDS = 1
connection.START_SECONDS = {"start": 15, "first worker": 40, "later": 180}[when]
connection.before_ray(None)
if when == "start":
    threading.Thread(target=stop, args=(service,), daemon=True).start()
if when == "first worker":
    connection._check_resources = lambda _: stop(service)
try:
    with connection.connected(None, {"cpu": 1.0}):
        connection.START_SECONDS = 5
        stop(service)
        time.sleep(60)
except UserError as error:  # Ray noticed it first
    sys.exit(f"error: {error}" if when == "start" else 3)
"""


@pytest.mark.alone
@pytest.mark.parametrize(
    ("service", "when"),
    [
        ("gcs_server", "start"),
        pytest.param("raylet", "first worker", marks=pytest.mark.long),
        ("gcs_server", "later"),
    ],
)
def test_a_service_that_stands_still_ends_the_command_in_one_line(service: str, when: str) -> None:
    """Stopped for good, it keeps its sockets open: to Ray, which waits, this is no error."""
    words = [sys.executable, "-c", STANDSTILL, service, when]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    children: list[psutil.Process] = []
    try:
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                children = psutil.Process(process.pid).children(recursive=True) or children
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
        assert process.stderr is not None
        lines = process.stderr.read().splitlines()
    finally:
        for left in children:
            with suppress(psutil.NoSuchProcess):
                left.kill()
    assert process.returncode in {"start": (1, 2), "first worker": (2,), "later": (1,)}[when], lines
    verb = "answer" if when == "later" else "start"
    assert lines[-1].startswith(f"error: Ray does not {verb}: "), lines


def test_quotas_of_control_groups(tmp_path: Path) -> None:
    """A quota of the group, or of one that it is in; version 2, and version 1."""
    own = tmp_path / "proc"
    own.write_text("0::/jobs/mine\n3:cpuset:/\n1:cpu,cpuacct:/j\n")
    new, old = tmp_path / "jobs" / "mine", tmp_path / "cpu,cpuacct" / "j"
    for folder in (new, old):
        folder.mkdir(parents=True)
    (new / "cpu.max").write_text("max 100000\n")
    (new.parent / "cpu.max").write_text("250000 100000\n")
    (old / "cpu.cfs_quota_us").write_text("-1\n")
    (old / "cpu.cfs_period_us").write_text("100000\n")
    assert list(_quotas(own, tmp_path)) == [2.5]
    (old / "cpu.cfs_quota_us").write_text("100000\n")
    assert list(_quotas(own, tmp_path)) == [2.5, 1.0]
    assert usable_cpus() >= 1


def test_what_tune_would_refuse_of_the_environment_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AIR_LOCAL_CACHE_DIR", "/tmp")
    before_ray(None)
    assert "RAY_AIR_LOCAL_CACHE_DIR" not in os.environ
