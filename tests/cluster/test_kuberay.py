"""kuberay-rayjob.yaml is what KubeRay and Kubernetes take, and leaves neither Ray nor a port open."""

from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from cluster_files import ANYWHERE, loaded, read


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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    authOptions:\n      mode: token\n", ""),
        ("mode: token", "mode: disabled"),
        ("name: PYTHONUSERBASE", "name: RAY_AUTH_MODE"),
        ("serviceType: ClusterIP", "serviceType: LoadBalancer"),
    ],
)
def test_a_file_that_leaves_ray_open_is_told(old: str, new: str) -> None:
    text = read("kuberay-rayjob.yaml")
    assert old in text
    with pytest.raises(AssertionError):
        closed_rayjob(text.replace(old, new))
