"""The files of study/cluster/, and what their tests share."""

import re
from pathlib import Path
from typing import Any

import yaml

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
