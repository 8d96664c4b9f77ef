"""What is set and said before Ray is imported: a public address of a cluster is warned of."""

import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from binarygan.errors import UserError
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


def test_an_error_in_the_moment_that_the_time_is_up_is_not_said_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    ending, ended = threading.Event(), threading.Event()

    def end(_: int) -> None:
        ending.set()
        time.sleep(0.2)
        ended.set()

    monkeypatch.setattr(os, "_exit", end)
    with suppress(UserError), connection._in_time(0.01):
        assert ending.wait(10)
        raise UserError("in the same moment")
    assert ended.is_set()


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


@pytest.mark.parametrize("name", [*connection.REFUSED, *connection.OF_A_CLUSTER])
def test_what_ray_would_take_of_the_environment_is_gone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a cluster its owner decides more than of this machine."""
    for address in (None, "127.0.0.1:6379"):
        monkeypatch.setenv(name, "/tmp")
        before_ray(address)
        assert (name in os.environ) == (address is not None and name in connection.OF_A_CLUSTER)


def test_workers_get_no_copy_of_the_working_folder_under_uv_run() -> None:
    """As Ray itself reads it: to it the parent of the command is `uv run`."""
    code = (
        "import sys\n"
        "from study.launch.connection import before_ray\n"
        "before_ray(None)\n"
        "from ray._private import worker\n"
        "from ray._private.runtime_env import uv_runtime_env_hook as uv\n"
        "uv._get_uv_run_cmdline = lambda: ['uv', 'run', 'study/run.py']\n"
        "print(worker._maybe_modify_runtime_env({}, False))\n"
    )
    words = [sys.executable, "-c", code]
    given = {k: v for k, v in os.environ.items() if k != "RAY_ENABLE_UV_RUN_RUNTIME_ENV"}
    assert subprocess.run(words, cwd=ROOT, env=given, capture_output=True, text=True, check=True).stdout == "{}\n"


@pytest.mark.parametrize("path", [None, "/a/file"])
@pytest.mark.parametrize("own", [None, "mine"])
def test_ray_writes_no_token_into_a_home_that_may_be_read_only(
    own: str | None, path: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker run --user` has the home `/`. Whatever the user has set counts; no two commands have one token."""
    for name, value in (("RAY_AUTH_TOKEN", own), ("RAY_AUTH_TOKEN_PATH", path)):
        monkeypatch.setenv(name, value or "")
        if value is None:
            monkeypatch.delenv(name)
    before_ray(None)
    made = os.environ.get("RAY_AUTH_TOKEN")
    assert made == own if own or path else len(made or "") == 32
    assert os.environ.get("RAY_AUTH_TOKEN_PATH") == path


def test_a_cluster_of_another_address_is_not_ours(
    started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RAY_ADDRESS, which a shell on a cluster's node has, is not asked: --address is."""
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    with connected(None, {}):
        pass
    assert started[0]["address"] == "local"


def test_a_limit_of_the_address_space_is_told_where_ray_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `ulimit -v` its services die, or wait for ever."""
    assert "ulimit" not in connection._not_started("it is not ready")
    monkeypatch.setattr(connection, "getrlimit", lambda _: (8_000_000_000, 8_000_000_000))
    said = connection._not_started("it is not ready after 180 s")
    assert said.startswith(
        "Ray does not start: it is not ready after 180 s (ulimit -v limits its address space to 8.0 GB"
    )
    assert "--executor local" in said


@pytest.mark.parametrize(("limit", "words"), [(3e9, "3.0 GB: Ray cannot start"), (5e9, ""), (9e9, "")])
def test_a_small_address_space_is_told_before_ray_is_asked(
    limit: float, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(connection, "getrlimit", lambda _: (limit, limit))
    with pytest.raises(UserError, match=words) if words else nullcontext():
        connection.before_ray(None)
    warned = "warning: ulimit -v limits the address space to 5.0 GB: workers may die of it\n"
    assert capsys.readouterr().err == (warned if limit == 5e9 else "")


def test_rays_store_of_objects_does_not_grow_with_the_machine(started: list[dict[str, Any]]) -> None:
    """Under `ulimit -v` a third of a large machine's memory could not be mapped."""
    with connected(None, {}):
        pass
    assert started[0]["object_store_memory"] <= 1 << 30


def test_a_start_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: object) -> None:
        raise Exception("The current node timed out during startup.\nand more")  # as Ray does

    monkeypatch.setattr("ray.init", fails)
    with pytest.raises(UserError, match=r"^Ray does not start: The current node timed out during startup\.; run"):
        connected(None, {}).__enter__()


@pytest.mark.parametrize("found", [None, object()])
def test_a_client_whose_package_is_not_installed_is_named(found: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ray://` needs grpc, which Ray does not bring: it is not the cluster that does not answer."""
    monkeypatch.setattr(connection, "find_spec", lambda _: found)
    monkeypatch.setattr(connection.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1))
    said = "no Ray cluster answers" if found else r"--address ray://h:1 needs .*: pip install 'ray\[client\]'$"
    with pytest.raises(UserError, match=said):
        connected("ray://h:1", {}).__enter__()
