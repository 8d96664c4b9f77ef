"""The commit of a result is of this project, or there is none and a reason."""

import os
import subprocess
from pathlib import Path

import pytest

from study.store.provenance import _commit


def git(folder: Path, *words: str) -> None:
    names = ("-c", "user.name=x", "-c", "user.email=x@x")
    own = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    subprocess.run(["git", *names, "-C", str(folder), *words], check=True, capture_output=True, env=own)


def test_only_the_commit_of_a_repository_of_its_own_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other, project = tmp_path / "other", tmp_path / "other" / "project"
    project.mkdir(parents=True)
    _commit.cache_clear()
    assert _commit(project) == ("", "fatal: not a git repository (or any of the parent directories): .git")
    for folder in (other, project):
        (folder / "file").write_text("x")
        git(folder, "init")
        git(folder, "add", "file")
        git(folder, "commit", "-m", "one")
    head = (project / ".git" / (project / ".git" / "HEAD").read_text().split()[1]).read_text().strip()
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    _commit.cache_clear()
    assert _commit(project) == (head, "")
    (project / "file").write_text("changed")
    _commit.cache_clear()
    assert _commit(project) == (f"{head}-dirty", "")
    (project / ".git").rename(tmp_path / "away")
    _commit.cache_clear()
    assert _commit(project) == ("", f"the sources lie in another repository, {other}")
    monkeypatch.setenv("PATH", "")
    _commit.cache_clear()
    assert _commit(project)[1].startswith("git cannot be asked: ")
