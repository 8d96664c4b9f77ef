"""Where a result comes from: the versions of packages, the commit of the sources and their digest."""

import hashlib
import json
import os
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
SOURCES = Path(__file__).resolve().parents[2]
"""The project's folder."""


@lru_cache(maxsize=1)
def versions() -> str:
    """Versions of Python and of the packages that matter, and the digest of the sources, as a JSON object.

    Where there is no commit it says why, too.
    """
    found = {"python": platform.python_version(), "sources": sources_digest()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if reason := _commit(SOURCES)[1]:
        found["git commit"] = f"unknown: {reason}"
    return json.dumps(found)


def git_commit() -> str | None:
    """The commit of the sources, `-dirty` where they differ from it; None where that cannot be told."""
    return _commit(SOURCES)[0] or None


@lru_cache(maxsize=1)
def sources_digest() -> str:
    """Of all sources that take part in training: two processes with the same one run the same code."""
    digest = hashlib.sha256()
    for path in sorted(p for package in ("binarygan", "study") for p in (SOURCES / package).rglob("*.py")):
        digest.update(f"{path.relative_to(SOURCES).as_posix()} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def _commit(folder: Path) -> tuple[str, str]:
    """The commit of the repository that begins in this folder, and, where there is none, why."""
    asking = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}  # GIT_DIR names another repository
    asking["LC_ALL"] = "C"

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        outcome = subprocess.run(command, capture_output=True, check=True, timeout=10, env=asking)
        return os.fsdecode(outcome.stdout).rstrip("\n")

    try:
        top = git("rev-parse", "--show-toplevel")
        if Path(top).resolve() != folder.resolve():
            return "", f"the sources lie in another repository, {top}"
        return git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"), ""
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        return "", said[0] if said else f"git ended with status {error.returncode}"
    except (OSError, subprocess.SubprocessError) as error:
        return "", f"git cannot be asked: {error}"
