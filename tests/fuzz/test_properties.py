"""What holds of every configuration, grid, space and row."""

import dataclasses
import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binarygan.config import FILE_ENDING, PARTS, MemberConfig
from binarygan.errors import UserError
from binarygan.model.estimators import ESTIMATORS
from binarygan.model.neurons import NEURONS
from binarygan.model.score_functions import ScoreFunction
from binarygan.paper import FIDELITIES, paper_config
from study.store.schemas import SCHEMAS
from study.store.store import Store

positive = st.floats(min_value=1e-300, max_value=1e300)
names = {field: st.sampled_from(list(registry)) for field, registry in PARTS.items()}
choices = st.fixed_dictionaries(
    {
        "objective": names.pop("objective"),
        "data_digest": st.text(max_size=20),
        "train_images": st.integers(200, 10**9),
    },
    optional={
        **names,
        "slope_rate": positive,
        "seed": st.integers(0, 2**63 - 1),
        "data": st.text(max_size=20) | st.sampled_from(["a.npy", "b.npy"]),
        "epochs": st.integers(1, 10**6),
        "batch_size": st.integers(1, 200),
        "latent_size": st.integers(1, 10**6),
        "learning_rate": positive,
        "critic_steps": st.integers(1, 1000),
    },
)


def allowed(fields: dict[str, Any]) -> bool:
    """Whether the estimator is for the neuron and for a discriminator with that norm, and gates for both."""
    estimator, neuron = ESTIMATORS[fields.get("estimator", "sigmoid")], NEURONS[fields.get("neuron", "deterministic")]
    alone = fields.get("discriminator_norm") == "none" or not issubclass(estimator, ScoreFunction)
    gates = fields.get("architecture") == "gated-mlp"
    gateable = neuron.binary and not issubclass(estimator, ScoreFunction)
    return alone and estimator().supports(neuron) and (gateable or not gates)


configs = st.builds(
    lambda fidelity, fields: paper_config(fidelity=fidelity, **fields),
    st.sampled_from(FIDELITIES),
    choices.filter(allowed),
)
anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just("c.npy")
    | st.lists(st.integers(), max_size=2)
)


@given(configs)
def test_a_configuration_survives_json_with_its_identity(config: MemberConfig) -> None:
    again = MemberConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert (again, again.member_id, again.cell_id) == (config, config.member_id, config.cell_id)


@given(configs, st.integers(0, 2**62))
def test_the_seed_alone_tells_members_of_a_cell_apart(config: MemberConfig, seed: int) -> None:
    other = dataclasses.replace(config, seed=seed)
    assert other.cell_id == config.cell_id
    assert (other.member_id == config.member_id) == (seed == config.seed)
    assert other.cohort_key == config.cohort_key


@given(configs, st.sampled_from([f.name for f in dataclasses.fields(MemberConfig)]), anything)
def test_a_wrong_value_is_one_line_and_a_right_one_another_member(
    config: MemberConfig, name: str, value: object
) -> None:
    refused = None
    try:
        other = MemberConfig.from_dict(config.to_dict() | {name: value})
    except UserError as error:
        refused = str(error)
    if refused is not None:
        assert len(refused.splitlines()) == 1
        return
    same = getattr(other, name) == getattr(config, name)
    if name == "data" and other.data.endswith(FILE_ENDING):  # a file is known by what it holds
        same = config.data.endswith(FILE_ENDING)
    assert (other.member_id == config.member_id) == same


def _equal(a: object, b: object) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


number = st.none() | st.floats()


@settings(max_examples=50, deadline=None)
@given(configs, st.sampled_from(["running", "done", "failed", "diverged", "stopped"]), st.text(), number, number)
def test_a_row_comes_back_from_the_store_as_it_was(
    config: MemberConfig, status: str, error: str, fid: float | None, loss: float | None
) -> None:
    row = {"member_id": config.member_id, "cell_id": config.cell_id, "status": status, **config.to_dict()}
    row |= {"error": error, "fid": fid, "discriminator_loss": loss}
    with TemporaryDirectory() as scratch:
        store = Store(Path(scratch), "s")
        store.create()
        try:
            store.write("members", config.member_id, [row])
        except UnicodeEncodeError:  # a lone surrogate is no text that any file could hold
            return
        [found] = store.read("members", config.member_id)
    assert list(found) == SCHEMAS["members"].names
    assert all(_equal(found[name], row.get(name)) for name in found)


@given(st.lists(st.sampled_from((0, 0, 0, 1, 2, 9)), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_appended_epochs_are_the_last_of_each_in_order(back: list[int]) -> None:
    """As after any number of crashes between an epoch's rows and its checkpoint; of more epochs than a row group has.

    Args:
        back: by how many epochs each run of the command goes back.
    """
    expected: list[tuple[int, float]] = []
    with TemporaryDirectory() as scratch:
        store = Store(Path(scratch), "s")
        store.create()
        for turn, steps in enumerate(back):
            epoch = max(1, len(expected) + 1 - steps)
            store.append("curves", "m", {"member_id": "m", "epoch": epoch, "slope": float(turn)})
            expected = [*expected[: epoch - 1], (epoch, float(turn))]
        assert [(r["epoch"], r["slope"]) for r in store.read("curves", "m")] == expected


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b"])
def test_no_name_leads_out_of_a_study(name: str, tmp_path: Path) -> None:
    from study.run import main

    assert main(["--grid", "paper-neurons", "--study", name, "--results", str(tmp_path)]) == 2
    assert main(["--retrain", name, "--results", str(tmp_path)]) == 2
    assert not list(tmp_path.iterdir())
