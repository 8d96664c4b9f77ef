"""Results on a real S3-compatible server on loopback (moto's)."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cohorts import assert_same
from ray_nodes import free_port
from running import ROOT, assert_refused, command, kill_all, started, wait_until

from binarygan.io.files import path_of
from study.store.store import Store

pytest.importorskip("moto")
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
OPTIONS = ["--grid", "paper-real-valued", "--seeds", "2", "--epochs", "3", "--study", "s"]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment with which its bucket `lab` is reached."""
    import boto3

    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    reached = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {k: os.environ.get(k) for k in reached}
    os.environ.update(reached)
    try:
        client = boto3.client("s3")

        def answers() -> bool:
            with suppress(Exception):
                client.create_bucket(Bucket="lab")
                return True
            return False

        wait_until(answers, seconds=60)
        yield os.environ | reached
    finally:
        server.terminate()
        server.wait()
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})


def test_a_study_in_a_bucket_survives_a_kill_and_equals_one_on_a_disk(
    s3: dict[str, str], batch: Path, tmp_path: Path
) -> None:
    options = [*OPTIONS, "--data", str(batch), "--results", "s3://lab/results"]
    process, store = started(*options, environment=s3), Store(path_of("s3://lab/results"), "s")
    wait_until(lambda: any(r["epochs_done"] for r in store.statuses().values()))
    assert_refused(command(*options, environment=s3), f"is being written by process {process.pid} on")
    kill_all(process)
    assert {r["status"] for r in store.statuses().values()} == {"running"}
    outcome = command(*options, environment=s3)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    whole = command(*OPTIONS, "--data", batch, "--results", tmp_path, "--executor", "local")
    assert whole.returncode == 0, whole.stderr
    assert_same(store, Store(tmp_path, "s"))
    left = [str(p) for p in store.folder.glob("**/*") if "epoch-" in p.name or p.name == ".lock" or "partial" in p.name]
    assert not left
    out = tmp_path / "report"
    words = [sys.executable, "-m", "analysis", "report", "s3://lab/results/s", "--out", str(out)]
    report = subprocess.run(words, cwd=ROOT, env=s3, capture_output=True, text=True)
    assert report.returncode == 0, report.stderr
    assert (out / "report.html").exists()


def test_a_reader_sees_a_whole_row_while_it_is_written(s3: dict[str, str]) -> None:
    """A reader that opens an object, and reads when another has taken its place, is refused by S3's client."""
    store = Store(path_of("s3://lab/busy"), "s")
    rows = [{"member_id": "m", "epoch": epoch, "slope": 1.0} for epoch in range(2)]
    store.write("curves", "m", rows[:1])
    ended = threading.Event()

    def write() -> None:
        writer, turn = Store(path_of("s3://lab/busy"), "s"), 0
        while not ended.is_set():
            turn += 1
            writer.write("curves", "m", rows[: 1 + turn % 2])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        lengths = {len(store.read("curves", "m")) for _ in range(100)}
    finally:
        ended.set()
        thread.join()
    assert lengths == {1, 2}


def test_what_is_wrong_with_a_bucket_is_one_line(s3: dict[str, str], batch: Path) -> None:
    options = [*OPTIONS, "--data", str(batch)]
    nobody = {k: v for k, v in s3.items() if not k.startswith(("AWS_ACCESS", "AWS_SECRET"))}
    nobody |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
    cases = {
        "credentials": (nobody, "s3://lab/results"),
        "cannot be written": (s3, "s3://no-such-bucket/results"),
    }
    for words, (environment, place) in cases.items():
        assert_refused(command(*options, "--results", place, environment=environment), words)
