"""The commit of a result is of this project, or there is none and a reason."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from study.store import provenance
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


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            "printf \"fatal: detected dubious ownership in repository at '/x'\nTo add an exception\" >&2; exit 128",
            "fatal: detected dubious ownership in repository at '/x'",
        ),
        ("exit 3", "git ended with status 3"),
        ("kill $$", "git ended with status -15"),
    ],
    ids=["of another owner", "no word", "killed"],
)
def test_where_git_does_not_tell_the_reason_stands_in_the_row(
    answer: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for git, which says what git says of a checkout that belongs to somebody else."""
    (tmp_path / "git").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for asked in (provenance._commit, provenance.versions):
        asked.cache_clear()
    assert provenance.git_commit() is None
    assert json.loads(provenance.versions())["git commit"] == f"unknown: {reason}"
    for asked in (provenance._commit, provenance.versions):
        asked.cache_clear()


def test_a_repository_without_a_commit_has_none_and_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init")
    _commit.cache_clear()
    commit, reason = _commit(tmp_path)
    assert commit == ""
    assert reason.startswith("fatal: ")


def test_any_changed_source_is_other_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker and command compare this digest; it is of every file that takes part in training, and of no other."""
    monkeypatch.setattr(provenance, "SOURCES", tmp_path)
    for name in ("binarygan/a.py", "study/deep/b.py", "analysis/c.py", "study/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")

    def digest() -> str:
        provenance.sources_digest.cache_clear()
        return provenance.sources_digest()

    before = digest()
    for name, counts in (("binarygan/a.py", True), ("study/deep/b.py", True), ("analysis/c.py", False)):
        (tmp_path / name).write_text("x = 2\n")
        assert (digest() != before) == counts, name
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "binarygan/a.py").rename(tmp_path / "binarygan/d.py")
    assert digest() != before
    provenance.sources_digest.cache_clear()
