"""Where a result comes from: the versions of packages and the commit of the sources."""

import json
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "binarygan-study",
    "torch",
    "torchvision",
    "ray",
    "optuna",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "safetensors",
)


@lru_cache(maxsize=1)
def versions() -> str:
    """Versions of Python and of the packages that matter, as a JSON object."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return json.dumps(found)


@lru_cache(maxsize=1)
def git_commit() -> str | None:
    """The commit of the sources, `-dirty` where they differ from it; None outside a repository."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
