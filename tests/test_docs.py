"""What the documents say is what the code has."""

from pathlib import Path

from binarygan.metrics.names import OF_IMAGES, OF_PREACTIVATED

DOCS = Path(__file__).parents[1] / "docs"


def test_every_metric_is_described_as_in_the_code() -> None:
    text = (DOCS / "metrics.md").read_text()
    for metric in (*OF_IMAGES, *OF_PREACTIVATED):
        assert f"| `{metric.name}` | {metric.label} | {metric.meaning} | {metric.better} |" in text
