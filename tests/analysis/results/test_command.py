"""The command that made a study, from what it says of itself and from its runs."""

from pathlib import Path
from typing import Any

import pytest
from made_study import paper_members

from analysis.results.command import command, surroundings
from analysis.results.study import Study

AS_RELEASED = "--fidelity as-released"
RETRAIN = {"retrain": "1234", "of": "paper"}
SEARCH = {"search": "mlp", "metrics": ["fid"], "sampler": "tpe", "scheduler": "none", "trials": 3, "seeds": 1}
PAPER, WHOLE = {"grid": "paper"}, f"--grid paper {AS_RELEASED}"
HELD_OUT = {"split": "train", "reference": "validation"}
TF32, OTHER_DATA = {"dtype": "tf32"}, {"data": "digits", "data_digest": "0"}


@pytest.mark.parametrize(
    ("name", "changes", "said", "grid", "words"),
    [
        ("mine", {}, {}, None, ""),
        ("mine", {}, {}, "paper-neurons", f"--grid paper-neurons {AS_RELEASED} --seeds 2 --epochs 5"),
        ("seed 1 alone", {"seed": 1}, {}, "paper-neurons", f"--grid paper-neurons {AS_RELEASED} --seeds 2 --epochs 5"),
        (
            "it's mine",
            {"fidelity": "as-described", "split": "train", "epochs": 1, **OTHER_DATA},
            {"grid": "paper", "quick": True},
            None,
            "--grid paper --quick --seeds 2 --data digits --study 'it'\"'\"'s mine'",
        ),
        ("retrain-1234", TF32, RETRAIN, None, "--retrain 1234 --seeds 2"),
        (
            "retrain-1234",
            TF32,
            {**RETRAIN, "epochs": 3, "data": "/a/d.npy", "data_root": "sets"},
            None,
            "--retrain 1234 --seeds 2 --epochs 3 --data /a/d.npy --data-root sets",
        ),
        ("paper", TF32, {"grid": "paper"}, None, f"--grid paper {AS_RELEASED} --precision tf32 --seeds 2 --epochs 5"),
        (
            "lengths",
            {},
            {"grid": "lengths", "plugins": ["my parts.py"]},
            None,
            f"--grid lengths {AS_RELEASED} --seeds 2 --epochs 5 --plugin 'my parts.py'",
        ),
        (  # tf32 is what a GPU is asked for otherwise
            "paper",
            {"device": "NVIDIA H200"},
            {"grid": "paper"},
            None,
            f"--grid paper {AS_RELEASED} --precision fp32 --seeds 2 --epochs 5",
        ),
        (
            "mine",
            {"epochs": 2, "seed": 0, **OTHER_DATA},
            {**SEARCH, "quick": True},
            None,
            f"--search mlp --trials 3 --metric fid --sampler tpe --quick {AS_RELEASED} --reference test --epochs 2 "
            "--data digits --study mine",
        ),
        (
            "mine",
            {"epochs": 2, "seed": 0, **HELD_OUT},
            SEARCH,
            None,
            f"--search mlp --trials 3 --metric fid --sampler tpe {AS_RELEASED} --epochs 2 --study mine",
        ),
        ("paper", {"seed": 0, **HELD_OUT}, PAPER, None, f"{WHOLE} --reference validation --epochs 5"),
        ("paper", {"seed": 0, "split": "train"}, PAPER, None, f"{WHOLE} --set split=train --epochs 5"),
        (
            "mine",
            {"seed": 0},
            {"sweep": ["slope_rate=1,1.1", "epochs=5,6"], "set": ["neuron=real"]},
            None,
            f"--sweep slope_rate=1,1.1 epochs=5,6 {AS_RELEASED} --set neuron=real --study mine",
        ),
        (
            "mine",
            {"seed": 0, "split": "train"},
            {**PAPER, "sweep": ["slope_rate=1,1.1"], "set": ["split=train", "epochs=5"], "plugins": ["a.py"]},
            None,
            f"--grid paper --sweep slope_rate=1,1.1 {AS_RELEASED} --set split=train epochs=5 --plugin a.py "
            "--study mine",
        ),
        ("mine", {}, {"file": "x/my.toml"}, None, "--file HERE/mine/study.toml --results HERE"),
        ("results/mine", {}, {"file": "x/my.toml"}, None, "--file HERE/results/mine/study.toml --results HERE/results"),
        ("mine", {}, {"file": "x/my.toml"}, "paper", f"--grid paper {AS_RELEASED} --seeds 2 --epochs 5"),
        (
            "retrain-1234-test",
            {"split": "train"},
            {**RETRAIN, "reference": "test"},
            None,
            "--retrain 1234 --reference test --seeds 2",
        ),
    ],
)
def test_the_command_is_the_one_that_trained(
    name: str, changes: dict[str, Any], said: dict[str, Any], grid: str | None, words: str, tmp_path: Path
) -> None:
    members = paper_members(seeds=2, grid="paper-neurons").assign(**{"epochs": 5, **changes})
    study = Study(tmp_path / name, members)
    study.__dict__["description"] = said
    assert command(study, grid) == (f"python study/run.py {words.replace('HERE', str(tmp_path))}" if words else "")


def test_a_study_of_another_results_folder_is_trained_there(tmp_path: Path) -> None:
    """As a command wrote it; a published copy is no place to train into."""
    study = Study(tmp_path / "results" / "paper-neurons", paper_members(seeds=1, grid="paper-neurons"))
    study.__dict__["description"] = {"grid": "paper-neurons"}
    assert "--results" not in command(study)
    (study.folder / "checkpoints").mkdir(parents=True)
    assert command(study).endswith(f"--results {tmp_path / 'results'}")
    study.description.update(plugins=["mine.py"])
    assert surroundings(study)[-4:] == ["--results", str(tmp_path / "results"), "--plugin", "mine.py"]
