"""The report: its files, what it says of partial and damaged results, and that it is one page of its own."""

import html
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_reports import Report, report_of
from made_study import SCRIPT, paper_members, write_study
from made_up import MNIST
from PIL import Image

from analysis.__main__ import main
from analysis.experiments import EXPERIMENTS
from analysis.figures import FIGURES, in_order
from analysis.figures.registry import OWN, SECTIONS
from analysis.report import page, report
from analysis.report.contents import Contents
from analysis.report.page import Picture, Section, fitted, render
from analysis.results.cells import members_of
from binarygan.errors import UserError
from binarygan.plugins import load_plugins
from study.design.grids import GRIDS

ROOT = Path(__file__).parents[3]
OUR_OWN = [e.name for e in EXPERIMENTS if not e.cells]
OF_GRIDS = [f for f in in_order() if not f.name.startswith("search-") and f.section not in (*OUR_OWN, OWN)]
"""Of the paper's grid."""


def test_every_figure_table_and_the_page_are_there(grid_report: Report) -> None:
    out = grid_report.out
    figures = {f"{f.name}.{ending}" for f in OF_GRIDS for ending in ("png", "pdf")}
    assert {p.name for p in out.iterdir()} == {"report.html", "tables", *figures}
    of_searches = {name for name in report.TABLES if name.startswith("search-")}
    of_ours = {*(f"experiment-{name}" for name in OUR_OWN), "all-gates", "own-claims", "axes"}
    names = set(report.TABLES) - of_ours - of_searches
    wanted = {f"{n}.{ending}" for n in names for ending in ("md", "tex", "csv")} | {"seeds.csv"}
    assert {p.name for p in (out / "tables").iterdir()} == wanted
    told = "48 of 48 runs of this study were trained by uncommitted code"
    with_it = {p.stem for p in (out / "tables").glob("*.md") if told in p.read_text()}
    assert with_it == {n for n in names if not n.startswith("table-")}
    seeds = grid_report.table("seeds")
    assert (len(seeds), seeds["cell_id"].nunique()) == (48, 16)


def test_the_page_is_in_order_and_whole(grid_report: Report) -> None:
    reader = grid_report.page
    experiments = [e.name for e in EXPERIMENTS]
    ending = ["training", "statistics", "scores-all", "environment", "time"]
    assert reader.sections == ["summary", "claims", "data", *experiments, *ending]
    links = [a["href"] for a in reader.all("a") if a.get("class") != "skip"]
    assert links == [f"#{s}" for s in reader.sections]
    images = reader.all("img")
    assert len(images) == len(OF_GRIDS)
    assert all(len(image["alt"] or "") > 40 for image in images)
    for words in (
        "5cb735c52fbd143f04db7a60250b6432c356e2ff-dirty",
        "82bb23afa93d855b",
        "python study/run.py --grid paper",
    ):
        assert words in reader.text
    assert reader.text.count("in D, suffers from mode collapse.") == 1


