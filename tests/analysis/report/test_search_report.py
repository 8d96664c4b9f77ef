"""The report of a search from folder to page, whatever stands in its files."""

import html
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_search import by_learning_rate, eventful, made_search, trials_in
from made_up import MNIST
from page_reader import Reader

from analysis.__main__ import main
from analysis.figures import in_order
from analysis.labels import number
from analysis.report.report import TABLES
from analysis.results.command import command
from analysis.results.load import Study
from binarygan.config import MemberConfig
from study.design.grids import GRIDS

SCRIPT = "<script>alert('boo')</script>"


def made(folder: Path, out: Path) -> tuple[str, str]:
    """The report's HTML and its text on one line."""
    assert main(["report", str(folder), "--out", str(out)]) == 0
    page = (out / "report.html").read_text()
    return page, " ".join(html.unescape(re.sub("<[^>]*>", " ", page)).split())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path, str, str]:
    """Two metrics; trials that were stopped and that diverged."""
    study = made_search(
        tmp_path_factory.mktemp("results") / "search-mlp", eventful, trials=60, metrics=("fid", "seconds"), samples=True
    )
    out = tmp_path_factory.mktemp("out")
    return (study, out, *made(study.folder, out))


def test_figures_tables_and_sections_are_those_of_a_search(whole: tuple[Study, Path, str, str]) -> None:
    _, out, page, _ = whole
    names = [f.name for f in in_order() if f.of_searches]
    assert {p.name for p in out.glob("*.p*")} == {f"{n}.{ending}" for n in names for ending in ("png", "pdf")}
    tables = {p.stem for p in (out / "tables").glob("*.csv")}
    assert tables >= {n for n in TABLES if n.startswith("search-")}
    assert not any(n.startswith(("experiment", "anova", "ranks", "differences")) for n in tables)
    reader = Reader(page)
    assert reader.sections[:3] == ["summary", "search", "search-parameters"]
    assert len(reader.all("img")) == len(names)
    assert len(page.encode()) < 10_000_000


def test_the_summary_counts_and_names_the_best(whole: tuple[Study, Path, str, str]) -> None:
    study, _, _, text = whole
    cells = study.members.groupby("cell_id")
    statuses = cells["status"].agg(lambda s: s.iloc[0]).value_counts()
    counts = f"{statuses['done']} complete, {statuses['stopped']} stopped early by asha, {statuses['diverged']} failed."
    assert f"60 trials drawn by tpe from the space mlp, 2 runs each, 3 epochs at most: {counts}" in text
    done = study.members[study.members["status"] == "done"]
    means = done.groupby("cell_id")["fid"].mean()
    rows = done[done["cell_id"] == means.idxmin()]
    place = study.members.groupby("cell_id")["started_at"].min().rank().astype(int)[means.idxmin()] - 1
    assert f"Lowest FID {number(means.min())} ± " in text
    assert f"trial {place}: " in text
    assert f"learning rate {rows['learning_rate'].iloc[0]:.4g}" in text
    assert f"Median FID {number(float(np.median(means)))} over {len(means)} complete trials" in text
    assert text.count("losses are not finite after epoch 1") >= statuses["diverged"]
    assert "runs were stopped early" in text


def test_the_command_is_the_one_that_made_it(whole: tuple[Study, Path, str, str]) -> None:
    *_, text = whole
    words = "python study/run.py --search mlp --trials 60 --metric fid seconds --sampler tpe --scheduler asha --seeds 2"
    assert text.count(f"Made by {words} --epochs 3") == 1


def test_the_command_has_every_option_that_is_not_usual(tmp_path: Path) -> None:
    said = {"scheduler": "none", "quick": True}
    study = made_search(tmp_path / "mine", by_learning_rate, trials=3, seeds=1, said=said)
    study = Study(study.folder, study.members.assign(fidelity="as-released", data="digits", data_digest="0", epochs=2))
    assert command(study) == (
        "python study/run.py --search mlp --trials 3 --metric fid --sampler tpe --quick --fidelity as-released "
        "--epochs 2 --data digits --study mine"
    )


def test_the_best_table_has_what_it_takes_to_train_again(whole: tuple[Study, Path, str, str]) -> None:
    study, out, _, text = whole
    trials = trials_in(study)
    best = pd.read_csv(out / "tables" / "search-best.csv", dtype=str)
    assert best["trial"].astype(int).tolist() == [t.number for t in trials.ranked[:20]]
    for trial, row in zip(trials.ranked, best.to_dict("records"), strict=False):
        members = study.members[study.members["cell_id"] == trial.cell_id].sort_values("seed")
        assert row["member_ids"].split() == members["member_id"].tolist()
        assert row["retrain"] == f"python study/run.py --retrain {members['member_id'].iloc[0]} --seeds 10"
        assert float(row["fid"]) == pytest.approx(members["fid"].mean())
        assert float(row["fid_sd"]) == pytest.approx(members["fid"].std())
        assert float(row["learning_rate"]) == members["learning_rate"].iloc[0]
        assert row["front"] == ("yes" if trial.number in trials.front else "no")
    assert best["retrain"][0] in text
    everything = pd.read_csv(out / "tables" / "search-trials.csv")
    assert everything["trial"].tolist() == list(range(60))
    assert everything["state"].value_counts().to_dict() == trials.counts


