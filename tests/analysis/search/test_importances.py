"""Importances: what was made to decide comes first, and Optuna itself says the same."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from made_search import by_learning_rate, made_search, noise, trials_in
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances

from analysis.search.importances import DEPTH, TREES, Importance, Importances, importances
from analysis.statistics.summaries import Unavailable
from analysis.tables.search_tables import importances_table
from binarygan.config import MemberConfig


def found_in(
    folder: Path, numbers: Callable[[MemberConfig], dict[str, Any]], metric: int = 0, **more: Any
) -> Importances:
    found = importances(trials_in(made_search(folder / "s", numbers, **({"seeds": 1} | more))), metric)
    assert isinstance(found, Importances), found
    return found


def by_name(found: Importances) -> dict[str, Importance]:
    return {row.parameter.name: row for row in found.rows}


def neuron_decides(member: MemberConfig) -> dict[str, Any]:
    return {"fid": 10.0 + 5 * (member.neuron == "stochastic") + 0.1 * noise(member)}


def steps_decide(member: MemberConfig) -> dict[str, Any]:
    return {"fid": 10.0 + member.critic_steps + 0.1 * noise(member)}


@pytest.mark.parametrize(
    ("name", "numbers", "sets_apart"),
    [
        ("learning_rate", by_learning_rate, 0.5),
        ("critic_steps", steps_decide, 0.5),
        ("neuron", neuron_decides, 0.1),  # that all of the best have one of two values tells little
    ],
)
def test_the_one_parameter_that_decides_is_first(name: str, numbers: Any, sets_apart: float, tmp_path: Path) -> None:
    found = found_in(tmp_path, numbers, trials=80)
    first, *others = [row for row in found.rows if row.trials == 80]
    assert found.rows[0] is first
    assert first.parameter.name == name
    assert first.fanova > 0.7
    assert max(row.fanova for row in others) < 0.2
    assert first.ped_anova > sets_apart
    if sets_apart == 0.5:
        assert first.ped_anova > max(row.ped_anova for row in others)


def test_numbers_are_optunas_own(tmp_path: Path) -> None:
    """Of a space whose scales are linear: the same trials, given to Optuna by hand."""

    def numbers(member: MemberConfig) -> dict[str, Any]:
        return {"fid": 10.0 + 10 * member.slope_rate + 3 * (member.neuron == "stochastic") + noise(member)}

    study = made_search(tmp_path / "s", numbers, space="annealing", trials=60, seeds=1)
    found = importances(trials_in(study), 0)
    assert isinstance(found, Importances)
    theirs = optuna.create_study()
    distributions = {
        "neuron": optuna.distributions.CategoricalDistribution(("deterministic", "stochastic")),
        "slope_rate": optuna.distributions.FloatDistribution(1.0, 1.3),
    }
    for row in study.members.sort_values("started_at").to_dict("records"):
        params = {name: row[name] for name in distributions}
        theirs.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=row["fid"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = list(distributions)
        forest = FanovaImportanceEvaluator(n_trees=TREES, max_depth=DEPTH, seed=0)
        fanova = get_param_importances(theirs, evaluator=forest, params=names, normalize=False)
        ped = get_param_importances(theirs, evaluator=PedAnovaImportanceEvaluator(), params=names)
    ours = by_name(found)
    for name in distributions:
        assert ours[name].fanova == pytest.approx(fanova[name])
        assert ours[name].ped_anova == pytest.approx(ped[name])
    assert not found.log
    assert sum(row.ped_anova for row in found.rows) == pytest.approx(1)


def test_they_are_the_same_every_time_and_whatever_way_is_better(tmp_path: Path) -> None:
    first = found_in(tmp_path / "a", by_learning_rate, space="optimizer", trials=30)
    again = found_in(tmp_path / "b", by_learning_rate, space="optimizer", trials=30)
    assert [(r.parameter.name, r.fanova, r.ped_anova) for r in first.rows] == [
        (r.parameter.name, r.fanova, r.ped_anova) for r in again.rows
    ]

    def upside_down(member: MemberConfig) -> dict[str, Any]:
        return {"recall": 1 / by_learning_rate(member)["fid"]}

    turned = found_in(
        tmp_path / "c", upside_down, space="optimizer", trials=30, metrics=("recall",), directions=("maximize",)
    )
    for name, row in by_name(first).items():
        assert row.fanova == pytest.approx(by_name(turned)[name].fanova, abs=0.02)
        assert row.ped_anova == pytest.approx(by_name(turned)[name].ped_anova)


def test_a_logarithmic_range_is_looked_at_as_it_was_drawn(tmp_path: Path) -> None:
    """What happens below a thousandth is a tenth of the range as it stands, and two thirds of its logarithm."""

    def numbers(member: MemberConfig) -> dict[str, Any]:
        return {"fid": 10.0 + 5 * (member.learning_rate < 1e-4) + 3 * (member.neuron == "stochastic")}

    found = by_name(found_in(tmp_path, numbers, trials=100))
    by_hand = np.var([15] + [10] * 2) / (np.var([15] + [10] * 2) + np.var([0, 3]))
    assert found["learning_rate"].fanova == pytest.approx(by_hand, abs=0.1)


@pytest.mark.long
def test_conditional_parameters_are_evaluated_among_the_trials_that_have_them(tmp_path: Path) -> None:
    """The clip value decides WGAN's FID; other objectives are far off, and no other parameter matters."""

    def numbers(member: MemberConfig) -> dict[str, Any]:
        if member.objective != "wgan":
            return {"fid": 100.0 + noise(member)}
        return {"fid": 10.0 + 4 * abs(math.log10(member.clip_value or 1) + 2) + 0.05 * noise(member)}

    study = made_search(tmp_path / "s", numbers, trials=120, seeds=1)
    trials = trials_in(study)
    found = importances(trials, 0)
    assert isinstance(found, Importances)
    rows = by_name(found)
    having = {
        "clip_value": (study.members["objective"] == "wgan").sum(),
        "decay": (study.members["optimizer"] == "rmsprop").sum(),
        "beta1": (study.members["optimizer"] == "adam").sum(),
        "penalty_weight": (study.members["objective"] == "wgan-gp").sum(),
        "learning_rate": 120,
    }
    assert {name: rows[name].trials for name in having} == having
    assert rows["clip_value"].fanova > 0.5
    assert rows["clip_value"].ped_anova > 0.5
    assert rows["decay"].fanova < 0.15
    assert rows["objective"].fanova > 0.9
    table = importances_table([found])
    at = {row[0].text: row for row in table.rows}
    assert at["clip value"][1].text == str(having["clip_value"])
    assert any("evaluated among those that have it" in note for note in table.notes)


