"""What a search space and a sampler draw, and what a trial is worth."""

import optuna
import pytest
from searches import COMMON, search

from binarygan.errors import UserError
from study.design.spaces import SPACES
from study.search.samplers import MAKE, make_sampler
from study.search.search import outcome


@pytest.mark.parametrize("name", SPACES)
def test_what_a_space_draws_is_a_configuration_and_leads_back_to_it(name: str) -> None:
    own = search(name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(40):
        trial = study.ask()
        config = own.draw(trial)
        assert own.space.params_of(config) == trial.params
        assert own.cohort(trial.params).members[0] == config
        assert ("clip_value" in trial.params) == (config.objective == "wgan" and name in ("everything", "mlp"))
        assert len({m.cohort_key for m in own.cohort(trial.params).members}) == 1


def test_a_cell_outside_the_space_has_no_parameters() -> None:
    own = search()
    config = own.draw(optuna.trial.FixedTrial({"neuron": "stochastic", "slope_rate": 1.2}))
    assert own.space.params_of(config) == {"neuron": "stochastic", "slope_rate": 1.2}
    fields = config.to_dict()
    for other in ({"neuron": "real"}, {"slope_rate": 2.0}):
        assert own.space.params_of(type(config).from_dict(fields | other)) is None


@pytest.mark.parametrize("name", MAKE)
def test_a_sampler_draws_the_same_from_its_seed_and_goes_on_otherwise(name: str) -> None:
    if name == "cmaes":
        pytest.importorskip("cmaes")
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


def test_a_batch_larger_than_the_data_is_refused_before_any_trial() -> None:
    with pytest.raises(UserError, match="batches of up to 128, more than 64"):
        search("mlp", fields=COMMON | {"train_images": 64})


def test_a_value_is_the_mean_over_seeds_and_never_hides_a_lost_one() -> None:
    rows = [{"status": "done", "error": None, "fid": f, "seconds": 1.0} for f in (1.0, 2.0)]
    assert outcome(["fid", "seconds"], rows).values == (1.5, 1.0)
    lost = outcome(["fid"], [rows[0], {"status": "diverged", "error": "NaN after epoch 3", "fid": 1.0}])
    assert lost.values is None
    assert lost.reason == "1 of 2 members diverged: NaN after epoch 3"
    assert outcome(["fid"], [rows[0], {"status": "running", "fid": None}]) == outcome(["fid"], [{"status": "running"}])
    assert "not a finite number" in str(outcome(["fid"], [{"status": "done", "fid": float("nan")}]).reason)
