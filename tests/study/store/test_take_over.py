"""Runs that another study has finished are taken over, not trained again."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cohorts import cohort, table, train

from study.store.schemas import SCHEMAS
from study.store.store import Store
from study.store.take_over import take_over, trained_elsewhere

pytestmark = pytest.mark.usefixtures("few_samples", "committed")


def test_members_of_neighbouring_studies_are_taken_over(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 2, epochs=1)
    first = train(tiny, tmp_path, whole, "first")
    second = Store(tmp_path, "second")
    second.create()
    ids = [m.member_id for m in whole.members]
    (first.folder / "samples" / f"{ids[1]}.parquet").unlink()  # not whole: not taken
    assert take_over(second, [*ids, "unknown"]).usable == {ids[0]: "first"}
    row = table(second, "members").iloc[0]
    assert (row["member_id"], row["study"], row["status"]) == (ids[0], "second", "done")
    for name in ("curves", "samples", "histograms"):
        theirs = table(first, name)
        theirs = theirs[theirs["member_id"] == ids[0]].reset_index(drop=True)
        pd.testing.assert_frame_equal(table(second, name), theirs)
    assert take_over(second, [ids[0]]).usable == {ids[0]: "first"}


def test_what_only_claims_to_be_a_member_is_not_taken_over(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 2, epochs=2)
    first = train(tiny, tmp_path, whole, "first")
    mine, other = (m.member_id for m in whole.members)
    own = {name: first.read(name, mine) for name in SCHEMAS}

    def taken() -> bool:
        return trained_elsewhere(Store(tmp_path, "second"), [mine]).usable == {mine: "first"}

    assert taken()
    changes: list[tuple[str, list[dict[str, Any]]]] = [
        ("members", first.read("members", other)),
        ("members", own["members"] * 2),
        ("members", [own["members"][0] | {"learning_rate": 0.5}]),
        ("members", [own["members"][0] | {"epochs_done": 1}]),
        ("members", [own["members"][0] | {"extractors": "0123456789abcdef"}]),  # metrics that do not compare
        ("curves", own["curves"][:1]),
        ("samples", own["samples"][1:]),
        ("histograms", own["histograms"][:1]),
    ]
    for name, rows in changes:
        first.write(name, mine, rows)
        assert not taken(), name
        first.write(name, mine, own[name])
    assert taken()


def test_a_neighbours_row_is_read_before_what_belongs_to_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run may be going on: tables that are older than a row that says `done` would be torn."""
    whole, second, read = cohort(tiny, 1, epochs=1), Store(tmp_path, "second"), []
    train(tiny, tmp_path, whole, "first")
    second.create()
    original = Store.read

    def reading(store: Store, name: str, member_id: str) -> list[dict[str, Any]]:
        read.append((store.study, name))
        return original(store, name, member_id)

    monkeypatch.setattr(Store, "read", reading)
    assert len(take_over(second, [whole.members[0].member_id, *"abc"]).usable) == 1
    assert [name for study, name in read if study == "first"] == ["members", *SCHEMAS], "and what is not there, never"


def test_what_uncommitted_code_trained_is_taken_over_only_where_it_is_trusted(tiny: Path, tmp_path: Path) -> None:
    whole = cohort(tiny, 2, epochs=1)
    first, third = train(tiny, tmp_path, whole, "first"), train(tiny, tmp_path, whole, "third")
    second = Store(tmp_path, "second")
    second.create()
    clean, dirty = (m.member_id for m in whole.members)
    for store, member_id in ((first, clean), (first, dirty), (third, dirty)):
        [row] = store.read("members", member_id)
        store.write("members", member_id, [row | {"git_commit": "0123abcd-dirty"}])
    found = take_over(second, [clean, dirty])
    assert (found.usable, found.dirty) == ({clean: "third"}, {dirty}), "another study has one of them clean"
    taken, refused = found.lines(copied=True)
    assert taken == "1 member taken over from third"
    assert refused.startswith("1 finished members of other studies are not taken over")
    assert "--trust-dirty" in refused
    assert second.ids() == [clean]
    trusted = take_over(second, [clean, dirty], trust_dirty=True)
    assert trusted.usable == {clean: "first", dirty: "first"}
    assert trusted.lines(copied=False) == ["to be taken over: 2 members from first"]


def test_a_run_that_is_taken_over_is_of_this_studys_variant(tiny: Path, tmp_path: Path) -> None:
    """Its configuration may be of both; else a study's claims would be judged on a part of its runs each."""
    [member] = cohort(tiny, 1, epochs=1).members
    train(tiny, tmp_path, cohort(tiny, 1, epochs=1), "first")
    second = Store(tmp_path, "second")
    second.create()
    second.describe({"fidelity": "as-described", "cells": {}})
    assert take_over(second, [member.member_id]).usable == {member.member_id: "first"}
    assert [r["fidelity"] for r in second.read("members", member.member_id)] == ["as-described"]
