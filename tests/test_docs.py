"""What the documents say is what the code has."""

from pathlib import Path

from binarygan.metrics.names import OF_IMAGES, OF_PREACTIVATED

DOCS = Path(__file__).parents[1] / "docs"


def test_the_table_of_metrics_is_the_registry() -> None:
    rows = [line for line in (DOCS / "metrics.md").read_text().splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{m.name}` | {m.label} | {m.meaning} | {m.better} | {'yes' if m.light else ''} |"
        for m in (*OF_IMAGES, *OF_PREACTIVATED)
    ]
