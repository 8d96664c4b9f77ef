"""Every test process computes with one thread, as trials do, and so that two of them do not fight for the cores."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_worker_niceness", "0")  # with Ray's 15 its workers wait behind the other tests
LONGEST = ("tests/study/commands/", "tests/chaos/")
"""Where the tests are that take a minute each: they come first, so that none is left alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """128 real digits: two iterations an epoch."""
    from running import write_digits

    return write_digits(tmp_path_factory.mktemp("data") / "digits.npy", 128)


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 real digits: one iteration an epoch, in which the released schedule takes a hundred critic steps."""
    from running import write_digits

    return write_digits(tmp_path_factory.mktemp("data") / "batch.npy", 64)
