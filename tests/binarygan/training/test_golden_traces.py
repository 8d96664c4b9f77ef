"""The trainer against losses of the released code itself, with every random number fixed.

RELEASED_TRACES names a folder with further traces of the same format.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from released import Trace

FOLDER = Path(os.environ.get("RELEASED_TRACES") or Path(__file__).parents[2] / "data" / "traces")
FILES = sorted(FOLDER.glob("*.json"))


def test_there_are_traces() -> None:
    assert FILES, f"no traces in {FOLDER}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_losses_are_those_of_the_released_code(path: Path) -> None:
    trace = Trace(path)
    critic, of_generator = trace.run()
    expected_critic, expected_generator = trace.expected()
    np.testing.assert_allclose(critic[0], expected_critic[0], rtol=0, atol=3e-4)
    np.testing.assert_allclose(of_generator[0], expected_generator[0], rtol=0, atol=3e-4)
    np.testing.assert_allclose(critic[:5], expected_critic[:5], rtol=0, atol=1e-2)
    np.testing.assert_allclose(of_generator[:5], expected_generator[:5], rtol=0, atol=1e-2)
    for name, ours, theirs in trace.norms():
        if theirs > 0.1:
            assert ours == pytest.approx(theirs, rel=1e-2), name
