"""The report of a study of the user's own: its axes, its configurations side by side, its claims."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from made_own import own_study
from made_reports import Report, once, report_of
from made_study import paper_members, write_study

from analysis.claims.own import own_verdicts
from analysis.figures.axes import axes
from analysis.figures.registry import Drawn
from analysis.own_study import axes_of, names_apart
from analysis.report.contents import Contents
from analysis.report.sections import summary
from analysis.results.command import command
from analysis.results.load import load_study
from analysis.results.study import Study

CLAIM = """
[[claims]]
says = "{says}"
metric = "fid"
runs = {{ slope_rate = 1.2, estimator.temperature = 0.5, generator_output_norm = "none" }}
is = "{relation}"
by = {by}
"""
BOTH = ("fid", "fid_bernoulli")
PAIR = CLAIM + 'than = {{ slope_rate = 1.0, estimator.temperature = 0.5, generator_output_norm = "none" }}\n'
CLAIMS = {
    "faster is better": (PAIR, "lower", 1.1, "supported"),
    "faster is worse": (PAIR, "higher", 1.1, "not supported"),
    "the two are alike": (PAIR, "similar", 1.3, "not supported"),
    "it is below 16": (CLAIM, "below", 16, "supported"),
    "it is above 16": (CLAIM, "above", 16, "not supported"),
}
"""What is said -> how, and the verdict that the made-up numbers have: FID 10 against 20, with a scatter of 2%."""
VAGUE = """
[[claims]]
says = "all of them"
metric = "fid"
runs = { slope_rate = 1.2 }
is = "below"
by = 16
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    claims = "".join(text.format(says=says, relation=r, by=by) for says, (text, r, by, _) in CLAIMS.items())

    def make(home: Path) -> None:
        own_study(home / "own", claims=claims + VAGUE)
        report_of(home / "own", home / "out")

    home = once(tmp_path_factory, "own-report", make)
    return Report(home / "own", home / "out")


def test_the_axes_are_what_the_study_varies(tmp_path: Path) -> None:
    axes = {axis.name: axis for axis in axes_of(own_study(tmp_path / "own", samples=False))}
    assert set(axes) == {"slope_rate", "generator_output_norm", "estimator.temperature"}
    assert axes["estimator.temperature"].values == (0.5, 1.0, 2.0)
    assert {name: axis.lines for name, axis in axes.items()} == {
        "slope_rate": "estimator.temperature",
        "generator_output_norm": "slope_rate",
        "estimator.temperature": "slope_rate",
    }


def test_its_claims_are_judged_by_the_tests_of_the_papers(tmp_path: Path) -> None:
    """On other data and at any length; a claim that means several configurations is not tested, and says why."""
    claims = "".join(text.format(says=says, relation=r, by=by) for says, (text, r, by, _) in CLAIMS.items())
    study = own_study(tmp_path / "own", claims=claims + VAGUE, data="mine", samples=False)
    found = {v.statement: v for v in own_verdicts(study)}
    assert {says: found[says].verdict for says in CLAIMS} == {says: verdict for says, (*_, verdict) in CLAIMS.items()}
    assert "ratio 1.96" in found["faster is better"].numbers
    vague = found["all of them"]
    assert vague.verdict == "not tested"
    assert "6 configurations have these values: name norm on G's output, estimator temperature, too" in vague.numbers


def test_a_claim_of_a_number_that_no_run_has_here_leaves_the_others_judged(tmp_path: Path) -> None:
    """Of a metric whose plugin is not loaded."""
    text, relation, by, verdict = CLAIMS["it is below 16"]
    claims = text.format(says="known", relation=relation, by=by)
    study = own_study(tmp_path / "own", claims=claims + claims.replace("known", "other"), samples=False)
    file = study.folder / "study.toml"
    file.write_text(file.read_text()[::-1].replace('"fid"'[::-1], '"left_ink"'[::-1], 1)[::-1])
    known, other = own_verdicts(load_study(study.folder))
    assert (known.verdict, other.verdict) == (verdict, "not tested")
    assert other.lines == ("the runs have no number left_ink here: give the --plugin that defines it",)


def test_runs_that_diverged_are_worse_by_either_binarization(tmp_path: Path) -> None:
    text, relation, by, _ = CLAIMS["faster is better"]
    claims = "".join(text.format(says=m, relation=relation, by=by).replace('"fid"', f'"{m}"') for m in BOTH)
    study = own_study(tmp_path / "own", claims=claims, samples=False)
    members = study.members.assign(fid_bernoulli=study.members["fid"])
    slow = (members["slope_rate"] == 1.0) & (members["seed"] < 1)
    members.loc[slow, "status"] = "diverged"
    one, both = own_verdicts(Study(study.folder, members))
    assert (one.verdict, one.p) == (both.verdict, both.p)
    assert both.estimates[0].startswith("FID by Bernoulli")


