"""The directions of imports, and what each package must not pull in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("binarygan", "study", "analysis")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", [p for k in PACKAGES for p in (ROOT / k).rglob("*.py")], ids=str)
def test_nothing_imports_against_the_arrows(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    forbidden = {
        "binarygan": {"study", "analysis", "ray", "pandas"},
        "study": {"analysis"} | (set() if path.parent.name == "launch" else {"ray"}),
        "analysis": {"torch", "ray", "torchvision"},
    }[path.relative_to(ROOT).parts[0]]
    assert not roots & forbidden


ROOMS = ("design", "store", "search", "cost", "trials", "launch", "commands")
"""Of study/: each may import what stands before it."""


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_of_a_study_import_in_one_direction(room: str) -> None:
    found = set().union(*(imported(path) for path in (ROOT / "study" / room).glob("*.py")))
    rooms = {name.split(".")[1] for name in found if name.startswith("study.")} - {"options", "publish"}
    assert rooms <= set(ROOMS[: ROOMS.index(room) + 1])


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("analysis.__main__", ("torch", "ray")),
        ("study.run", ("torch", "ray", "optuna")),
        ("study.commands.grid", ("torch", "ray", "optuna")),
    ],
)
def test_heavy_packages_stay_out(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {absent!r} if m in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert outcome.stdout.strip() == "[]"
