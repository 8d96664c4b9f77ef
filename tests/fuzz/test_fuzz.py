"""A short run of the fuzzer; `make fuzz` gives each reader 10,000 inputs."""

import pytest
from fuzz import fuzz
from readers import READERS

INPUTS = 40


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused(name: str) -> None:
    answers, faults = fuzz(READERS[name], INPUTS, seed=20181010)
    assert not faults, faults[0]
    assert answers.total() == INPUTS
