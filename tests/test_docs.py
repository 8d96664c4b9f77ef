"""What the documents say is what the code has."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


@pytest.mark.parametrize(
    "document", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")], ids=lambda p: p.name
)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    folders = "|".join(("binarygan", "study", "analysis", "tests", "benchmarks", "tools", "published", "docs"))
    named = set(re.findall(rf"\b(?:{folders})/[\w/.-]*\.(?:py|md|sh|parquet)\b", document.read_text()))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
