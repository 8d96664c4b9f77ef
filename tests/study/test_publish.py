"""Compact studies for a repository."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from cohorts import cohort, train

from analysis.results.load import load_study
from binarygan.errors import UserError
from study.design.cohorts import Cohort
from study.publish import main, publish, rows_of
from study.store.store import Store

pytestmark = pytest.mark.usefixtures("few_samples")


def test_published_studies_are_read_as_they_were(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 3, epochs=3)
    first = train(tiny, tmp_path, Cohort(whole.members[:2]), "first")
    second = train(tiny, tmp_path, Cohort(whole.members[1:]), "second")
    target = tmp_path / "published" / "both"
    assert publish([first.folder, second.folder], target) == 3
    assert publish([target], tmp_path / "again") == 3
    for folder in (target, tmp_path / "again"):
        study = load_study(folder)
        assert (len(study.members), study.problems) == (3, ())
        assert study.curves().groupby("member_id")["epoch"].apply(list).tolist() == [[1, 2, 3]] * 3
        for member in whole.members:
            kept = [1, 2, 3] if member.seed == 0 else [3]
            assert [s.epoch for s in study.evolution(member.member_id)] == kept
            origin = first if member.seed < 2 else second
            before, after = (load_study(f).histogram(member.member_id) for f in (origin.folder, folder))
            assert before is not None
            assert after is not None
            np.testing.assert_array_equal(before[1], after[1])
    with pytest.raises(UserError, match="holds no study"):
        publish([tmp_path / "none"], target)


def test_files_of_other_programs_are_not_published(tmp_path: Path) -> None:
    store = Store(tmp_path, "run[1]")
    store.create()
    store.write("members", "m", [{"member_id": "m", "status": "done"}])
    for name in ("._m.parquet", ".DS_Store", "Thumbs.db", "m.parquet.tmp"):
        (store.folder / "members" / name).write_bytes(b"of another program")
    assert [row["member_id"] for row in rows_of(store.folder, "members")] == ["m"]


def test_a_failure_is_published_unless_another_study_has_the_member_done(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 2, epochs=1)
    failed = train(tiny, tmp_path, whole, "failed")
    for member in whole.members:
        [row] = failed.read("members", member.member_id)
        failed.write("members", member.member_id, [row | {"status": "failed", "error": "it died"}])
    done = train(tiny, tmp_path, Cohort(whole.members[:1]), "done")
    assert publish([failed.folder, done.folder], tmp_path / "published") == 2
    rows = load_study(tmp_path / "published").members.set_index("seed")
    assert rows["status"].to_dict() == {0: "done", 1: "failed"}


def test_a_publication_that_was_cut_off_is_made_whole_by_the_same_command(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No member is there before its other rows are, no description is half there; nothing is left over."""
    source, target = train(tiny, tmp_path, cohort(tiny, 2, epochs=1)), tmp_path / "published"
    original = Path.replace

    def killed(self: Path, to: Path) -> Path:
        if to.name == "members.parquet":
            self.with_name(self.name + "-left").write_bytes(self.read_bytes())
            raise KeyboardInterrupt
        return original(self, to)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            publish([source.folder], target)
    assert sorted(p.name for p in target.rglob("*.parquet")) == [
        "curves.parquet",
        "histograms.parquet",
        "samples.parquet",
    ]
    assert list(target.rglob(".partial-*"))
    assert publish([source.folder], target) == 2
    assert len(load_study(target).members) == 2
    assert not list(target.rglob(".partial-*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_publication_that_is_stopped_leaves_no_hidden_file(
    number: signal.Signals, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = train(tiny, tmp_path, cohort(tiny, 1, epochs=1)), tmp_path / "published"
    inherited = signal.signal(number, signal.SIG_DFL)
    there: list[Path] = []

    def is_signalled(_: int) -> None:
        there.extend(target.rglob(".partial-*"))
        os.kill(os.getpid(), number)
        signal.pause()

    with monkeypatch.context() as patched:
        patched.setattr("binarygan.io.files._flush", is_signalled)
        assert main([str(source.folder), str(target)]) == 130
    signal.signal(number, inherited)
    assert there
    assert [p for p in target.rglob("*") if p.is_file()] == []
