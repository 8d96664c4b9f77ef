"""A report that is made again while its study grows."""

from pathlib import Path

import pytest
from made_study import MEMBERS, paper_members, write_rows, write_study
from running import assert_refused, here

from analysis.__main__ import main as analysis
from analysis.report import watch as watching
from analysis.report.watch import watch


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SECONDS", 0.1)


def test_the_page_is_renewed_where_something_changed_and_what_did_not_is_kept(tmp_path: Path) -> None:
    folder, out = tmp_path / "s", tmp_path / "out"
    members = paper_members(seeds=1, grid="paper-neurons")
    members.loc[0, "status"] = "running"
    write_study(folder, members)
    pages, written = [], []

    def say(line: str) -> None:
        pages.append((out / "report.html").read_text())
        written.append({p.name: p.stat().st_mtime_ns for p in out.glob("*.png")})
        assert f"{out / 'report.html'} renewed in" in line
        if len(pages) == 1:
            assert "2 done, 1 running" in line
            row = members.iloc[0].to_dict() | {"status": "done", "fid": 7.125}
            write_rows(folder, "members", row["member_id"], [{k: v for k, v in row.items() if v == v}])
        if len(pages) == 2:
            assert "3 done" in line
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(folder, out, say)
    assert ["7.125" in page for page in pages] == [False, True]
    assert all('http-equiv="refresh"' in page for page in pages)
    changed = {name for name, when in written[1].items() if when != written[0].get(name)}
    assert "scores.png" in changed
    assert "figure-1.png" not in changed
    assert not list(out.glob("*.pdf"))


@pytest.mark.every_format
def test_a_whole_report_does_not_reload_and_has_every_format(tmp_path: Path) -> None:
    write_study(tmp_path / "s", MEMBERS)
    outcome = here("report", tmp_path / "s", "--out", tmp_path / "out", program=analysis)
    assert outcome.returncode == 0, outcome.stderr
    assert "refresh" not in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "figure-1.pdf").is_file()


def test_nothing_to_watch_is_one_line(tmp_path: Path) -> None:
    assert_refused(here("report", tmp_path / "none", "--watch", program=analysis), "does not exist")


def test_a_study_without_a_run_is_waited_for(tmp_path: Path) -> None:
    folder, said = tmp_path / "s", []
    folder.mkdir()

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 1:
            write_study(folder, MEMBERS, samples=False)
        else:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(folder, tmp_path / "out", say)
    assert said[0] == f"{folder} has no run yet: waiting for the first epoch"
    assert "renewed in" in said[1]
