"""One table in Markdown, LaTeX and CSV."""

import csv
import io
from pathlib import Path

import pytest

from analysis.labels import number
from analysis.statistics.summaries import summarize
from analysis.tables import formats
from analysis.tables.entries import Column, Entry, Table, interval, measure, probability, seeds, spread, word

NASTY = "50% of a_b & c | d \\ <script>alert(1)</script> {x} ~^ \n second line"
TABLE = Table(
    "nasty",
    "A & B",
    (Column("name", "the name", numeric=False), Column("fid", "FID∞", "its meaning")),
    ((word(NASTY), interval(10.0, 9.0, 11.5)), (word(None), measure(float("nan")))),
    ("A note of 5%",),
)


def test_markdown_keeps_its_columns() -> None:
    text = formats.markdown(TABLE)
    lines = text.splitlines()
    assert lines[:4] == ["## A & B", "", "| the name | FID∞ |", "|---|---:|"]
    assert lines[4].replace("\\|", "").count("|") == 3
    assert "<script>" not in text
    assert lines[4].endswith("| 10.0 [9.0, 11.5] |")
    assert lines[5] == "| – | – |"
    assert "FID∞: its meaning" in text


def test_markdown_fetches_nothing_and_csv_has_no_formula() -> None:
    row = word("[a](http://b)"), measure(1.0)
    text = formats.markdown(Table("t", "![x](http://a/b.png)", TABLE.columns, (row,)))
    assert "](" not in text
    assert "![" not in text
    row = word("=1+1"), measure(-1.0)
    [_, read] = csv.reader(io.StringIO(formats.comma_separated(Table("t", "T", TABLE.columns, (row,)))))
    assert read[:2] == ["'=1+1", "-1.0"]


def test_latex_escapes_what_it_must() -> None:
    text = formats.latex(TABLE)
    for word_ in (r"\toprule", r"\midrule", r"\bottomrule", r"\caption{A \& B. A note of 5\%.}", r"FID$\infty$"):
        assert word_ in text
    [row] = [line for line in text.splitlines() if line.startswith("50")]
    assert row == (
        r"50\% of a\_b \& c \textbar{} d \textbackslash{} \textless{}script\textgreater{}alert(1)"
        r"\textless{}/script\textgreater{} \{x\} \textasciitilde{}\textasciicircum{} second line"
        r" & 10.0 [9.0, 11.5] \\"
    )
    table = Table("t", "χ² → é", TABLE.columns, ((word("😀 ∞ Δ"), measure(1.0)),))
    assert r"\caption{$\chi$$^2$ $\rightarrow$ é." in formats.latex(table)
    assert r"? $\infty$ ? & 1 \\" in formats.latex(table), "of letters that it does not know"


def test_csv_is_read_back_whole() -> None:
    head, first, second = csv.reader(io.StringIO(formats.comma_separated(TABLE)))
    assert head == ["name", "fid", "fid_low", "fid_high"]
    assert first == [NASTY, "10.0", "9.0", "11.5"]
    assert second == ["", "", "", ""]


def test_files_of_an_earlier_report_go_and_others_stay(tmp_path: Path) -> None:
    other = Table("old", "Old", TABLE.columns, TABLE.rows)
    (tmp_path / "mine.csv").write_text("kept")
    formats.write([TABLE, other], tmp_path, ("nasty", "old"))
    assert len(list(tmp_path.iterdir())) == 7
    formats.write([TABLE], tmp_path, ("nasty", "old"))
    assert {p.name for p in tmp_path.iterdir()} == {"mine.csv", "nasty.md", "nasty.tex", "nasty.csv"}


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (interval(-0.0182, -7.786, 7.75), "-0.02 [-7.79, 7.75]"),
        (interval(5.0, float("nan"), float("nan")), "5"),
        (interval(0.0, 0.0, 0.0), "0 [0, 0]"),
        (probability(0.00001), "< 0.0001"),
        (probability(0.0312), "0.031"),
        (probability(float("nan")), "–"),
        (seeds({0: 1.5, 3: 2.25}), "1.500, 2.250"),
        (seeds({i: float(i) for i in range(20)}), "0 to 19 (20 seeds)"),
        (seeds({}), "–"),
        (spread(summarize([])), "–"),
        (measure(None), "–"),
    ],
)
def test_how_numbers_are_written(entry: Entry, text: str) -> None:
    assert entry.text == text


def test_all_seeds_are_in_csv_however_many() -> None:
    assert str(seeds({i: float(i) for i in range(20)}).parts[""]).count(";") == 19


@pytest.mark.parametrize("value", [0.1499, 10.5, 161.26, 5e-5, 1e12, -3.25])
def test_numbers_keep_four_digits(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, rel=5e-3)
