"""Trials of a search: from study.json, whatever it holds, and the rows of runs."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_search import by_learning_rate, eventful, made_search, noise, trials_in
from made_study import paper_members

from analysis.results.study import Study
from analysis.search.search import Search, read_search
from analysis.search.trials import Trials, front, trials_of
from analysis.statistics.summaries import Unavailable
from binarygan.config import MemberConfig
from study.design.spaces import SPACES

SCRIPT = "<script>alert('boo')</script>"


def members_of(study: Study, trial: Any) -> pd.DataFrame:
    return study.members[study.members["cell_id"] == trial.cell_id].sort_values("seed")


def test_values_are_means_over_members_in_order_of_their_start(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", by_learning_rate, trials=12, seeds=3)
    trials = trials_in(study)
    started = study.members.groupby("cell_id")["started_at"].min().sort_values()
    assert [t.cell_id for t in trials.all] == started.index.tolist()
    for number, trial in enumerate(trials.all):
        rows = members_of(study, trial)
        assert (trial.number, trial.state, trial.reason) == (number, "complete", "")
        assert trial.member_ids == tuple(rows["member_id"])
        assert trial.value() == pytest.approx(rows["fid"].mean())
        assert trial.summary().sd == pytest.approx(rows["fid"].std())
        assert trial.seconds == 180.0


def test_params_are_those_that_the_space_says_of_the_cell(tmp_path: Path) -> None:
    """Against the space itself, which knows how it drew the cell."""
    study = made_search(tmp_path / "s", by_learning_rate, space="everything", trials=40, seeds=1)
    fields = list(MemberConfig.__dataclass_fields__)
    having = []
    for trial in trials_in(study).all:
        row = members_of(study, trial).iloc[0]
        values = {f: None if pd.isna(row[f]) else getattr(row[f], "item", lambda v=row[f]: v)() for f in fields}
        wanted = SPACES["everything"].params_of(MemberConfig.from_dict(values))
        assert trial.params == wanted
        assert {k: type(v) for k, v in trial.params.items()} == {k: type(v) for k, v in (wanted or {}).items()}
        having.append(set(trial.params))
    for conditional in ("beta1", "decay", "clip_value", "penalty_weight", "slope_rate"):
        assert 0 < sum(conditional in names for names in having) < 40


@pytest.mark.parametrize(
    ("statuses", "state", "reason"),
    [
        (["done", "done"], "complete", ""),
        (["done", "stopped"], "stopped", "1 of 2 runs stopped: why"),
        (["stopped", "failed"], "failed", "1 of 2 runs failed: why"),
        (["diverged", "diverged"], "failed", "2 of 2 runs diverged: why"),
        (["done", "running"], "unfinished", "1 of 2 runs done"),
        (["done", "what?"], "unfinished", "1 of 2 runs done"),
    ],
)
def test_states(statuses: list[str], state: str, reason: str, tmp_path: Path) -> None:
    def numbers(member: MemberConfig) -> dict[str, Any]:
        return {"fid": 10.0, "status": statuses[member.seed], "error": "why"}

    trials = trials_in(made_search(tmp_path / "s", numbers, trials=3))
    assert [(t.state, t.reason) for t in trials.all] == [(state, reason)] * 3
    assert trials.counts == {state: 3}
    assert len(trials.complete) == (3 if state == "complete" else 0)


def test_a_trial_whose_number_is_not_finite_failed(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", lambda m: {"fid": math.inf if m.seed else 10.0}, trials=2)
    assert [(t.state, t.reason) for t in trials_in(study).all] == [("failed", "FID is not a finite number")] * 2


def test_seeds_that_are_missing_or_trained_afterwards(tmp_path: Path) -> None:
    study = made_search(tmp_path / "s", lambda m: {"fid": 10.0 + m.seed}, trials=2, seeds=4, said={"seeds": 2})
    assert [(t.value(), len(t.member_ids)) for t in trials_in(study).all] == [(10.5, 2)] * 2
    study = made_search(tmp_path / "t", lambda m: {"fid": 10.0}, trials=2, seeds=2, said={"seeds": 3})
    assert [t.reason for t in trials_in(study).all] == ["2 of 3 runs done"] * 2
    study = made_search(tmp_path / "u", lambda m: {"fid": 10.0}, trials=2, seeds=2, said={"seeds": "many"})
    assert [t.state for t in trials_in(study).all] == ["complete"] * 2


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_best_by_either_direction(direction: str, tmp_path: Path) -> None:
    study = made_search(
        tmp_path / "s", lambda m: {"recall": abs(noise(m))}, metrics=("recall",), directions=(direction,)
    )
    trials = trials_in(study)
    means = study.members.groupby("cell_id")["recall"].mean()
    best = means.idxmin() if direction == "minimize" else means.idxmax()
    assert trials.best().cell_id == trials.ranked[0].cell_id == best
    ordered = means.sort_values(ascending=direction == "minimize")
    assert [t.cell_id for t in trials.ranked] == ordered.index.tolist()
    assert trials.front == {trials.best().number}


def test_the_front_is_optunas(tmp_path: Path) -> None:
    """One metric down, one up."""

    def numbers(member: MemberConfig) -> dict[str, Any]:
        return {"fid": 10 + noise(member), "coverage": noise(member, "coverage")}

    metrics, directions = ("fid", "coverage"), ("minimize", "maximize")
    trials = trials_in(made_search(tmp_path / "s", numbers, trials=80, metrics=metrics, directions=directions))
    theirs = optuna.create_study(directions=list(directions))
    theirs.add_trials([optuna.trial.create_trial(values=[t.value(0), t.value(1)]) for t in trials.complete])
    assert trials.front == {t.number for t in theirs.best_trials}
    assert 2 < len(trials.front) < 40
    assert {t.number for t in trials.ranked[: len(trials.front)]} == trials.front


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=12))
def test_the_front_is_what_none_beats(points: list[tuple[int, ...]]) -> None:
    def beats(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        return all(x <= y for x, y in zip(a, b, strict=True)) and a != b

    assert front(np.array(points, float)).tolist() == [not any(beats(q, p) for q in points) for p in points]


def test_a_grid_has_no_trials(tmp_path: Path) -> None:
    assert trials_of(Study(tmp_path, paper_members(seeds=1))) is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"metrics": []}, "it names no metric"),
        ({"metrics": {"fid": 1}}, "it names no metric"),
        ({"metrics": [SCRIPT]}, f"metric {SCRIPT!r} is no column of runs"),
        ({"metrics": [["fid"]]}, "metric ['fid'] is no column of runs"),
        ({"metrics": ["neuron"]}, "metric 'neuron' is no column of runs"),
        ({"metrics": ["fid", "fid"], "directions": ["minimize"] * 2}, "its metrics and directions do not match"),
        ({"directions": None}, "its metrics and directions do not match"),
        ({"directions": ["down"]}, "direction 'down' is neither minimize nor maximize"),
        ({"directions": [{}]}, "direction {} is neither minimize nor maximize"),
    ],
)
def test_without_metrics_and_directions_trials_cannot_be_compared(
    said: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    study = made_search(tmp_path / "s", by_learning_rate, trials=2, said=said)
    found = trials_of(study)
    assert isinstance(found, Unavailable)
    assert found.reason == f"study.json is damaged: {reason}, so trials cannot be compared"


FLOAT = {"name": "FloatDistribution", "attributes": {"low": 0.1, "high": 1.0, "log": False, "step": None}, "when": {}}


@pytest.mark.parametrize(
    "parameter",
    [
        None,
        [],
        {},
        {"name": "NoDistribution", "attributes": {}},
        FLOAT | {"name": ["FloatDistribution"]},
        FLOAT | {"attributes": {"low": 1.0, "high": 0.1}},
        FLOAT | {"attributes": {"low": "a", "high": {}}},
        FLOAT | {"attributes": {"low": 0.1, "high": 1.0, "log": False, "step": None, "more": 1}},
        FLOAT | {"attributes": {"low": -1e308, "high": 1e308}},
        FLOAT | {"attributes": {"low": 0.1, "high": float("nan")}},
        FLOAT | {"attributes": {"low": 0.1, "high": 10**400}},
        FLOAT | {"when": ["optimizer"]},
        FLOAT | {"when": {"optimizer": "adam"}},
        FLOAT | {"when": {SCRIPT: ["adam"]}},
        {"name": "CategoricalDistribution", "attributes": {"choices": []}},
        {"name": "CategoricalDistribution", "attributes": {"choices": [["a"], {}]}},
        {"name": "CategoricalDistribution", "attributes": {"choices": "abc"}},
        {"name": "CategoricalDistribution", "attributes": {"choices": list(range(100_000))}},
    ],
)
def test_a_parameter_that_cannot_be_read_is_named_and_the_others_stay(parameter: Any, tmp_path: Path) -> None:
    space = {**SPACES["annealing"].to_dict(), "learning_rate": parameter}
    trials = trials_in(made_search(tmp_path / "s", by_learning_rate, space="annealing", said={"space": space}))
    assert [p.name for p in trials.search.parameters] == ["neuron", "slope_rate"]
    [problem] = trials.search.problems
    assert problem.startswith("study.json: parameter 'learning_rate' cannot be read (")
    assert "\n" not in problem
    assert len(trials.complete) == 40


@pytest.mark.parametrize("space", [None, [1], "mlp", {SCRIPT: FLOAT}, {"seed": FLOAT}])
def test_a_space_that_is_none(space: Any, tmp_path: Path) -> None:
    trials = trials_in(made_search(tmp_path / "s", by_learning_rate, trials=3, said={"space": space}))
    assert trials.search.parameters == trials.varied == ()
    assert len(trials.search.problems) == 1


def test_values_from_outside_the_space_are_none(tmp_path: Path) -> None:
    space = SPACES["annealing"].to_dict()
    space["slope_rate"]["attributes"]["high"] = 1.1
    space["neuron"]["attributes"]["choices"] = ["stochastic", "another"]
    trials = trials_in(made_search(tmp_path / "s", by_learning_rate, space="annealing", said={"space": space}))
    rates = [t.params.get("slope_rate") for t in trials.all]
    assert None in rates
    assert all(r is None or r <= 1.1 for r in rates)
    assert {t.params.get("neuron") for t in trials.all} == {"stochastic", None}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)
KEYS = ("search", "metrics", "directions", "sampler", "scheduler", "trials", "seeds", "epochs", "space")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return made_search(tmp_path_factory.mktemp("results") / "s", eventful, trials=4)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4))
def test_whatever_stands_in_study_json_there_is_an_answer(plain: Study, said: dict[str, Any]) -> None:
    study = Study(plain.folder, plain.members)
    study.__dict__["description"] = plain.description | said
    search, trials = read_search(study), trials_of(study)
    assert isinstance(search, Search | Unavailable)
    assert isinstance(trials, Trials if isinstance(search, Search) else Unavailable)
