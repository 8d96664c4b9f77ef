"""Plugins from files, from installed modules, and from elsewhere."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import plugins_forgotten

from binarygan.errors import UserError
from binarygan.model.norms import NORMS
from binarygan.plugins import load_plugins, plugins_of
from binarygan.registry import source_digest

NORM = """
from dataclasses import dataclass
from binarygan.model.norms import NORMS, Norm

@NORMS.named("{name}")
@dataclass(frozen=True, kw_only=True)
class Own(Norm):
    label = "own"
"""


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    with plugins_forgotten():
        yield


def test_a_file_is_loaded_where_no_copy_of_it_is(tmp_path: Path) -> None:
    """Its text goes with it, so that its parts have the same digest there."""
    path = tmp_path / "mine.py"
    path.write_text(NORM.format(name="own-a"))
    carried = plugins_of([str(path)])
    load_plugins(carried)
    here = source_digest(NORMS["own-a"])
    with plugins_forgotten():
        del sys.modules["plugin_mine"], NORMS._parts["own-a"]
        path.unlink()
        load_plugins(carried)
        assert source_digest(NORMS["own-a"]) == here


def test_a_file_that_was_changed_is_loaded_as_it_was(tmp_path: Path) -> None:
    """A worker that starts later has what the command had, not what its user has begun to write since."""
    path = tmp_path / "mine.py"
    path.write_text(NORM.format(name="own-a"))
    carried = plugins_of([str(path)])
    path.write_text("an unfinished sentence")
    load_plugins(carried)
    assert "own-a" in NORMS


def test_installed_modules_and_entry_points_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("by_module", "by_entry"):
        (tmp_path / f"own_{name}.py").write_text(NORM.format(name=name))
    info = tmp_path / "own_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[binarygan.parts]\nshort = own_by_entry\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not {"by_module", "by_entry"} & set(NORMS)
    load_plugins(["own_by_module"])
    assert {"by_module", "by_entry"} & set(NORMS) == {"by_module"}, "an entry point that nobody named was loaded"
    load_plugins(["short"])
    assert "by_entry" in NORMS
    with pytest.raises(
        UserError, match=r"--plugin shrt: no file .* no entry point of binarygan\.parts: did you mean 'sho"
    ):
        load_plugins(["shrt"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "mine.py: there is no such Python file"),
        ("import no_such_module_anywhere", "mine.py: ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("raise SystemExit(3)", "mine.py: SystemExit: 3"),
        ("x = (", "mine.py: SyntaxError: "),
    ],
)
def test_what_cannot_be_loaded_is_one_line_and_leaves_nothing(text: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as refused:
        load_plugins([path])
    assert words in str(refused.value)
    assert "plugin_mine" not in sys.modules


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text("")
    load_plugins([tmp_path / "a" / "mine.py"])
    load_plugins([tmp_path / "a" / "mine.py"])
    with pytest.raises(UserError, match="has the same name: rename one of them"):
        load_plugins([tmp_path / "b" / "mine.py"])
