"""What the options say of every cell, and of cohorts."""

import sys
from pathlib import Path
from typing import Any

import pytest
from cohorts import cohort

from binarygan.data.images import load_images
from binarygan.errors import UserError
from binarygan.io.files import Place
from study.commands.grid import _cohorts
from study.options import common_fields, parser, place_of_results
from study.store.store import Store


@pytest.mark.parametrize(
    ("device", "known", "asked", "expected"),
    [
        ("cpu", None, None, "float32"),
        ("cuda", None, None, "tf32"),
        ("cuda", None, "fp32", "float32"),
        ("cuda", {"cells": {"a": {"dtype": "tf32"}}}, None, "tf32"),
        ("cuda", {"cells": {"a": {"dtype": "float32"}, "b": {"dtype": "float32"}}}, None, "float32"),
        ("cpu", {"cells": {"a": {"dtype": "bfloat16"}}}, None, "bfloat16"),
        ("cuda", {"fixed": {"dtype": "float32"}}, None, "float32"),
        ("cuda", {"cells": {"a": {"dtype": "float32"}}}, "bf16", "bfloat16"),
        ("cpu", {"cells": {"a": {"dtype": "tf32"}}}, None, "float32"),
        ("cuda", {"cells": {"a": {"dtype": "float32"}, "b": {"dtype": "bfloat16"}}}, None, "tf32"),
        ("cuda", {"cells": {"a": {"dtype": 7}}, "fixed": [1]}, None, "tf32"),
    ],
)
def test_the_precision_is_what_is_asked_then_the_studys_then_the_devices(
    device: str, known: dict[str, Any] | None, asked: str | None, expected: str
) -> None:
    words = ["--grid", "paper"] + (["--precision", asked] if asked else [])
    fields = common_fields(parser().parse_args(words), load_images("mnist"), device, known)
    assert fields["dtype"] == expected


def test_bfloat16_on_a_cpu_is_refused_where_numba_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)  # importing it fails
    words = parser().parse_args(["--grid", "paper", "--precision", "bf16"])
    with pytest.raises(UserError, match="--precision bf16 on a CPU needs Numba"):
        common_fields(words, load_images("mnist"), "cpu", None)
    assert common_fields(words, load_images("mnist"), "cuda", None)["dtype"] == "bfloat16"


@pytest.mark.parametrize("below", ["", "below"])
def test_results_in_a_file_are_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()

    def place(name: str) -> Place:
        return place_of_results(parser().parse_args(["--grid", "paper", "--results", str(tmp_path / name / below)]))

    with pytest.raises(UserError, match="file is a file, not a folder"):
        place("file")
    assert place("new") == tmp_path / "new" / below


def test_results_that_cannot_be_reached_are_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for name in ("circle", 300 * "long"):
        with pytest.raises(UserError, match="--results"):
            place_of_results(parser().parse_args(["--grid", "paper", "--results", str(tmp_path / name)]))


def test_without_a_gpu_only_what_would_be_measured_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head of a cluster plans for GPUs that it does not have."""
    monkeypatch.setattr("study.commands.grid.has_gpu", lambda: False)
    store, arguments = Store(tmp_path, "s"), parser().parse_args(["--grid", "paper"])
    assert _cohorts([], store, "cuda", arguments) == []
    few, many = (cohort(tiny, seeds=count).members for count in (16, 17))
    assert [len(c.members) for c in _cohorts(few, store, "cuda", arguments)] == [16]
    with pytest.raises(UserError, match="--cohort-size N"):
        _cohorts(many, store, "cuda", arguments)
