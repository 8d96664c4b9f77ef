"""The report of a search from folder to page, whatever stands in its files."""

import html
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_reports import Report, report_of
from made_search import by_learning_rate, eventful, made_search, trials_in
from made_study import SCRIPT
from made_up import MNIST

from analysis.claims.claims import judge
from analysis.figures import in_order
from analysis.labels import number
from analysis.report.report import TABLES
from analysis.report.sections import verdict_section
from analysis.results.study import Study
from analysis.tables.search_tables import best_table
from binarygan.config import MemberConfig
from study.design.grids import GRIDS


def test_figures_tables_and_sections_are_those_of_a_search(search_report: Report) -> None:
    names = [f.name for f in in_order() if f.of_searches]
    files = {p.name for p in search_report.out.glob("*.p*")}
    assert files == {f"{n}.{ending}" for n in names for ending in ("png", "pdf")}
    tables = {p.stem for p in (search_report.out / "tables").glob("*.csv")}
    assert tables >= {n for n in TABLES if n.startswith("search-")}
    assert not any(n.startswith(("experiment", "anova", "ranks", "differences")) for n in tables)
    assert search_report.page.sections[:3] == ["summary", "search", "search-parameters"]
    assert len(search_report.page.all("img")) == len(names)
    assert len(search_report.html.encode()) < 10_000_000


def test_the_summary_counts_and_names_the_best(search: Study, search_report: Report) -> None:
    text = search_report.text
    cells = search.members.groupby("cell_id")
    statuses = cells["status"].agg(lambda s: s.iloc[0]).value_counts()
    counts = f"{statuses['done']} complete, {statuses['stopped']} stopped early by asha, {statuses['diverged']} failed."
    assert f"60 trials drawn by tpe from the space mlp, 2 runs each, 3 epochs at most: {counts}" in text
    done = search.members[search.members["status"] == "done"]
    means = done.groupby("cell_id")["fid"].mean()
    rows = done[done["cell_id"] == means.idxmin()]
    place = cells["started_at"].min().rank().astype(int)[means.idxmin()] - 1
    assert f"Lowest FID {number(means.min())} ± " in text
    assert f"trial {place}: " in text
    assert f"learning rate {rows['learning_rate'].iloc[0]:.4g}" in text
    assert f"Median FID {number(float(np.median(means)))} over {len(means)} complete trials" in text
    assert text.count("losses are not finite after epoch 1") >= statuses["diverged"]
    assert "runs were stopped early" in text
    words = "python study/run.py --search mlp --trials 60 --metric fid seconds --sampler tpe --scheduler asha"
    assert text.count(f"Made by {words} --reference test --seeds 2 --epochs 3") == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"fixed": {"reference": "validation"}}, "--seeds 10 --reference test"),
        ({"fixed": {"reference": "validation"}, "data": "mine.npy"}, "--seeds 10 --data mine.npy"),  # has no test split
        ({"fixed": {"reference": "test"}}, "--seeds 10"),
        ({}, "--seeds 10"),
    ],
)
def test_what_held_out_images_chose_is_reported_on_the_test_split(
    said: dict[str, Any], words: str, tmp_path: Path
) -> None:
    trials = trials_in(made_search(tmp_path / "s", by_learning_rate, trials=2, said=said))
    [best, _] = trials.ranked
    first, _ = best_table(trials).rows
    assert first[-1].text == f"python study/run.py --retrain {best.member_ids[0]} {words}"


def test_the_best_table_has_what_it_takes_to_train_again(search: Study, search_report: Report) -> None:
    trials = trials_in(search)
    best = search_report.table("search-best", dtype=str)
    assert best["trial"].astype(int).tolist() == [t.number for t in trials.ranked[:20]]
    for trial, row in zip(trials.ranked, best.to_dict("records"), strict=False):
        members = search.members[search.members["cell_id"] == trial.cell_id].sort_values("seed")
        assert row["member_ids"].split() == members["member_id"].tolist()
        assert row["retrain"] == f"python study/run.py --retrain {members['member_id'].iloc[0]} --seeds 10"
        assert float(row["fid"]) == pytest.approx(members["fid"].mean())
        assert float(row["fid_sd"]) == pytest.approx(members["fid"].std())
        assert float(row["learning_rate"]) == members["learning_rate"].iloc[0]
        assert row["front"] == ("yes" if trial.number in trials.front else "no")
    assert best["retrain"][0] in search_report.text
    everything = search_report.table("search-trials")
    assert everything["trial"].tolist() == list(range(60))
    assert everything["state"].value_counts().to_dict() == trials.counts


def test_scores_of_all_cells_begin_with_the_best_and_are_cut_on_the_page(search: Study, search_report: Report) -> None:
    cells = search_report.table("cells")
    ours = cells[cells["source"] == "this study"]
    assert ours["trial"].astype(int).tolist() == [t.number for t in trials_in(search).best_first]
    assert len(cells) > len(ours)
    assert f"The first 20 of {len(cells)} rows; tables/cells.csv has all of them." in search_report.text
    assert search_report.html.count("<tr>") < 400
    assert "Counted apart, in no mean: " in search_report.text


def test_claims_about_the_paper_are_not_tested(search_report: Report) -> None:
    assert "The paper's claims 10 not tested" in search_report.text
    assert "None of them is tested" in search_report.text
    assert "not trained yet" not in search_report.text


