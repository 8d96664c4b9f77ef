"""A short run of the chaos harness; `make chaos` injects two hundred faults and cuts the power at every step."""

import random
from pathlib import Path

import pytest
from harness import Chaos
from power_cuts import STEPS, Cut, count_writes, survive
from study_under_test import tables, write_digits

SEED = 20181010


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", ["grid", "publish"])
def test_nothing_is_lost_whatever_is_killed(scenario: str, tmp_path: Path) -> None:
    chaos = Chaos(tmp_path, SEED)
    chaos.study(scenario, 3)
    assert chaos.injected.total() >= 1


def test_nothing_is_lost_by_a_power_cut(tmp_path: Path) -> None:
    data = write_digits(tmp_path / "digits.npy")
    writes = count_writes(data, tmp_path / "undisturbed")
    expected = tables(tmp_path / "undisturbed")
    chance = random.Random(SEED)
    for step in chance.sample(range(len(STEPS)), 3):  # all of them: make chaos
        cut = Cut(chance.randrange(writes), step)
        survive(data, tmp_path / f"cut-{step}", cut, expected)