def test_the_page_needs_nothing_else(grid_report: Report) -> None:
    text = grid_report.html
    assert len(text.encode()) < 10_000_000
    for tag, attributes in grid_report.page.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name, value)
    assert "@import" not in text
    assert "url(" not in text
    assert not re.search(r"https?://", text)
    [policy] = [m["content"] for m in grid_report.page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert (policy or "").startswith("default-src 'none'")


def test_texts_from_files_are_escaped(grid_report: Report) -> None:
    assert SCRIPT not in grid_report.html
    assert html.escape(SCRIPT).replace("&#x27;", "&#39;") in grid_report.html
    assert "<title>Report of the study &lt;script&gt;" in grid_report.html
    assert len(grid_report.page.all("script")) == 1
    assert not any(name.startswith("on") for _, attributes in grid_report.page.tags for name in attributes)


def test_failures_are_counted_apart(grid_report: Report) -> None:
    assert "45 done, 1 failed, 1 diverged, 1 not at its end" in grid_report.text
    failures = grid_report.table("failures")
    assert failures["status"].tolist() == ["diverged", "failed", "not at its end"]
    assert failures["error"].tolist()[1] == SCRIPT
    cells = grid_report.table("cells")
    ours = cells[(cells["source"] == "this study") & ~cells["output"].str.endswith("Bernoulli")]
    assert ours[["members", "done", "failed", "diverged", "running"]].sum().tolist() == [48, 45, 1, 1, 1]


def test_results_are_only_read(grid_report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = grid_report.folder
    before = sorted((str(p), p.stat().st_mtime_ns) for p in folder.rglob("*"))
    for out in (folder, folder / "report", folder / "members" / "x"):
        assert main(["report", str(folder), "--out", str(out)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert sorted((str(p), p.stat().st_mtime_ns) for p in folder.rglob("*")) == before
    (tmp_path / "link").symlink_to(folder)
    assert main(["report", str(folder), "--out", str(tmp_path / "link" / "report")]) == 2
    (tmp_path / "file").write_text("")
    assert main(["report", str(folder), "--out", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    """One seed, in the middle of a run: two cells of four are begun, one is done, no samples yet."""
    members = paper_members(seeds=1, grid="paper-objectives").iloc[:2].copy()
    members.loc[1, "status"] = "running"
    write_study(tmp_path / "results" / "partial", members, epochs=(1, 2), samples=False)
    return tmp_path / "results" / "partial"


FIGURE = """
import matplotlib.figure
from analysis.figures import Drawn, figure

@figure("my-figure", "Mine"{section})
def mine(study):
    return Drawn(matplotlib.figure.Figure(figsize=(1, 1)), "Mine of 1 study.") if len(study.members) else None
"""


@pytest.mark.every_format
def test_a_partial_study_names_what_is_missing_and_a_figure_of_ones_own_is_one_file(
    partial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FIGURES, "_parts", dict(FIGURES.items()))
    for name, section in (("wrong", ", section='trainig'"), ("my_figure", ""), ("my_figure_again", "")):
        (tmp_path / f"{name}.py").write_text(FIGURE.format(section=section))
    with pytest.raises(UserError, match="section 'trainig' is unknown: did you mean 'training'"):
        load_plugins([str(tmp_path / "wrong.py")])
    out = tmp_path / "out"
    out.mkdir()
    (out / "figure-7.png").write_text("of an earlier report")
    made = report_of(partial, out, "--plugin", str(tmp_path / "my_figure.py"))
    for words in (
        "WGAN, MLP, SBN: not trained yet",
        "GAN, MLP, SBN: no run is done (1 running)",
        "To train it: python study/run.py --grid paper-architectures --fidelity as-released",
        "one seed",
        "Not part of this study",
    ):
        assert words in made.text
    assert not (out / "figure-7.png").exists()
    assert "could not be made" not in made.text
    assert "is running: not at its end" in capsys.readouterr().out
    assert (out / "my-figure.pdf").exists()
    assert "more-figures" in made.page.sections
    assert "Mine of 1 study." in [image["alt"] for image in made.page.all("img")]
    with pytest.raises(UserError, match="figure 'my-figure' is registered twice"):
        load_plugins([str(tmp_path / "my_figure_again.py")])
    with pytest.raises(UserError, match="figure 'my-figur' is unknown: did you mean 'my-figure'"):
        FIGURES["my-figur"]


BROKEN_FIGURES = """
import matplotlib.figure
from analysis.figures import Drawn, figure

class Unsaved(matplotlib.figure.Figure):
    def savefig(self, *words, **more):
        raise ValueError("unknown colour")

@figure("not-drawn", "Not drawn")
def not_drawn(study):
    raise RuntimeError("latex could not be found")

@figure("not-saved", "Not saved")
def not_saved(study):
    return Drawn(Unsaved(figsize=(1, 1)), "Not saved of 1 study.")
"""


def test_a_damaged_file_and_a_part_that_fails_are_named_and_the_rest_reported(
    partial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(members: pd.DataFrame) -> None:
        raise ZeroDivisionError("by zero\nand more")

    monkeypatch.setattr(report, "judge", fail)
    monkeypatch.setattr(FIGURES, "_parts", dict(FIGURES.items()))
    plugin = tmp_path / "broken.py"
    plugin.write_text(BROKEN_FIGURES)
    victim, *_ = sorted((partial / "members").iterdir())
    victim.write_bytes(victim.read_bytes()[:1000])
    made = report_of(partial, tmp_path / "out", "--plugin", str(plugin), status=1)
    printed, said = capsys.readouterr()
    assert said == "error: 3 parts could not be made\n"
    for line in (
        f"members/{victim.name} is damaged or foreign",
        "the verdicts could not be made: ZeroDivisionError: by zero",
        "not-drawn could not be made: RuntimeError: latex could not be found",
        "not-saved could not be made: ValueError: unknown colour",
    ):
        assert line in printed
        assert line in made.text
    assert "and more" not in printed


@pytest.mark.parametrize("case", ["missing", "empty", "foreign"])
def test_with_nothing_to_report_there_is_one_line_and_status_2(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "results" / "s"
    if case != "missing":
        (folder / "members").mkdir(parents=True)
    if case == "foreign":
        pq.write_table(pa.table({"name": ["x"]}), folder / "members" / "x.parquet")
    words = ["report", str(folder), "--out", str(tmp_path / "out")]
    in_a_process = [sys.executable, "-m", "analysis", *words]
    assert (subprocess.run(in_a_process, cwd=ROOT).returncode if case == "empty" else main(words)) == 2
    printed, said = capfd.readouterr()
    assert printed == ""
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [[], ["report"], ["repotr", "x"], ["report", "a", "--oot", "b"], ["compare", "a"]])
def test_a_mistake_in_the_command_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("experiment", [e for e in EXPERIMENTS if e.cells], ids=lambda e: e.name)
def test_an_experiment_has_the_cells_of_its_grid(experiment: object) -> None:
    """What is trained for it is what is reported of it."""
    members = paper_members(seeds=1)
    cells = GRIDS[experiment.grid].cells("as-released", data_digest=MNIST, train_images=70_000)  # type: ignore[attr-defined]
    ours = {members_of(members, cell)["cell_id"].iloc[0] for cell in experiment.cells}  # type: ignore[attr-defined]
    assert ours == {cell.cell_id for cell in cells}


@pytest.mark.parametrize("dtype", ["float32", "tf32"])
@pytest.mark.parametrize("name", OUR_OWN)
def test_our_own_experiments_choose_the_cells_of_their_grids(name: str, dtype: str) -> None:
    [experiment] = [e for e in EXPERIMENTS if e.name == name]
    own, paper = (paper_members(seeds=1, **grid).assign(dtype=dtype) for grid in ({"grid": name}, {}))
    found = experiment.members(pd.concat([paper, own]).drop_duplicates("member_id"))
    assert set(found["cell_id"]) >= set(own["cell_id"])
    assert experiment.members(paper).empty


def test_pictures_shrink_until_they_fit() -> None:
    def noise(name: str, size: int) -> Picture:
        pixels = np.random.default_rng(0).integers(256, size=(size, size, 3), dtype=np.uint8)
        out = BytesIO()
        Image.fromarray(pixels).save(out, "png", dpi=(200, 200))
        return Picture(name, "T", "alt", out.getvalue())

    pictures = [noise("a", 400), noise("b", 100)]
    fitting = fitted(pictures, most=200_000)
    assert sum(len(p.source) for p in fitting) < 201_000
    assert [p.name for p in fitting] == ["a", "b"]
    assert fitting[0].size == pictures[0].size == (230, 230)
    assert fitting[1] == pictures[1]
    assert fitted(pictures) == pictures


def test_long_lists_are_cut_short_on_the_page() -> None:
    lines = tuple(f"line number {i}." for i in range(100))
    text = render(title="T", lead="L", sections=[Section(name="s", title="S", short="S", missing=lines)], foot="F")
    assert text.count("ine number") == page.MOST_LINES
    assert f"and {100 - page.MOST_LINES} more." in text


@pytest.mark.parametrize(
    ("data", "digest", "beside"),
    [
        ("mnist", MNIST, True),
        ("digits.npy", MNIST, True),
        ("fashion-mnist", "0" * 16, False),
        ("mnist", "0" * 16, False),
        ("mnist.npy", "0" * 16, False),
    ],
)
def test_other_data_are_not_set_beside_what_was_measured_on_mnist(
    data: str, digest: str, beside: bool, tmp_path: Path
) -> None:
    """Data are the images, not what a file is called."""
    members = paper_members(seeds=2, grid="paper-neurons").assign(data=data, data_digest=digest)
    write_study(tmp_path / "s", members, samples=False)
    contents = Contents(tmp_path / "s", tmp_path / "out")
    assert ({"released code", "real images"} <= {row.source for row in contents.rows}) == beside
    scores = FIGURES["scores"].draw(contents.study)
    assert scores
    assert ("Real images have " in scores.alt) == beside


@pytest.mark.long
def test_a_study_of_other_settings_shows_nothing_as_the_papers(tmp_path: Path) -> None:
    """Each configuration of DBN has another learning rate: no picture, verdict or baseline is of any of them."""
    members = paper_members(seeds=2)
    dbn = members["neuron"] == "deterministic"
    members.loc[dbn, "learning_rate"] = 3e-4
    write_study(tmp_path / "s", members)
    made = report_of(tmp_path / "s", tmp_path / "out")
    alts = {str(image["alt"]) for image in made.page.all("img")}
    for intro in ("Four 8 by 8 grids of generated digits", "Histograms of preactivated", "Six rows of 8 by 8"):
        [alt] = [alt for alt in alts if alt.startswith(intro)]
        shown, _, missing = alt.partition("Missing: ")
        assert "WGAN-GP, MLP, DBN" not in shown
        assert "DBN, seed" not in shown
        assert "MLP, DBN: trained with other settings than the paper's alone: learning rate 0.0003" in missing
    for intro in ("FID of each cell", "Critical-difference diagram", "Losses of discriminator"):
        [alt] = [alt for alt in alts if alt.startswith(intro)]
        assert alt.count("WGAN-GP, MLP, DBN") == alt.count("WGAN-GP, MLP, DBN, learning rate 0.0003") > 0
    assert "Differences to the baseline: the baseline, WGAN-GP, MLP, DBN: trained with other settings" in made.text
    verdicts = made.table("claims").astype({"number": str}).set_index("number")["verdict"]
    assert set(verdicts[["2", "3", "4"]]) == {"not tested"}
    assert not (tmp_path / "out" / "tables" / "differences-fid.csv").exists()


def test_every_section_of_figures_is_one_of_the_report() -> None:
    of_experiments = {experiment.name for experiment in EXPERIMENTS}
    assert {f.section for f in in_order()} <= set(SECTIONS)
    assert of_experiments < set(SECTIONS)
