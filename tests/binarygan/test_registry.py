"""Registries: names that are taken, and what identifies a part from outside."""

import hashlib
from pathlib import Path

import pytest
from members import Clipped

from binarygan.errors import UserError
from binarygan.model.objectives import OBJECTIVES, Gan
from binarygan.registry import Registry, is_built_in, source_digest


def test_a_name_is_of_one_part() -> None:
    made: Registry[type] = Registry("thing")
    made.register("clipped", Clipped)
    again = type("Clipped", (Gan,), {"__module__": Clipped.__module__, "__qualname__": Clipped.__qualname__})
    made.register("clipped", again)  # its file was imported twice
    assert made["clipped"] is again
    with pytest.raises(UserError, match="thing 'clipped' is registered twice: choose another name"):
        made.register("clipped", Gan)
    with pytest.raises(UserError, match="thing 'cliped' is unknown: did you mean 'clipped'"):
        made["cliped"]
    with pytest.raises(UserError, match="is no registered objective"):
        OBJECTIVES.name_of(Clipped)
    assert OBJECTIVES.name_of(Gan) == "gan"
    assert (list(made), len(made), "clipped" in made, None in made) == (["clipped"], 1, True, False)


def test_a_part_from_outside_is_known_by_its_file() -> None:
    assert (is_built_in(Gan), is_built_in(Gan()), is_built_in(Clipped)) == (True, True, False)
    own = hashlib.sha256((Path(__file__).parent / "members.py").read_bytes()).hexdigest()[:16]
    assert source_digest(Clipped) == source_digest(Clipped()) == own
    nowhere: dict[str, type] = {}
    exec("class Typed: pass", {"__name__": "nowhere"}, nowhere)
    with pytest.raises(UserError, match="Typed is defined in no file"):
        source_digest(nowhere["Typed"])
