"""What samplers draw; CMA-ES without pickles: in the state of Optuna's own, whatever a journal says of that state."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import optuna
import pytest
from malicious import Malicious
from optuna._transform import _SearchSpaceTransform
from optuna.study import StudyDirection
from searches import search

from study.search.samplers import MAKE, make_sampler
from study.search.storage import storage_of


@pytest.mark.parametrize("name", MAKE)
def test_a_sampler_draws_the_same_from_its_seed_and_goes_on_otherwise(name: str) -> None:
    own = search("optimizer")

    def draws(seed: int, before: int) -> list[dict[str, object]]:
        study = optuna.create_study(sampler=make_sampler(name, seed, before))
        trials = [study.ask() for _ in range(3)]
        for trial in trials:
            own.draw(trial)
        return [t.params for t in trials]

    assert draws(0, 0) == draws(0, 0)
    assert draws(0, 0) != draws(1, 0)
    assert draws(0, 0) != draws(0, 3)


def goal(trial: optuna.Trial) -> float:
    x, y = (trial.suggest_float(name, -3, 3) for name in ("x", "y"))
    return (x - 1) ** 2 + 10 * (y + x) ** 2


def test_the_state_is_what_optunas_sampler_has() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = optuna.samplers.CmaEsSampler(seed=3)
    study = optuna.create_study(sampler=theirs)
    study.optimize(goal, n_trials=60)
    ours = make_sampler("cmaes", 3, 0)
    completed = ours._get_trials(study)  # type: ignore[attr-defined]
    space = study.trials[-1].distributions
    trans = _SearchSpaceTransform(space, transform_step=True, transform_0_1=True)
    assert ours._restore_optimizer(completed) is None  # type: ignore[attr-defined]
    replayed = ours._init_optimizer(trans, StudyDirection.MINIMIZE)  # type: ignore[attr-defined]
    kept = theirs._restore_optimizer(completed)
    assert kept is not None
    assert replayed.generation >= kept.generation > 5
    while kept.generation < replayed.generation:  # the last generation is told at the next trial
        told = theirs._get_solution_trials(completed, kept.generation)[: kept.population_size]
        kept.tell([(trans.transform(t.params), t.value) for t in told])
    assert np.allclose(replayed._mean, kept._mean)
    assert np.allclose(replayed._C, kept._C)
    assert replayed._sigma == pytest.approx(kept._sigma)


def test_it_finds_the_minimum_and_goes_on_from_where_it_was(tmp_path: Path) -> None:
    for part in range(3):
        study = optuna.create_study(
            study_name="s",
            storage=storage_of(None, tmp_path),
            load_if_exists=True,
            sampler=make_sampler("cmaes", 0, 50 * part),
        )
        study.optimize(goal, n_trials=50)
    assert study.best_value < 1e-3
    late = [t.value for t in study.trials[100:]]
    assert np.median(late) < 0.01, "a sampler that began anew would draw widely again"


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "Optuna's"])
def test_a_journal_from_elsewhere_runs_no_code(ours: bool, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    study = optuna.create_study(study_name="s", storage=storage_of(None, tmp_path))
    study.optimize(goal, n_trials=5)
    payload = pickle.dumps(Malicious(mark)).hex()
    running = study.ask()
    study._storage.set_trial_system_attr(running._trial_id, "cma:optimizer:0", payload)
    goal(running)
    study.tell(running, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = make_sampler("cmaes", 0, 6) if ours else optuna.samplers.CmaEsSampler(seed=0)
    again = optuna.load_study(study_name="s", storage=storage_of(None, tmp_path), sampler=sampler)
    try:
        goal(again.ask())
    except Exception:
        assert not ours
    assert mark.exists() != ours, "Optuna's own shows that the mark would be seen"
