"""Each claim comes out supported and not supported on made-up runs that say so, and undecided where they do not."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_claims import GOOD, NO_NOTCH, members, world

from analysis.claims.claims import CLAIMS, FID, Verdict, judge
from analysis.claims.comparisons import Exceeds
from analysis.claims.evidence import Evidence
from analysis.results.load import load_study
from analysis.statistics.hypotheses import ALPHA
from binarygan.metrics.names import columns

PUBLISHED = Path(__file__).parents[3] / "published"

OTHER = "trained with other settings than the paper's alone"


NUMBERS = ["1", "2", "3", "4", "5", "6", "7", "8a", "8b", "9"]


def verdict(number: int | str, frame: pd.DataFrame, **options: Any) -> Verdict:
    return judge(frame, claims=[CLAIMS[NUMBERS.index(str(number))]], **options)[0]


def with_statuses(frame: pd.DataFrame, cell: dict[str, str], status: str, runs: int) -> pd.DataFrame:
    """A study whose last `runs` runs of a cell ended so, without a number."""
    there = (frame[list(cell)] == pd.Series(cell)).all(axis=1)
    lost = frame[there].sort_values("seed").index[-runs:]
    frame = frame.copy()
    frame.loc[lost, "status"] = status
    frame.loc[lost, [c for c in columns(light=False) if c in frame]] = np.nan
    return frame


def test_all_claims_are_declared_in_full() -> None:
    assert [c.number for c in CLAIMS] == NUMBERS
    for claim in CLAIMS:
        assert all((claim.statement, claim.source, claim.metric, claim.test, claim.threshold, claim.why, claim.cells))
        assert len(set(claim.cells)) == len(claim.cells)


@pytest.mark.parametrize("fidelity", ["as-released", "as-described"])
def test_where_all_numbers_bear_them_out_all_are_supported(fidelity: str) -> None:
    verdicts = judge(members(fidelity=fidelity))
    assert [(v.claim.number, v.verdict, v.fidelity) for v in verdicts] == [(n, "supported", fidelity) for n in NUMBERS]
    for v in verdicts:
        assert "\n" not in v.numbers
        assert v.missing == ()
        assert v.p <= v.p_family <= 10 * v.p or math.isclose(v.p, v.p_family)
    norm = {"as-released": "the released code's affine map", "as-described": "batch normalization"}[fidelity]
    assert [v.claim.number for v in verdicts if norm in v.statement] == ["7", "9"]


NO, OPEN = "not supported", "inconclusive"
OTHER_NUMBERS: list[tuple[str, int | str, dict[str, dict[str, Any]]]] = [
    (NO, 1, {"SBN": {"fid": 30.0, "fid_check": 5.0}}),
    (NO, 1, {"DBN": {"fid": 30.0, "fid_check": 5.0}}),
    (NO, 1, {"DBN": {"classes_covered": [3.0, 4.0, 10.0, 9.0, 9.0, 10.0]}}),
    (NO, 1, {"SBN": {"coverage": [0.01, 0.02, 0.2, 0.03, 0.04, 0.21]}}),
    (NO, 2, {"DBN": {"preactivated_middle_mass": 0.01}}),
    (NO, 2, {"DBN": {"preactivated_middle_mass": 0.07}}),  # above SBN's, by less than what counts
    (NO, 2, {"real": {"preactivated_middle_mass": 0.5}}),
    (NO, 3, {"DBN": NO_NOTCH}),
    (NO, 4, {"SBN": {"preactivated_first_bin": 0.05, "preactivated_last_bin": 0.0}}),
    (NO, 4, {"DBN": {"preactivated_last_bin": 0.7}}),
    (NO, 5, {"real": {"preactivated_first_bin": 0.5}}),
    (NO, 5, {"real": {"preactivated_notch": 0.4}}),
    (NO, 6, {"WGAN DBN": {"fid": 25.0, "fid_check": 5.0}}),
    (NO, 6, {"WGAN SBN": {"fid": 4.0, "fid_check": 0.5}}),
    (NO, 7, {"GAN DBN": GOOD}),
    (NO, 7, {"GAN SBN": GOOD}),
    (NO, "8a", {"CNN DBN": {"fid": 14.0, "fid_check": 2.0}}),
    (NO, "8a", {"CNN real": {"fid_bernoulli": 14.0, "fid_check_bernoulli": 3.0}}),
    (NO, "8b", {"CNN SBN": {"patch_kl": 0.06}}),
    (NO, "8b", {"CNN real": {"components_bernoulli": 1.8}}),
    (NO, 9, {"WGAN DBN with norm": {"fid": 11.5, "fid_check": 1.5}}),
    (NO, 9, {"WGAN SBN with norm": {"fid": 5.0, "fid_check": 1.0}}),
    (OPEN, 1, {"SBN": {"fid": [6.0, 14.0, 30.0, 8.0, 20.0, 31.0]}}),
    (OPEN, 1, {"SBN": {"fid_check": 9.0}}),  # the extractors disagree
    (OPEN, 1, {"DBN": {"classes_covered": [10.0, 9.0, 10.0, 10.0, 10.0, 10.0]}}),
    (OPEN, 2, {"DBN": {"preactivated_middle_mass": [0.05, 0.1, 0.2, 0.08, 0.15, 0.21]}}),
    (OPEN, 3, {"DBN": {"preactivated_notch": [0.0, 0.1, 0.3, 0.2, 0.05, 0.31]}}),
    (OPEN, 3, {"DBN": {"preactivated_notch_error": 0.4}}),  # the seeds agree better than they can be measured
    (OPEN, 4, {"SBN": {"preactivated_first_bin": [0.0, 0.3, 0.9, 0.1, 0.5, 0.05]}}),
    (OPEN, 5, {"real": {"preactivated_notch_error": 0.4}}),
    (OPEN, 6, {"WGAN DBN": {"fid": [6.0, 14.0, 30.0, 9.0, 16.0, 31.0]}}),
    (OPEN, 7, {"GAN DBN": {"class_kl": 0.01}}),  # all classes, but recall and coverage are low: the signs disagree
    (OPEN, "8a", {"CNN DBN": {"fid": [3.0, 9.0, 20.0, 10.0, 8.0, 21.0]}}),
    (OPEN, "8a", {"CNN DBN": {"fid_check": 3.0}}),  # the extractors disagree
    (OPEN, 9, {"WGAN SBN with norm": {"fid": [5.0, 12.0, 60.0, 11.0, 30.0, 61.0]}}),
]
"""Numbers that say the contrary, and numbers in which the seeds disagree."""


@pytest.mark.parametrize(("outcome", "number", "changes"), OTHER_NUMBERS, ids=str)
def test_what_the_numbers_say_of_a_claim(outcome: str, number: int | str, changes: dict[str, Any]) -> None:
    v = verdict(number, members(changes))
    assert v.verdict == outcome, v.numbers


def test_a_difference_that_is_there_and_too_small_is_told_from_none() -> None:
    small = verdict(2, members({"DBN": {"preactivated_middle_mass": 0.07}}))
    assert any("there is a difference, and it is smaller" in line for line in small.lines)
    none = verdict(2, members({"DBN": {"preactivated_middle_mass": 0.01}}))
    assert not any("it is smaller" in line for line in none.lines)


def test_a_claim_that_holds_in_part_says_so() -> None:
    assert verdict(6, members({"WGAN DBN": {"fid": 25.0, "fid_check": 5.0}})).lines[0] == (
        "it holds in part: 1 of 2 comparisons are for it"
    )
    assert not any("in part" in line for line in verdict(3, members({"DBN": NO_NOTCH})).lines)


def test_seeds_that_are_all_the_same_decide_nothing() -> None:
    v = verdict(3, members({"DBN": {"preactivated_notch": [0.3] * 6, "preactivated_notch_error": 0.0}}))
    assert v.verdict == "inconclusive"
    assert "all seeds are the same: no spread to test by" in v.numbers


def test_one_seed_is_inconclusive_and_says_what_cannot_be_said() -> None:
    first = members().query("seed == 0")
    for v in judge(first):
        assert v.verdict == "inconclusive"
        assert "no test of fewer than 3 runs a side:" in v.numbers
    assert "WGAN-GP, MLP, DBN 9.80 (n 1)" in verdict(6, first).numbers


def test_one_seed_of_one_cell_is_named() -> None:
    frame = members()
    frame = frame[(frame["architecture"] != "cnn") | (frame["seed"] == 0)]
    v = verdict("8a", frame)
    assert v.verdict == "inconclusive"
    named = v.lines[0]
    assert "WGAN-GP, CNN, SBN" in named
    assert "MLP" not in named


@pytest.mark.parametrize("name", world())
def test_a_missing_cell_leaves_its_claims_untested_and_is_named(name: str) -> None:
    choices, _ = world()[name]
    verdicts = judge(members(without=(name,)))
    touched = {v.claim.number for v in verdicts if v.verdict == "not tested"}
    with_norm = choices.get("discriminator_norm", "none") != "none" or choices["objective"] == "gan"
    key = (choices["objective"], choices["neuron"], choices.get("architecture", "mlp"), with_norm)
    expected = {
        claim.number
        for claim in CLAIMS
        if key in {(c.objective, c.neuron, c.architecture, c.has_norm_in_d) for c in claim.cells}
    }
    assert touched == expected
    assert expected
    for v in verdicts:
        if v.verdict == "not tested":
            assert any("not trained yet" in m for m in v.missing)
            assert v.numbers.startswith("missing: ")
        else:
            assert v.verdict == "supported"


def test_without_members_none_is_tested() -> None:
    verdicts = judge(members().iloc[:0])
    assert [v.verdict for v in verdicts] == ["not tested"] * len(NUMBERS)
    assert verdicts[0].fidelity == ""


def test_a_cell_in_training_is_missing_until_it_ends() -> None:
    v = verdict(3, members(statuses={"DBN": ["running"] * 6}))
    assert (v.verdict, v.missing) == ("not tested", ("WGAN-GP, MLP, DBN (still training)",))
    v = verdict(3, members(statuses={"DBN": ["running", *["stopped"] * 5]}))
    assert (v.verdict, v.missing) == ("not tested", ("WGAN-GP, MLP, DBN (stopped early)",))
    some = verdict(4, members(statuses={"DBN": ["done", "running", *["done"] * 4]}))
    assert "(n 5 of 6; 1 running)" in some.numbers


def test_a_contradiction_stands_whatever_is_missing() -> None:
    v = verdict(6, members({"WGAN DBN": {"fid": 25.0, "fid_check": 5.0}}, without=("WGAN SBN",)))
    assert v.verdict == "not supported"
    assert v.missing == ("WGAN, MLP, SBN (not trained yet)",)


class TestRunsThatDidNotFinish:
    @pytest.mark.parametrize(
        ("lost", "expected", "said"),
        [
            (["failed"], "inconclusive", "5 of 6 runs of {} trained to digits (1 failed)"),
            (["diverged"], "inconclusive", "5 of 6 runs of {} trained to digits (1 diverged)"),
            (["diverged"] * 4, "not supported", "2 of 6 runs of {} trained to digits (4 diverged)"),
            (["stopped"] * 3, "inconclusive", "3 of 6 runs of {} trained to digits (3 stopped)"),
            (["failed"] * 6, "inconclusive", "0 of 6 runs of {} trained to digits (6 failed)"),
        ],
    )
    def test_they_hurt_the_claim_that_they_train(self, lost: list[str], expected: str, said: str) -> None:
        v = verdict(1, members(statuses={"SBN": [*["done"] * (6 - len(lost)), *lost]}))
        assert v.verdict == expected, v.numbers
        assert said.format("WGAN-GP, MLP, SBN") in v.numbers

    @pytest.mark.parametrize("status", ["failed", "stopped", "running", "diverged"])
    def test_one_of_six_blocks_what_it_could_reverse(self, status: str) -> None:
        """Counted against the claim, five of six runs above a level are no more than chance."""
        v = verdict(3, members(statuses={"DBN": ["done"] * 5 + [status]}))
        assert v.verdict == "inconclusive"
        assert f"(n 5 of 6; 1 {status})" in v.numbers
        assert "runs without a number count against either" in v.numbers

    def test_survivors_do_not_make_a_cell_better(self) -> None:
        lost = ["done"] * 5 + ["diverged"]
        worse = verdict(9, members(statuses={"WGAN DBN with norm": lost}))
        assert worse.verdict == "supported"  # what diverged is worse than any number
        assert "1 diverged" in worse.numbers
        unknown = verdict(9, members(statuses={"WGAN DBN with norm": ["done"] * 3 + ["failed"] * 3}))
        assert unknown.verdict == "inconclusive"  # what failed might have been better
        contrary = {"WGAN DBN with norm": {"fid": 5.0, "fid_check": 0.5}}
        assert verdict(9, members(contrary)).verdict == "not supported"
        few = ["done"] * 3 + ["diverged"] * 3
        assert verdict(9, members(contrary, statuses={"WGAN DBN with norm": few})).verdict == "inconclusive"

    def test_a_cell_that_none_finished_is_inconclusive(self) -> None:
        v = verdict(9, members(statuses={"WGAN DBN with norm": ["diverged"] * 6}))
        assert v.verdict == "inconclusive"
        assert "WGAN, MLP, DBN, norm in D – (n 0 of 6; 6 diverged)" in v.numbers

    def test_numbers_without_a_logarithm_are_left_out_and_said(self) -> None:
        v = verdict(6, members({"WGAN DBN": {"fid": [11.0, 12.0, 0.0, 11.0, 12.0, 11.5]}}))
        assert "(n 5 of 6; 1 without a usable number)" in v.numbers

    @pytest.mark.parametrize(
        "status", ["stopped", *(pytest.param(s, marks=pytest.mark.long) for s in ("diverged", "failed"))]
    )
    def test_two_survivors_of_ten_decide_nothing_in_the_published_studies(self, status: str) -> None:
        """Whichever side of a claim they are; a verdict may stand that rests on other sides."""
        whole = load_study(PUBLISHED / "appendix-ten-seeds").members
        before = {v.claim.number: v.verdict for v in judge(whole)}
        for objective, norm in (("wgan-gp", "none"), ("wgan", "none"), ("wgan", "affine"), ("gan", "affine")):
            side = {"objective": objective, "neuron": "deterministic", "discriminator_norm": norm}
            for after in judge(with_statuses(whole, side, status, 8)):
                lost = [line for line in after.lines if "(n 2 of 10" in line]
                if not lost or after.verdict not in ("supported", "not supported"):
                    continue
                assert after.verdict == "not supported"
                if after.claim.number == "1":
                    assert status == "diverged", "that they diverge is what counts"
                    assert any(line.startswith("2 of 10 runs") for line in after.lines)
                else:
                    assert (after.claim.number, before["6"]) == ("6", "not supported"), "it rests on SBN"


class TestWhatTheClaimsAreAbout:
    def test_each_fidelity_is_judged_by_its_own_members(self) -> None:
        described = members({"DBN": NO_NOTCH}, fidelity="as-described")
        verdicts = judge(pd.concat([members(), described], ignore_index=True))
        assert [(v.fidelity, v.claim.number) for v in verdicts] == [
            (f, n) for f in ("as-described", "as-released") for n in NUMBERS
        ]
        assert [v.verdict for v in verdicts if v.claim.number == "3"] == ["not supported", "supported"]
        assert "(n 6)" in verdicts[2].numbers

    @pytest.mark.parametrize(
        ("short", "said"), [({"epochs": 5}, "5 of 20 epochs"), ({"train_images": 6400}, "6,400 of 70,000 images")]
    )
    def test_short_training_is_inconclusive_with_what_it_points_to(self, short: dict[str, int], said: str) -> None:
        frame = members(
            {"WGAN DBN": {"fid": 25.0, "fid_check": 5.0}}, **{k: v for k, v in short.items() if k == "epochs"}
        )
        if "train_images" in short:
            frame["train_images"] = short["train_images"]
        outcomes = {v.claim.number: v for v in judge(frame)}
        assert all(v.verdict == "inconclusive" for v in outcomes.values())
        assert f"too short for a verdict ({said}); at this length it would be: supported" in outcomes["3"].numbers
        assert "it would be: not supported" in outcomes["6"].numbers

    def test_other_data_are_not_judged(self) -> None:
        """Whatever they are called."""
        for name in ("fashion-mnist", "mnist"):
            verdicts = judge(members().assign(data=name, data_digest="0123"))
            assert {v.verdict for v in verdicts} == {"not tested"}
            assert f"this study is of {name} (digest 0123)" in verdicts[0].numbers

    def test_other_settings_are_not_the_papers_cell(self) -> None:
        v = verdict(3, members().assign(learning_rate=0.01))
        assert v.verdict == "not tested"
        assert v.missing == (f"WGAN-GP, MLP, DBN ({OTHER}: learning rate 0.01)",)

    def test_parameters_are_counted_from_the_networks(self) -> None:
        v = verdict("8a", members())
        assert v.lines[-1] == "parameters: CNN 530,212 against MLP 1,472,817"
        swapped = verdict("8a", members(), parameters={"mlp": 530_212, "cnn": 1_472_817})
        assert swapped.verdict == "not supported"

    def test_classes_stand_beside_the_test_of_collapse(self) -> None:
        assert "classes: GAN, MLP, DBN 4.50 ± 1 (n 6)" in verdict(7, members()).numbers


def test_what_speaks_against_is_adjusted_for_the_number_of_parts() -> None:
    """At 0.05 by itself, one of the two parts is not against it; two that agree are."""
    frame = members({"WGAN DBN": {"fid": 25.0, "fid_check": 5.0}})
    three = frame[frame["seed"] < 3]
    assert verdict(6, three).verdict == "inconclusive"
    both = members({f"WGAN {n}": {"fid": 25.0, "fid_check": 5.0} for n in ("DBN", "SBN")})
    v = verdict(6, both[both["seed"] < 3])
    assert (v.verdict, v.p) == ("not supported", pytest.approx(0.05))


def test_the_ratio_and_its_interval_come_first_then_the_margins() -> None:
    [fid, check] = verdict(6, members()).lines[:2]
    assert re.fullmatch(
        r"FID: ratio 1\.15 \[1\.\d+, 1\.\d+\] \(90%\), .* against .*; within a factor of 1.5: p \S+ for it "
        r"\(for it from 1\.\d+, against it up to 1\.\d+\)",
        fid,
    )
    assert check.startswith("FID (check): ratio 1 [")


def test_margins_at_which_the_verdict_changes() -> None:
    """The verdict is the same up to what the line says, and no further."""
    line = verdict(9, members()).lines[0]
    margin = float(re.search(r"for it up to ([\d.]+)", line)[1])  # type: ignore[index]
    [norm, none] = CLAIMS[NUMBERS.index("9")].parts[0].cells[:2]
    evidence = Evidence(members(), {})
    for by, holds in ((margin * 0.99, True), (margin * 1.01, False)):
        assert (Exceeds(cells=(norm, none), measure=FID, by=by).find(evidence).p_for <= ALPHA) == holds


def test_runs_of_different_extractors_are_not_compared() -> None:
    frame = members()
    frame["extractors"] = np.where(frame["objective"] == "wgan", "other", "one")
    v = verdict(6, frame)
    assert v.verdict == "not tested"
    assert "measured by different feature extractors, which do not compare" in v.missing[0]
    assert verdict(4, frame).verdict == "supported", "a histogram rests on none"


def test_runs_that_are_left_out_are_named() -> None:
    """A configuration of another precision, which has fewer runs."""
    frame = members()
    gpu = members(dtype="tf32")
    gpu = gpu[gpu["seed"] < 4]
    v = verdict(3, pd.concat([frame, gpu], ignore_index=True))
    assert v.lines[-1] == "left out: 4 runs of WGAN-GP, MLP, DBN with precision tf32"
