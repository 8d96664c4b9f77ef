"""What the documents say is what the code has."""

import re
from pathlib import Path

import pytest

from binarygan.metrics.names import OF_GATES, OF_IMAGES, OF_PREACTIVATED

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def test_the_table_of_metrics_is_the_registry() -> None:
    rows = [line for line in (DOCS / "metrics.md").read_text().splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{m.name}` | {m.label} | {m.meaning} | {m.better} | {'yes' if m.light else ''} |"
        for m in (*OF_IMAGES, *OF_PREACTIVATED, *OF_GATES)
    ]


@pytest.mark.parametrize(
    "document", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")], ids=lambda p: p.name
)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    folders = "|".join(("binarygan", "study", "analysis", "tests", "benchmarks", "tools", "published", "docs"))
    named = set(re.findall(rf"\b(?:{folders})/[\w/.-]*\.(?:py|md|sh|parquet)\b", document.read_text()))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