def test_the_page_has_its_axes_and_claims_and_no_list_of_what_it_is_not(report: Report) -> None:
    page = report.page
    assert page.sections[:4] == ["summary", "own-claims", "axes", "claims"]
    assert not [s for s in page.sections if s in ("neurons", "appendix", "normalization")]
    assert "None of them is tested" in page.text
    assert "not trained yet" not in page.text
    assert (report.out / "axes.png").is_file()
    assert (report.out / "axes-samples.png").is_file()
    verdicts = report.table("own-claims")
    assert list(verdicts["verdict"]) == [*(v for *_, v in CLAIMS.values()), "not tested"]


def test_what_its_file_asks_for_and_is_not_begun_is_counted(tmp_path: Path) -> None:
    """Five of six seeds have no row yet; the command that repeats it names all of them."""
    folder = own_study(tmp_path / "own", samples=False).folder
    rows = pq.read_table(folder / "members").filter(pc.field("seed") == 0)
    shutil.rmtree(folder / "members")
    (folder / "members").mkdir()
    pq.write_table(rows, folder / "members" / "all.parquet")
    (folder / "study.toml").write_text(
        (folder / "study.toml").read_text().replace('shows = ""', 'shows = "How warm is best?"')
    )
    study = load_study(folder)
    facts = dict(summary(Contents(folder, tmp_path / "out"), []).facts)
    assert (facts["Shows"], facts["Runs"]) == ("How warm is best?", "12 done")
    assert facts["Not begun"] == "60 of the 72 runs that study.toml asks for"
    study.description.update(grid="paper-neurons")
    assert "--seeds 6" in command(study)
    (folder / "study.toml").write_text("name = [")
    damaged = load_study(folder)
    assert damaged.file is None
    assert "its claims are not judged" in damaged.problems[0]


def test_the_table_names_the_fields_that_differ_alone(report: Report) -> None:
    table = report.table("axes")
    assert list(table.columns[:3]) == ["slope_rate", "generator_output_norm", "estimator.temperature"]
    assert len(table) == 12
    assert set(table["done"]) == {6}
    assert "objective" not in table
    fast = table[table["slope_rate"] == 1.2]["fid"]
    assert fast.max() < table[table["slope_rate"] == 1.0]["fid"].min()


def test_variance_is_told_by_every_field(report: Report) -> None:
    terms = report.table("anova-fid").set_index("term")
    assert terms["share"].idxmax() == "slope rate"
    assert {"slope rate", "norm on G's output", "estimator temperature"} <= set(terms.index)


def test_a_value_whose_runs_diverged_somewhere_is_compared_where_they_did_not(tmp_path: Path) -> None:
    """Its worst configuration lost, a temperature would look better than it is."""
    whole = own_study(tmp_path / "own", samples=False)
    members = whole.members.copy()
    temperature = members["part_parameters"].map(lambda text: json.loads(text)["estimator.temperature"])
    norm, slope = members["generator_output_norm"], members["slope_rate"]
    members.loc[norm == "batch", "fid"] *= 1.5
    lost = (temperature == 2.0) & (norm == "batch") & (slope == 1.2)
    members.loc[lost, ["status", "fid"]] = ["diverged", np.nan]
    with_it = axes(Study(whole.folder, members))
    assert with_it is not None
    assert with_it.cautions == [
        "slope rate: without 1 combination of the other fields, where a value has no run with an FID",
        "norm on G's output: without 1 combination of the other fields, where a value has no run with an FID",
        "estimator temperature: without 1 combination of the other fields, where a value has no run with an FID",
    ]
    without = axes(Study(whole.folder, members[norm == "none"]))
    assert without is not None

    def at_fast(drawn: Drawn) -> str:
        return drawn.alt.partition("estimator temperature: ")[2].partition("1.2: ")[2].partition(".  ")[0].rstrip(".")

    assert at_fast(with_it) == at_fast(without) != ""


def test_a_sweep_of_configurations_that_the_paper_has_too_has_axes_of_its_own(tmp_path: Path) -> None:
    members = paper_members(seeds=3, grid="paper-neurons")
    write_study(tmp_path / "grid", members)
    assert axes_of(load_study(tmp_path / "grid")) == ()
    write_study(tmp_path / "sweep", members)
    (tmp_path / "sweep" / "study.json").write_text('{"sweep": ["neuron=deterministic,stochastic,real"]}')
    study = load_study(tmp_path / "sweep")
    assert [axis.name for axis in axes_of(study)] == ["neuron"]
    assert set(names_apart(study).values()) == {"DBN", "SBN", "real-valued"}
