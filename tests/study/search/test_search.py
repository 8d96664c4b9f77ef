"""What a trial is worth, and how searches are told apart."""

from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution
from searches import COMMON, search

from binarygan.errors import UserError
from study.design.spaces import Parameter, Space
from study.search.search import Search, differences, outcome


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


def test_an_older_declaration_compares_with_the_test_split() -> None:
    older = search()
    assert "reference" not in older.declaration()["fixed"]
    test, validation = (search(fields=COMMON | {"reference": r}) for r in ("test", "validation"))
    assert older.reference == test.reference == "test"
    assert test.unlike(older.declaration()) == older.unlike(test.declaration()) == ""
    assert validation.unlike(older.declaration()) == "reference: test there, validation asked"
    assert older.unlike(validation.declaration()) == "reference: validation there, test asked"


@pytest.mark.parametrize("name", ["epochs", "reference"])
def test_what_all_trials_share_is_not_drawn(name: str) -> None:
    space = Space("of something else", (Parameter(name, CategoricalDistribution(["test", "validation"])),))
    with pytest.raises(UserError, match=f"cannot draw {name}: the trials of a search are"):
        Search(space=space, metrics=("fid",), seeds=1, fidelity="as-described", fields=COMMON)


@pytest.mark.parametrize("space", [[1], 5, {"a": {"attributes": {}}}, {"a": {"attributes": {"low": "x", "high": []}}}])
def test_a_declaration_from_elsewhere_is_put_into_words(space: Any) -> None:
    assert isinstance(differences({"space": space}, {"space": {"b": 1}, "fixed": None}), str)
