"""What holds for every file of study/cluster/: its commands exist, its placeholders and versions are known."""

import re
import shlex
import sys
from importlib.metadata import version

import pytest
from cluster_files import FILES, PLACEHOLDER, ROOT, filled, loaded, read

from study.options import parse


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
        options = parse(shlex.split(command))
        if options.clusters.address:
            assert options.device == "cuda", "the head has no GPU: the study would train on CPUs"
            assert options.clusters.cohort_size, "the head has no GPU to measure the best size on"


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
