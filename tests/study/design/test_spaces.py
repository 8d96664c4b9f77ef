"""What a search space draws."""

import optuna
import pytest
from searches import search

from study.design.spaces import SPACES


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
