"""Places by their texts."""

from pathlib import Path

import pytest
from upath import UPath

from binarygan.errors import UserError
from binarygan.io.files import path_of, reached


def test_what_is_on_this_machine_is_a_path(tmp_path: Path) -> None:
    for text in (str(tmp_path), f"file://{tmp_path}", f"local://{tmp_path}"):
        assert path_of(text) == tmp_path
        assert isinstance(path_of(text), Path)
    assert isinstance(path_of("memory://x/y"), UPath)


def test_an_unknown_file_system_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^nosuch://x/y is on no file system that is known here: [^\n]*$"):
        path_of("nosuch://x/y")


def test_an_object_store_that_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    place = path_of("memory://x/y")
    assert reached(place) is place

    def refuse(*_: object, **__: object) -> bool:
        raise RuntimeError("no credentials\nat all")

    monkeypatch.setattr(type(place), "exists", refuse)
    with pytest.raises(UserError, match=r"memory://x/y cannot be read: RuntimeError: no credentials$"):
        reached(place)
