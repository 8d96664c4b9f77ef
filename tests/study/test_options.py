"""From the command line to one `RunOptions`, and what that says of every configuration."""

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from running import assert_refused, here

from binarygan.data.images import load_images
from binarygan.errors import UserError
from binarygan.paper import paper_config
from study.commands.search import _source
from study.design.common import check_precision, common_fields
from study.launch.devices import resources_of
from study.options import ClusterOptions, RunOptions, SearchOptions, parse, results_root
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
    fields = common_fields(parse(words), load_images("mnist"), device, known)
    assert fields["dtype"] == expected


@pytest.mark.parametrize(
    ("words", "known", "reference", "images"),
    [
        ("--grid paper", None, "test", 60_000),
        ("--grid paper --fidelity as-released", None, "test", 70_000),
        ("--grid paper --fidelity as-released --set split=train", None, "test", 60_000),
        ("--grid paper --fidelity as-released --reference validation", None, "validation", 50_000),
        ("--grid paper", {"cells": {"a": {"reference": "validation"}}}, "validation", 50_000),
        ("--grid paper", {"cells": {"a": {}}}, "test", 60_000),
        ("--search mlp --trials 1", None, "validation", 50_000),
        ("--search mlp --trials 1 --fidelity as-released", None, "validation", 50_000),
        ("--search mlp --trials 1 --quick", None, "validation", 6_400),
        ("--search mlp --trials 1 --reference test", None, "test", 60_000),
        ("--search mlp --trials 1", {"search": "mlp", "fixed": {"dtype": "float32"}}, "test", 60_000),
        ("--search mlp --trials 1", {"search": "mlp", "fixed": {"reference": "validation"}}, "validation", 50_000),
        ("--search mlp --trials 1", {"search": "mlp", "fixed": {"reference": ["odd"]}}, "validation", 50_000),
    ],
)
def test_what_is_compared_with_is_what_is_asked_then_the_studys_then_usual(
    words: str, known: dict[str, Any] | None, reference: str, images: int
) -> None:
    """A study that does not say it is of before there was a choice."""
    fields = common_fields(parse(words.split()), load_images("mnist"), "cpu", known)
    assert (fields["reference"], fields["train_images"]) == (reference, images)
    config = paper_config(objective="gan", fidelity=parse(words.split()).fidelity, **fields)
    load_images("mnist").check_training(config.train_images, split=config.split, reference=config.reference)


def test_bfloat16_on_a_cpu_is_refused_where_numba_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)  # importing it fails
    for words in (["--precision", "bf16"], ["--set", "dtype=bfloat16"]):
        outcome = here("--grid", "paper", *words, "--device", "cpu", "--plan")
        assert_refused(outcome, "dtype bfloat16 on a CPU needs Numba")
    check_precision("bfloat16", "cuda", RunOptions(grid="paper"))


def test_every_option_is_a_field_of_the_resolved_options() -> None:
    assert parse(["--grid", "paper"]) == RunOptions(grid="paper")
    words = shlex.split("--search mlp --trials 3 --metric fid,kid --time-budget 1h30m --resource a=1 --resource b=0.5")
    expected = RunOptions(
        search="mlp",
        searches=SearchOptions(trials=3, metric=("fid,kid",), time_budget=5400.0),
        clusters=ClusterOptions(resource=(("a", 1.0), ("b", 0.5))),
    )
    assert parse(words) == expected
    assert expected.searches.metrics == ("fid", "kid")


def test_paths_of_plugins_are_absolute_and_kept_as_they_were_given(tmp_path: Path) -> None:
    given = ("mine.py", str(tmp_path / "more.py"))
    options = parse(["--grid", "g", "--plugin", given[0], "--plugin", given[1], "--engine", "reference"])
    assert options.plugins == (str(Path("mine.py").resolve()), given[1])
    assert (options.kept, options.engine) == ({"plugins": list(given)}, "reference")
    assert RunOptions(grid="g").kept == {}


def test_what_the_user_chose_is_told_from_what_follows() -> None:
    assert parse(["--grid", "paper"]).asked == {}
    assert parse(["--grid", "paper", "--quick"]).asked == {"train_images": "--quick"}
    words = ["--grid", "paper", "--epochs", "3", "--precision", "bf16"]
    assert parse(words).asked == {"epochs": "--epochs 3", "dtype": "--precision bf16"}
    words = ["--grid", "paper", "--set", "split=train", "--reference", "test"]
    assert parse(words).asked == {"split": "--set split=train", "reference": "--reference test"}


@pytest.mark.parametrize("below", ["", "below"])
def test_results_in_a_file_are_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file is a file, not a folder"):
        results_root(str(tmp_path / "file" / below))
    assert results_root(str(tmp_path / "new" / below)) == tmp_path / "new" / below


def test_results_that_cannot_be_reached_are_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for name in ("circle", 300 * "long"):
        with pytest.raises(UserError, match="--results"):
            results_root(str(tmp_path / name))


@pytest.mark.parametrize("option", ["--address", "--results", "--data", "--study", "--storage", "--plugin"])
def test_a_variable_that_is_not_set_is_no_value(option: str) -> None:
    for words in ([option, ""], [f"{option}="]):
        with pytest.raises(UserError, match=f"^{option} is empty: give it a value or leave it out$"):
            parse(["--grid", "paper", *words])


def test_a_tilde_is_the_home_in_every_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell leaves it as it is after `=`."""
    monkeypatch.setenv("HOME", "/home/me")
    words = [
        "--search",
        "mlp",
        "--trials",
        "1",
        "--results=~/r",
        "--data=~/d.npy",
        "--data-root=~/d",
        "--plugin=~/p.py",
    ]
    options = parse(words)
    assert (options.results, options.data) == ("/home/me/r", "/home/me/d.npy")
    assert (options.data_root, options.plugin) == (Path("/home/me/d"), ("/home/me/p.py",))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--cpus-per-trial 0.00001", "--cpus-per-trial 1e-05 is less than Ray can reserve: 0.0001 or more"),
        ("--gpus-per-trial 0.00001", "--gpus-per-trial 1e-05 is less than Ray can reserve: 0.0001 or more"),
        ("--resource a=0.00001", "--resource a 1e-05 is less than Ray can reserve: 0.0001 or more"),
        ("--cpus-per-trial 0", "--cpus-per-trial 0 must be above 0"),
        ("--cpus-per-trial inf", "--cpus-per-trial inf must be above 0"),
    ],
)
def test_what_ray_cannot_reserve_is_refused_before_it_starts(words: str, said: str) -> None:
    with pytest.raises(UserError, match=f"^{said}$"):
        resources_of(parse(["--grid", "paper", *words.split()]).clusters, "cpu")


@pytest.mark.parametrize("text", [".", "../s", "./", "{here}/"])
def test_a_warm_start_may_be_any_name_of_a_folder(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, "s")
    store.create()
    store.write("members", "m", [{"member_id": "m", "status": "done"}])
    (store.folder / "members" / "._m.parquet").write_bytes(b"of macOS")
    monkeypatch.chdir(store.folder)
    found = _source(text.format(here=store.folder))
    assert (found.study, found.folder, found.ids()) == ("s", store.folder, ["m"])