def test_scores_of_all_cells_begin_with_the_best_and_are_cut_on_the_page(whole: tuple[Study, Path, str, str]) -> None:
    study, out, page, text = whole
    trials = trials_in(study)
    cells = pd.read_csv(out / "tables" / "cells.csv")
    ours = cells[cells["source"] == "this study"]
    assert ours["trial"].astype(int).tolist() == [t.number for t in trials.best_first]
    assert len(cells) > len(ours)
    assert f"The first 20 of {len(cells)} rows; tables/cells.csv has all of them." in text
    assert page.count("<tr>") < 400
    assert "Counted apart, in no mean: " in text


def test_claims_about_the_paper_are_not_tested(whole: tuple[Study, Path, str, str]) -> None:
    *_, text = whole
    assert "The paper's claims 9 not tested" in text
    assert "None of them is tested" in text
    assert "not trained yet" not in text


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
    members.to_parquet(study.folder / "members" / "all.parquet")
    _, text = made(study.folder, tmp_path / "out")
    assert "GANs with DBNs or SBNs train end to end" in text
    assert "None of them is tested" not in text


@pytest.mark.parametrize("case", ["one trial", "all failed", "all stopped", "one seed"])
def test_searches_with_little_in_them_say_what_cannot_be_said(case: str, tmp_path: Path) -> None:
    def numbers(member: MemberConfig) -> dict[str, Any]:
        if case.startswith("all"):
            return {"status": case.split()[1], "error": "out of memory"}
        return by_learning_rate(member)

    counts = {"one trial": 1, "one seed": 12}
    study = made_search(tmp_path / "s", numbers, trials=counts.get(case, 4), seeds=1 if case == "one seed" else 2)
    _, text = made(study.folder, tmp_path / "out")
    assert "could not be made" not in text
    if case == "one trial":
        assert "1 trials drawn" not in text
        assert "1 trial drawn by tpe from the space mlp, 2 runs each, 3 epochs at most: 1 complete." in text
        assert "Importances for FID: 1 complete trial: too few to say which parameters matter" in text
    elif case == "one seed":
        assert "12 trials drawn by tpe from the space mlp, 1 run each" in text
    else:
        assert "No trial is complete, so there is no best one." in text
    if case == "all failed":
        assert text.count("2 of 2 runs failed: out of memory") == 4


def test_a_damaged_study_json_costs_one_line(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", eventful, trials=20, said={"metrics": [SCRIPT]})
    page, text = made(study.folder, tmp_path / "out")
    assert SCRIPT not in page
    assert f"study.json is damaged: metric {SCRIPT!r} is no column of runs" in text
    reader = Reader(page)
    assert reader.sections == ["summary", "search", "claims", "data", "scores-all", "environment", "time"]
    assert "could not be made" not in text


LONE_SURROGATE = '{"search": "\\ud800", "metrics": ["fid"], "directions": ["minimize"]}'


@pytest.mark.parametrize("content", ["{", "[" * 100_000, "[]", "null", LONE_SURROGATE])
def test_a_study_json_of_any_content_leaves_a_report(content: str, tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", by_learning_rate, trials=3)
    (study.folder / "study.json").write_text(content)
    _, text = made(study.folder, tmp_path / "out")
    assert "Runs 6 done" in text


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
    page, text = made(study.folder, tmp_path / "out")
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(&#39;boo&#39;)&lt;/script&gt;" in page
    assert "parameter \"<script>alert('boo')</script>\" cannot be read (no field of a configuration)" in text
    assert "--scheduler '$(rm -rf ~)'" in text
    assert "could not be made" not in text
    assert len(re.findall("<script", page)) == 1


def test_results_are_left_as_they_were(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", eventful, trials=12)
    before = {p: p.read_bytes() for p in study.folder.rglob("*") if p.is_file()}
    made(study.folder, tmp_path / "out")
    assert {p: p.read_bytes() for p in study.folder.rglob("*") if p.is_file()} == before


def test_figures_of_an_earlier_report_go(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", by_learning_rate, trials=12)
    out = tmp_path / "out"
    out.mkdir()
    (out / "figure-8.png").write_text("of an earlier report")
    (out / "search-pareto.png").write_text("of an earlier report")
    made(study.folder, out)
    assert not (out / "figure-8.png").exists()
    assert not (out / "search-pareto.png").exists()


@pytest.mark.long
def test_a_thousand_trials_are_reported_within_a_minute(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", eventful, trials=1000)
    start = time.process_time()
    page, text = made(study.folder, tmp_path / "out")
    assert time.process_time() - start < 60
    assert "1,000 trials drawn" in text
    assert len(page.encode()) < 4_000_000
    described = json.loads((study.folder / "study.json").read_text())
    assert described["trials"] == 1000
    shutil.rmtree(tmp_path / "out")
