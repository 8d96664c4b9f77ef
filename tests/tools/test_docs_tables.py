"""The tables of the documents are made of what ships, and one that drifts is named."""

import shutil
from pathlib import Path

import pytest
from running import plugins_forgotten

from study.design.grids import GRIDS, Grid
from tools.docs_tables.__main__ import ROOT, documents, made, main, problems
from tools.docs_tables.measured import measured, names


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with copies of all documents."""
    (tmp_path / "docs").mkdir()
    for path in documents(ROOT):
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_documents_have_the_tables_of_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("document", "old", "new", "table"),
    [
        ("README.md", "| 10.5 ± 0.4 |", "| 10.4 ± 0.4 |", "scores"),
        ("docs/findings.md", "| 18.3, 16.5, 15.7 |", "| 18.3, 16.5, 15.8 |", "cnn-three-seeds"),
        ("docs/metrics.md", "| `kid` | KID |", "| `kid` | KIT |", "metrics"),
        ("docs/performance.md", "| 37.9 | 12.4 |", "| 37.9 | 12.3 |", "measured/engine"),
    ],
)
def test_a_changed_number_is_named_and_made_anew(
    copy: Path, capsys: pytest.CaptureFixture[str], document: str, old: str, new: str, table: str
) -> None:
    before = (copy / document).read_bytes()
    change(copy / document, old, new)
    changed = (copy / document).read_bytes()
    assert main(["--check"], copy) == 1
    assert f"{document}: the table {table} has drifted" in capsys.readouterr().out
    assert (copy / document).read_bytes() == changed  # --check writes nothing
    assert main([], copy) == 0
    assert (copy / document).read_bytes() == before
    assert problems(copy) == []


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "a table between no markers"),
        ("<!-- table: scors -->\n<!-- end of table -->\n", "table 'scors' is unknown: did you mean 'scores'?"),
        ("<!-- table: scores -->\n", "the table scores has no <!-- end of table -->"),
        ("<!-- end of table -->\n", "closes no table"),
        ("<!-- table: by hand -->\n<!-- end of table -->\n", "table 'by hand' is unknown"),
    ],
)
def test_a_table_that_nothing_makes_is_named(copy: Path, added: str, said: str) -> None:
    path = copy / "docs" / "search.md"
    path.write_text(path.read_text(encoding="utf-8") + "\n" + added, encoding="utf-8")
    found = [line for line in problems(copy) if line.startswith("docs/search.md")]
    assert len(found) == 1
    assert said in found[0]


def test_tables_in_code_and_words_by_hand_are_let_be(copy: Path) -> None:
    path = copy / "docs" / "search.md"
    table = "| a | b |\n|---|---|\n"
    added = f"\n```\n{table}```\n\n<!-- table: by hand: words -->\n{table}<!-- end of table -->\n"
    path.write_text(path.read_text(encoding="utf-8") + added, encoding="utf-8")
    before = path.read_bytes()
    assert problems(copy) == []
    assert main([], copy) == 0
    assert path.read_bytes() == before


def test_a_table_that_no_document_shows_is_named(copy: Path) -> None:
    change(copy / "docs" / "findings.md", "table: released-code -->", "table: by hand: words -->")
    assert problems(copy) == ["no document shows the table released-code"]


def test_what_a_plugin_of_this_process_registers_is_not_what_ships(copy: Path) -> None:
    with plugins_forgotten():
        GRIDS.register("mine", Grid("a grid of mine", lambda _: []))
        made.cache_clear()
        assert problems(copy) == []


@pytest.mark.parametrize("name", names())
def test_every_measured_file_is_shown_and_says_what_measured_it(name: str) -> None:
    measured(name)
    sources = [*documents(ROOT), *(ROOT / "tools" / "docs_tables").glob("*.py")]
    said = "".join(path.read_text(encoding="utf-8") for path in sources)
    assert f"measured/{name} -->" in said or f'"{name}"' in said