def test_of_too_few_trials_nothing_is_said(tmp_path: Path) -> None:
    found = importances(trials_in(made_search(tmp_path / "a", by_learning_rate, trials=9)), 0)
    assert isinstance(found, Unavailable)
    assert found.reason.startswith("9 complete trials: too few to say which parameters matter")
    rows = by_name(found_in(tmp_path / "b", by_learning_rate, trials=24))
    few = [r for r in rows.values() if r.trials < 10]
    assert few
    assert all(math.isnan(r.fanova) and math.isnan(r.ped_anova) for r in few)
    assert not math.isnan(rows["learning_rate"].fanova)


def test_trials_that_are_not_complete_are_in_no_importance(tmp_path: Path) -> None:
    def numbers(member: MemberConfig) -> dict[str, Any]:
        if member.neuron == "stochastic":
            return {"fid": 1000.0, "status": "stopped" if member.critic_steps % 2 else "diverged", "error": "x"}
        return by_learning_rate(member)

    found = found_in(tmp_path, numbers, trials=60)
    rows = by_name(found)
    assert found.trials < 40
    assert rows["neuron"].fanova == 0.0
    assert found.rows[0].parameter.name == "learning_rate"


def test_where_all_have_one_value_there_is_nothing_to_explain(tmp_path: Path) -> None:
    found = importances(trials_in(made_search(tmp_path / "s", lambda m: {"fid": 10.0}, trials=12)), 0)
    assert isinstance(found, Unavailable)
    assert "nothing to explain" in found.reason


def test_optuna_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trials = trials_in(made_search(tmp_path / "s", by_learning_rate, trials=12))
    capfd.readouterr()
    importances(trials, 0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.long
def test_two_metrics_have_two_pairs_of_columns_in_one_order(tmp_path: Path) -> None:
    def numbers(member: MemberConfig) -> dict[str, Any]:
        return {**by_learning_rate(member), "seconds": 20.0 * member.critic_steps}

    trials = trials_in(made_search(tmp_path / "s", numbers, trials=60, metrics=("fid", "seconds")))
    both = [importances(trials, i) for i in range(2)]
    table = importances_table([f for f in both if isinstance(f, Importances)])
    labels = [c.label for c in table.columns]
    assert labels[2:] == ["fANOVA of FID", "PED-ANOVA of FID", "fANOVA of seconds", "PED-ANOVA of seconds"]
    assert table.rows[0][0].text == "learning rate"
    [steps] = [row for row in table.rows if row[0].text == "critic steps"]
    assert float(steps[4].text) > 0.9
    assert float(steps[2].text) < 0.1
