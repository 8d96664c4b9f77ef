"""The rooms of `analysis` import in one direction, and none is crowded."""

import ast
from pathlib import Path

import pytest

import analysis

ROOT = Path(analysis.__file__).parent
LEVELS = (("labels",), ("results",), ("statistics",), ("claims", "search"), ("tables",), ("figures",), ("report",))
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms} | {"compare": len(LEVELS)}
MOST_FILES = 14


@pytest.mark.parametrize("room", LEVEL)
def test_a_room_imports_from_lower_rooms_alone(room: str) -> None:
    for path in [ROOT / "labels.py"] if room == "labels" else (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if names == ["analysis"]:
                names = [f"analysis.{alias.name}" for alias in node.names]  # type: ignore[attr-defined]
            for other in (name.split(".")[1] for name in names if name.startswith("analysis.")):
                assert other in (room, "experiments", "own_study") or LEVEL[other] < LEVEL[room], (path, other)


def test_no_room_is_crowded() -> None:
    for folder in {path.parent for path in ROOT.rglob("*.py")}:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder
