"""Which runs the report's sections take."""

import pandas as pd
import pytest
from made_study import paper_members

from analysis.experiments import EXPERIMENTS, Experiment
from analysis.statistics.compared import compared

OWN = [e for e in EXPERIMENTS if not e.cells]


@pytest.mark.parametrize("experiment", OWN, ids=lambda e: e.name)
def test_an_experiment_of_ours_may_be_of_another_precision(experiment: Experiment) -> None:
    """Where all its runs are of that one, they are compared as those of float32 are, the paper's among them."""
    members = paper_members(grid=experiment.name, seeds=1)
    other = members.assign(dtype="bfloat16")
    found = experiment.members(other)
    assert list(found["member_id"]) == list(experiment.members(members)["member_id"])
    assert len(found)
    if experiment.things:
        papers = [[g.paper for g in compared(m, experiment.varies)[0]] for m in (found, experiment.members(members))]
        assert papers[0] == papers[1]


def test_precisions_are_not_mixed() -> None:
    [experiment] = [e for e in OWN if e.name == "estimators"]
    members = paper_members(grid="estimators", seeds=1)
    other = members.assign(dtype="bfloat16", member_id="b" + members["member_id"], cell_id="b" + members["cell_id"])
    found = experiment.members(pd.concat([members, other.iloc[:3]], ignore_index=True))
    assert set(found["dtype"]) == {"float32"}
    assert len(found) == len(experiment.members(members))