def test_a_claim_that_the_search_happens_to_have_cells_for_is_judged(tmp_path: Path) -> None:
    """A search begun from the paper's own cells holds them."""
    study = made_search(tmp_path / "s", by_learning_rate, trials=4)
    paper = GRIDS["paper-neurons"].cells("as-described", data_digest=MNIST, train_images=60_000)
    own = study.members.iloc[:1]
    rows = [
        own.assign(**{**cell.to_dict(), "seed": s, "member_id": f"{i}{s}", "cell_id": str(i)})
        for i, cell in enumerate(paper)
        for s in range(3)
    ]
    members = pd.concat([study.members, *rows], ignore_index=True)
    contents = SimpleNamespace(study=Study(study.folder, members), keep=lambda *tables: tables)
    verdicts = judge(members)
    assert {v.verdict for v in verdicts} > {"not tested"}
    [(_, shown)] = verdict_section(contents, verdicts).verdicts  # type: ignore[arg-type]
    assert list(shown) == verdicts


LITTLE: dict[str, tuple[dict[str, Any], dict[str, Any], set[str], tuple[str, ...]]] = {
    "one trial": (
        {"trials": 1},
        {},
        {"history", "slices"},
        (
            "1 trial drawn by tpe from the space mlp, 2 runs each, 3 epochs at most: 1 complete.",
            "Importances for FID: 1 complete trial: too few to say which parameters matter",
        ),
    ),
    "one seed": (
        {"trials": 12, "seeds": 1},
        {},
        {"history", "importances", "slices", "parallel"},
        ("12 trials drawn by tpe from the space mlp, 1 run each",),
    ),
    "all failed": (
        {},
        {"status": "failed", "error": "out of $\\broken{$ memory"},
        {"history"},
        ("No trial is complete, so there is no best one.", *["2 of 2 runs failed: out of $\\broken{$ memory"] * 4),
    ),
    "all stopped": ({}, {"status": "stopped"}, {"history"}, ("No trial is complete, so there is no best one.",)),
    "no space": ({"said": {"space": []}}, {}, {"history"}, ("so nothing can be said of parameters",)),
    "damaged": (
        {"said": {"metrics": [SCRIPT]}},
        {},
        set(),
        (f"study.json is damaged: metric {SCRIPT!r} is no column of runs",),
    ),
}
"""The search, what its runs have, the figures that there are, and what is said."""


@pytest.mark.parametrize("case", LITTLE)
def test_searches_with_little_in_them_say_what_cannot_be_said(case: str, tmp_path: Path) -> None:
    how, has, figures, said = LITTLE[case]
    study = made_search(tmp_path / "s", lambda m: {**by_learning_rate(m), **has}, **({"trials": 4} | how))
    out = tmp_path / "out"
    out.mkdir()
    for old in ("figure-8.png", "search-pareto.png"):
        (out / old).write_text("of an earlier report")
    before = {p: p.read_bytes() for p in study.folder.rglob("*") if p.is_file()}
    made = report_of(study.folder, out)
    assert {p: p.read_bytes() for p in study.folder.rglob("*") if p.is_file()} == before
    assert {p.stem for p in out.glob("*.png")} == {"figure-1", *(f"search-{name}" for name in figures)}
    assert "could not be made" not in made.text
    assert "1 trials drawn" not in made.text
    for words in said:
        assert made.text.count(words) >= said.count(words)
    assert SCRIPT not in made.html
    if case == "damaged":
        ending = ["claims", "data", "scores-all", "environment", "time"]
        assert made.page.sections == ["summary", "search", *ending]


def test_a_study_json_with_half_a_letter_leaves_a_report(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", by_learning_rate, trials=3)
    (study.folder / "study.json").write_text('{"search": "\\ud800", "metrics": ["fid"], "directions": ["minimize"]}')
    assert "Runs 6 done" in report_of(study.folder, tmp_path / "out").text


def test_hostile_texts_are_texts(tmp_path: Path) -> None:
    def numbers(member: MemberConfig) -> dict[str, Any]:
        if member.seed:
            return {"status": "failed", "error": SCRIPT + "$\\frac{"}
        return by_learning_rate(member)

    choices = {"name": "CategoricalDistribution", "attributes": {"choices": ["deterministic", SCRIPT]}, "when": {}}
    said = {
        "search": SCRIPT,
        "sampler": SCRIPT,
        "scheduler": "$(rm -rf ~)",
        "seeds": "all",
        "space": {"neuron": choices, SCRIPT: choices},
    }
    study = made_search(tmp_path / "s", numbers, trials=12, said=said)
    made = report_of(study.folder, tmp_path / "out")
    assert SCRIPT not in made.html
    assert html.escape(SCRIPT).replace("&#x27;", "&#39;") in made.html
    assert f'parameter "{SCRIPT}" cannot be read (no field of a configuration, and no part\'s parameter)' in made.text
    assert "--scheduler '$(rm -rf ~)'" in made.text
    assert "could not be made" not in made.text
    assert len(made.page.all("script")) == 1


@pytest.mark.long
def test_a_thousand_trials_are_reported_within_a_minute(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", eventful, trials=1000)
    start = time.process_time()
    made = report_of(study.folder, tmp_path / "out")
    assert time.process_time() - start < 60
    assert "1,000 trials drawn" in made.text
    assert len(made.html.encode()) < 4_000_000
