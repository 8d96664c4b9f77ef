"""ray-cluster.yaml is what `ray up` takes, and leaves neither Ray nor a port open."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster_files import ANYWHERE, FILLED_IN, loaded, read


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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    - --env RAY_AUTH_MODE=token\n", ""),
        ("RAY_AUTH_MODE=token", "RAY_AUTH_MODE=disabled"),
        ("  /home/ray/.ray-binarygan: ~/.ray-binarygan\n", "  /x: ~/x\n"),
        ("ray start --head", "RAY_AUTH_MODE=disabled ray start --head"),
        ("      SecurityGroupIds: [<SECURITY-GROUP>]\n", "      SecurityGroupIds: []\n"),
        ("--dashboard-host=127.0.0.1", "--dashboard-host=0.0.0.0"),
    ],
)
def test_a_file_that_leaves_ray_open_is_told(old: str, new: str) -> None:
    text = read("ray-cluster.yaml")
    assert old in text
    with pytest.raises(AssertionError):
        closed_ray_up(text.replace(old, new))
