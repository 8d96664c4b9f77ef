"""The directions of imports between packages and rooms, and what each package must not pull in."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("binarygan", "study", "analysis")
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
"""Module -> its file."""


def imported(path: Path, *, at_import: bool = False) -> set[str]:
    """The modules that a file imports; those alone that it imports when it is imported itself, where asked."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if at_import and (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        ):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = names & set(FILES)
            found.update(submodules)
            if len(submodules) < len(names):
                found.add(node.module)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """A circle in the graph, its first node twice; empty where there is none."""
    done: set[str] = set()

    def walk(node: str, trail: tuple[str, ...]) -> list[str]:
        if node in trail:
            return [*trail[trail.index(node) :], node]
        if node in done:
            return []
        for after in sorted(graph.get(node, ())):
            if found := walk(after, (*trail, node)):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := walk(node, ()))), [])


def room(module: str) -> str:
    """The folder of a module; empty for a file at the top of its package."""
    parts = FILES[module].relative_to(ROOT).parts
    return "/".join(parts[:-1]) if len(parts) > 2 else ""


@pytest.mark.parametrize("path", FILES.values(), ids=str)
def test_nothing_imports_against_the_arrows(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    forbidden = {
        "binarygan": {"study", "analysis", "ray", "pandas"},
        "study": {"analysis"} | (set() if path.parent.name == "launch" else {"ray"}),
        "analysis": {"torch", "ray", "torchvision"},
    }[path.relative_to(ROOT).parts[0]]
    assert not roots & forbidden


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: imported(path, at_import=True) & set(FILES) - {module} for module, path in FILES.items()}
    assert circle(graph) == []


def test_no_rooms_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for module, path in FILES.items():
        if path.name != "__init__.py" and (own := room(module)):
            graph[own] |= {room(other) for other in imported(path, at_import=True) & set(FILES)} - {own, ""}
    assert circle(graph) == []


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c", "b"]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("analysis.__main__", ("torch", "ray")),
        ("binarygan.paper", ("torch", "numba")),
        ("study.run", ("torch", "ray", "optuna")),
        ("study.commands.grid", ("torch", "ray", "optuna")),
        ("binarygan.metrics.names", ("torch", "scipy", "torchmetrics")),
    ],
)
def test_heavy_packages_stay_out(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {absent!r} if m in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert outcome.stdout.strip() == "[]"


def test_a_worker_compiles_no_kernels_that_it_does_not_train_with() -> None:
    """Those of bfloat16 take 13 s of a core, in each worker."""
    code = (
        "import sys, torch; from binarygan.paper import paper_config\n"
        "from binarygan.training.engines import Case, choose\n"
        "config = paper_config(fidelity='as-released', objective='wgan-gp', data_digest='x', train_images=64)\n"
        "print(choose(Case.of(config, torch.device('cpu'), torch.float32)).name, 'numba' in sys.modules)"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert outcome.stdout.split() == ["analytic", "False"]


def test_rooms_are_small() -> None:
    """No folder of more than 14 files."""
    folders = {path.parent for path in FILES.values()}
    crowded = {str(f): n for f in folders if (n := len([p for p in f.glob("*.py") if p.name != "__init__.py"])) > 14}
    assert crowded == {}
